"""HDF5 files of strangers, read by a process of their own: a damaged one can crash its library, or
make it run for ever, and nothing in Python could stop that."""

import io
import os
import subprocess
import sys
from collections.abc import Mapping
from typing import IO, Any

import numpy as np

from artistyle_tf.errors import InputError
from artistyle_tf.network.weight_files import Layers, plain, read_h5, read_npz

__all__ = ["read_h5_apart"]

SECONDS, BYTES_A_SECOND = 20.0, 5e6
"""How long reading may take: starting Python on a busy machine, and a slow disk."""

_REFUSED = 3
_CODE = (
    "import sys; sys.path[:] = sys.argv[3:]; "
    "from artistyle_tf.network.sandbox import child; child()"
)


def read_h5_apart(
    file: IO[bytes], where: str, wanted: tuple[str, ...], *, seconds: float | None = None
) -> Layers:
    """`weight_files.read_h5` in another process, with its errors.

    Args:
      file: open, with a file descriptor, at its beginning.
      where: the file's name for errors.
      wanted: layers.
      seconds: the longest it may take; by default more for larger files.

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
    except OSError:  # no other process can be had
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
    """The other process: the file at its standard input, the arrays at its output as .npz."""
    where, wanted = sys.argv[1], tuple(sys.argv[2].split(","))
    try:
        with os.fdopen(os.dup(0), "rb") as file:
            layers = read_h5(file, where, wanted)
    except InputError as error:
        told = str(error)
    except MemoryError:
        told = f"{where} does not fit in memory"
    except Exception as error:  # h5py raises a dozen sorts at a bad file
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
