"""Everything that must pass: lint, format, types, tests.

scripts/test [ARGUMENT ...]             arguments go to pytest
scripts/test --oldest [ARGUMENT ...]    tests alone, with the lowest versions that setup.cfg allows
"""

import os
import sys

from _venv import PIP, ROOT, become, call, prepare, say

CHECKS = {
    "ruff check": ["ruff", "check", "."],
    "ruff format --check": ["ruff", "format", "--check", "."],
    "mypy": ["mypy"],
    "codespell": ["codespell_lib"],
}
OLDEST = ".venv-oldest"
LOWEST = ["-m", "uv", "pip", "install", "--resolution=lowest-direct", f"--python={ROOT / OLDEST}"]


def main(words):
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    os.chdir(str(ROOT))
    if "--oldest" in words:
        words = [word for word in words if word != "--oldest"]
        python = prepare("oldest", [*PIP, "uv"], [*LOWEST, "-e", ".[dev]"], folder=OLDEST)
    else:
        python = prepare("dev", [*PIP, "-e", ".[dev]"])
        for name, command in CHECKS.items():
            say(name)
            status = call([python, "-m", *command])
            if status:
                sys.exit(status)
    say("pytest")
    become([python, "-m", "pytest", *words])


if __name__ == "__main__":
    main(sys.argv[1:])
