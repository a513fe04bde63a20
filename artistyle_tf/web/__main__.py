"""`python -m artistyle_tf.web` is the command `artistyle-web`."""

import sys

from artistyle_tf.web.main import main

__all__: list[str] = []

if __name__ == "__main__":
    sys.exit(main())
