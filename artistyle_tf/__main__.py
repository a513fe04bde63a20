"""`python -m artistyle_tf` is the command `artistyle`."""

import sys

from artistyle_tf.cli.main import main

__all__: list[str] = []

if __name__ == "__main__":
    sys.exit(main())
