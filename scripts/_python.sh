# Sourced by scripts/demo, test and release, which are demo.py, test.py and release.py, run with any
# Python that runs: version managers put commands on the path that only print an error. POSIX sh.
for python in ${PYTHON:+"$PYTHON"} python3.13 python3.12 python3.11 python3 python; do
    "$python" -c 'import sys; sys.exit(sys.version_info < (3, 8))' >/dev/null 2>&1 </dev/null &&
        exec "$python" "$0.py" "$@"
done
echo "${0##*/}: no Python found; install Python 3.11, 3.12 or 3.13, or set PYTHON=/path/to/python" >&2
exit 1
