"""A checkpoint file: an uncompressed .npz with a JSON header and arrays. NumPy only.

Each member carries the format's checksum. Nothing is pickled, and no name or path stored in the
file is ever opened.
"""

import json
import math
import os
import zipfile
from collections.abc import Mapping, Sequence
from typing import Any, BinaryIO, NamedTuple

import numpy as np

from artistyle_tf.errors import InputError
from artistyle_tf.text import one_line

__all__ = ["Saved", "read", "write"]


class Saved(NamedTuple):
    """The contents of a checkpoint file."""

    header: dict[str, Any]
    arrays: list[np.ndarray]


def write(file: BinaryIO, header: Mapping[str, Any], arrays: Sequence[Any]) -> None:
    """Converts one array at a time, to avoid holding a copy of all of them."""
    with zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as archive:
        _put(archive, "header", np.frombuffer(json.dumps(header).encode(), np.uint8))
        for index, array in enumerate(arrays):
            _put(archive, f"a{index:06}", np.asarray(array))


def _put(archive: zipfile.ZipFile, name: str, array: np.ndarray) -> None:
    with archive.open(zipfile.ZipInfo(f"{name}.npy"), "w", force_zip64=True) as member:
        np.lib.format.write_array(member, array, allow_pickle=False)


def read(path: str, identity: Mapping[str, Any]) -> Saved:
    """InputError if it belongs to another run, which is checked before the arrays are read.

    Memory use is limited to the file's own size, whatever its headers claim.
    """
    with open(path, "rb") as opened, zipfile.ZipFile(opened) as archive:
        members = {member.filename: member for member in archive.infolist()}
        arrays = [f"a{index:06}.npy" for index in range(len(archive.infolist()) - 1)]
        if sorted(members) != sorted(["header.npy", *arrays]):
            raise ValueError("it holds other arrays than a checkpoint")
        room = os.fstat(opened.fileno()).st_size
        stored = all(member.compress_type == zipfile.ZIP_STORED for member in members.values())
        if not stored or sum(member.file_size for member in members.values()) > room:
            raise ValueError("it is compressed, which no checkpoint is")
        text = _get(archive, members["header.npy"])
        header = json.loads(text.tobytes())
        if text.dtype != np.uint8 or not isinstance(header, dict):
            raise ValueError("its header is no mapping")
        if not isinstance(header.get("identity"), dict):
            raise ValueError("it does not say of which run it is")
        difference = _difference(header["identity"], identity)
        if difference:
            raise InputError(f"{one_line(path)} is of another run: {difference}")
        return Saved(header, [_get(archive, members[name]) for name in arrays])


def _get(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> np.ndarray:
    with archive.open(member) as file:
        version = np.lib.format.read_magic(file)
        if version != (1, 0):
            raise ValueError("an array's version is not one that we write")
        shape, fortran, dtype = np.lib.format.read_array_header_1_0(file)
        if dtype.hasobject or fortran or dtype.itemsize * math.prod(shape) > member.file_size:
            raise ValueError("an array is not what it says")
        data = file.read()  # reading to the end verifies the checksum
    return np.frombuffer(data, dtype).reshape(shape) if data else np.zeros(shape, dtype)


def _difference(saved: Mapping[str, Any], wanted: Mapping[str, Any], name: str = "") -> str:
    """The first difference as text, or "" if there is none."""
    for key, value in wanted.items():
        label = f"{name}{key}"
        if key not in saved:
            return f"{label} is not in it"
        if isinstance(value, dict) and isinstance(saved[key], dict):
            inner = _difference(saved[key], value, f"{label}.")
            if inner:
                return inner
        elif saved[key] != value:
            return f"{label} was {one_line(str(saved[key]))[:80]}, and is {str(value)[:80]} now"
    return ""
