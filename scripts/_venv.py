"""The repository's own environment, for demo.py and test.py: made on the first run, on any system.

Needs nothing but a Python, 3.8 or later, which looks for one that suits.
"""

import hashlib
import os
import pathlib
import signal
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[1]
SUITS = "import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))"
PIP = ["-m", "pip", "install", "--disable-pip-version-check", "--no-input"]


def say(message):
    print(f"{pathlib.Path(sys.argv[0]).stem}: {message}", flush=True)


def fail(message):
    sys.exit(f"{pathlib.Path(sys.argv[0]).stem}: {message}")


def call(command, **options):
    """Run it: its exit status. Ctrl-C reaches it as well, and is its own to answer."""
    signal.signal(signal.SIGINT, lambda *_: None)
    return subprocess.call(command, **options)


def runs(command, code):
    """Really run it: version managers put commands on the path that only print an error."""
    try:
        nothing = subprocess.DEVNULL
        done = subprocess.run([*command, "-c", code], stdin=nothing, stdout=nothing, stderr=nothing)
        return done.returncode == 0
    except OSError:
        return False


def find_python():
    """The command of a Python that suits: $PYTHON, this one, or one on the path."""
    names = [os.environ.get("PYTHON"), sys.executable]
    names += ["python3.13", "python3.12", "python3.11", "python3", "python"]
    commands = [[name] for name in names if name]
    if os.name == "nt":
        commands += [["py", f"-3.{minor}"] for minor in (13, 12, 11)]
    lacking = None
    for command in commands:
        if runs(command, SUITS):
            if runs(command, "import ensurepip, venv"):
                return command
            lacking = command[0]
    if lacking:
        fail(f"{lacking} has no venv module; install it (on Debian and Ubuntu: python3-venv)")
    return fail("no Python 3.11, 3.12 or 3.13 found; install one, or set PYTHON=/path/to/python")


def python_of(venv):
    return str(venv / ("Scripts/python.exe" if os.name == "nt" else "bin/python"))


def prepare(kind, *installs, folder=".venv"):
    """The Python of the environment in `folder`, made where it is lacking, after these `installs`.

    Each is a list of words for that Python. `kind` names the stamp of the last good install, so
    that a second run installs nothing; what was installed for `dev` serves all.
    """
    venv = ROOT / folder
    python = python_of(venv)
    if not runs([python], SUITS):
        base = find_python()
        if venv.exists():
            # An empty folder may be a mount point; anything else is not ours to clear.
            if any(venv.iterdir()) and not (venv / "pyvenv.cfg").exists():
                fail(f"{venv} is in the way: it is no virtual environment")
            say(f"the Python of {folder} doesn't run or isn't 3.11 to 3.13: making it anew")
        say(f"making {folder} with {' '.join(base)}")
        if call([*base, "-m", "venv", "--clear", str(venv)]):
            fail(f"could not make {venv}")
    # The folder and Python count too: an environment that was moved or upgraded is installed again.
    version = subprocess.run([python, "--version"], stdout=subprocess.PIPE, check=True).stdout
    files = [(ROOT / name).read_bytes() for name in ("setup.cfg", "pyproject.toml")]
    state = hashlib.sha256(b"\n".join([*files, version, str(ROOT).encode()])).hexdigest()
    stamp = venv / f"artistyle-{kind}.stamp"
    for done in (venv / "artistyle-dev.stamp", stamp):
        if done.is_file() and done.read_text() == state:
            return python
    if stamp.exists():
        stamp.unlink()
    say(f"installing the package into {folder} (TensorFlow is large: the first time takes minutes)")
    log = venv / "artistyle-install.log"
    with open(log, "wb") as file:
        for words in installs:
            if call([python, *words], cwd=ROOT, stdout=file, stderr=file):
                said = log.read_text("utf-8", "replace").splitlines()
                print("\n".join(said[-12:]), file=sys.stderr)
                fail(f"the package could not be installed; all that was said is in {log}")
    stamp.write_text(state)
    return python


def become(command):
    """Run this instead of what runs; Windows has no such thing and waits for it."""
    if os.name != "nt":
        os.execv(command[0], command)
    sys.exit(call(command))
