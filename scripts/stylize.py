#!/usr/bin/env python3
"""The command `artistyle` for those who work from a clone: the same flags, the same code.

scripts/stylize.py --content=photo.jpg --style=painting.jpg --output=out.png
"""

import importlib.util
import pathlib
import sys

if importlib.util.find_spec("artistyle_tf") is None:
    sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))

try:
    from artistyle_tf.cli.main import main
except ModuleNotFoundError as error:
    sys.exit(f"stylize.py: {error}; run it with the Python of .venv, which scripts/demo makes")

if __name__ == "__main__":
    sys.exit(main())
