"""Reads untrusted HDF5 files in a separate process: a damaged one can crash the HDF5 library or
make it loop forever, which Python could not stop."""

import io
import os
import subprocess
import sys
from collections.abc import Mapping
from typing import IO, Any

import numpy as np

from artistyle_tf.errors import InputError
from artistyle_tf.vgg.weight_files import Layers, plain, read_h5, read_npz

__all__ = ["read_h5_apart"]

SECONDS, BYTES_A_SECOND = 20.0, 5e6
"""Time limit for reading: base time, for starting Python on a busy machine, and minimum speed."""

_REFUSED = 3
_CODE = (
    "import sys; sys.path[:] = sys.argv[3:]; from artistyle_tf.vgg.sandbox import child; child()"
)


def read_h5_apart(
    file: IO[bytes], where: str, wanted: tuple[str, ...], *, seconds: float | None = None
) -> Layers:
    """`weight_files.read_h5` in a separate process, with the same errors.

    Args:
      file: an open file with a file descriptor, at its beginning.
      where: the file's name, for errors.
      wanted: the layers to read.
      seconds: time limit; by default longer for larger files.

    Raises:
      InputError: also if the process crashes or takes too long.
    """
    allowed = seconds or SECONDS + os.fstat(file.fileno()).st_size / BYTES_A_SECOND
    command = [sys.executable, "-c", _CODE, where, ",".join(wanted), *sys.path]
    try:
        done = subprocess.run(command, stdin=file, capture_output=True, timeout=allowed)
    except subprocess.TimeoutExpired:
        raise InputError(
            f"{where} is damaged: it could not be read within {allowed:.0f} s"
        ) from None
    except OSError:  # no process can be started
        file.seek(0)
        return read_h5(file, where, wanted)
    if done.returncode == _REFUSED:
        raise InputError(plain(done.stderr.decode("utf-8", "replace"), 1000))
    if done.returncode < 0:
        raise InputError(f"{where} is damaged: it makes the HDF5 library crash")
    if done.returncode:
        raise InputError(f"{where} is not a readable HDF5 file")
    return read_npz(io.BytesIO(done.stdout), where, wanted)


def child() -> None:
    """The separate process: the file on standard input, the arrays on standard output as .npz."""
    where, wanted = sys.argv[1], tuple(sys.argv[2].split(","))
    try:
        with os.fdopen(os.dup(0), "rb") as file:
            layers = read_h5(file, where, wanted)
    except InputError as error:
        told = str(error)
    except MemoryError:
        told = f"{where} does not fit in memory"
    except Exception as error:  # h5py raises many types for a bad file
        told = f"{where} is not a readable HDF5 file ({plain(str(error) or type(error).__name__)})"
    else:
        _write(layers)
        return
    sys.stderr.buffer.write(told.encode())
    sys.stderr.flush()
    sys.exit(_REFUSED)


def _write(layers: Mapping[str, tuple[np.ndarray, np.ndarray]]) -> None:
    arrays: dict[str, Any] = {}
    for layer, (kernel, bias) in layers.items():
        arrays[f"{layer}/kernel"], arrays[f"{layer}/bias"] = kernel, bias
    held = io.BytesIO()
    np.savez(held, **arrays)
    sys.stdout.buffer.write(held.getbuffer())
    sys.stdout.flush()
