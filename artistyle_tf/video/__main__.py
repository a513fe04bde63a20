"""`python -m artistyle_tf.video` is the command `artistyle-video`."""

import sys

from artistyle_tf.video.main import main

__all__: list[str] = []

if __name__ == "__main__":
    sys.exit(main())
