"""`python -m artistyle_tf.batch` is the command `artistyle-batch`."""

import sys

from artistyle_tf.batch.main import main

__all__: list[str] = []

if __name__ == "__main__":
    sys.exit(main())
