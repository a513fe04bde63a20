# Sourced by scripts/demo and scripts/test, with `root` set to the repository's folder.
#
#   prepare_venv KIND TARGET   .venv with `pip install -e TARGET` done; sets `python`
#
# POSIX sh. KIND names the stamp of the last good install, so that a second run installs nothing.

fail() {
    printf '%s\n' "${0##*/}: $*" >&2
    exit 1
}

say() {
    printf '%s\n' "${0##*/}: $*"
}

# Really run it: version managers put commands on the path that only print an error.
suits() {
    "$1" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' \
        >/dev/null 2>&1 </dev/null
}

find_python() {
    lacking=
    for candidate in ${PYTHON:+"$PYTHON"} python3.13 python3.12 python3.11 python3 python; do
        suits "$candidate" || continue
        if "$candidate" -c 'import ensurepip, venv' >/dev/null 2>&1 </dev/null; then
            base_python=$candidate
            return
        fi
        lacking=$candidate
    done
    [ -z "$lacking" ] ||
        fail "$lacking has no venv module; install it (on Debian and Ubuntu: python3-venv)"
    fail "no Python 3.11, 3.12 or 3.13 found; install one, or set PYTHON=/path/to/python"
}

prepare_venv() {
    python=$root/.venv/bin/python
    if ! suits "$python"; then
        find_python
        if [ -e "$root/.venv" ]; then
            # An empty folder may be a mount point; anything else is not ours to clear.
            [ -e "$root/.venv/pyvenv.cfg" ] || [ -z "$(ls -A "$root/.venv")" ] ||
                fail "$root/.venv is in the way: it is no virtual environment"
            say "the Python of .venv doesn't run or isn't 3.11 to 3.13: making it anew"
        fi
        say "making .venv with $("$base_python" --version 2>&1) ($base_python)"
        "$base_python" -m venv --clear "$root/.venv" || fail "could not make $root/.venv"
        suits "$python" || fail "the Python of the new .venv does not run"
    fi
    # The folder and Python count too: an environment that was moved or upgraded is installed again.
    state=$(
        cat "$root/setup.cfg" "$root/pyproject.toml" | cksum
        "$python" --version
        printf '%s\n' "$root"
    )
    for stamp in "$root/.venv/artistyle-dev.stamp" "$root/.venv/artistyle-$1.stamp"; do
        if [ -f "$stamp" ] && [ "$(cat "$stamp")" = "$state" ]; then
            return
        fi
    done
    rm -f "$root/.venv/artistyle-$1.stamp"
    say "installing the package into .venv (TensorFlow is large: the first time takes minutes)"
    log=$root/.venv/artistyle-install.log
    if ! (
        cd "$root" &&
            exec "$python" -m pip install --disable-pip-version-check --no-input -e "$2"
    ) >"$log" 2>&1; then
        tail -n 12 "$log" >&2
        fail "pip could not install the package; all it said is in $log"
    fi
    printf '%s\n' "$state" >"$root/.venv/artistyle-$1.stamp"
}
