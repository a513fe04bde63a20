"""Reads files of VGG19's filters into NumPy arrays: HDF5 as written by any Keras, and `.npz`.

Files are untrusted: shapes are checked before reading, nothing is unpickled, and links out of the
file are not followed.
"""

import math
import re
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import IO, Any

import numpy as np

from artistyle_tf.errors import InputError
from artistyle_tf.vgg.vgg19 import VGG19_LAYERS

__all__ = ["Layers", "plain", "read_h5", "read_npz"]

MAX_ELEMENTS = 64_000_000  # of one array; the largest in VGG19 without its top has 2.4 million
CODEBOOK = 256  # values that a uint8 can index
MAX_OBJECTS = 20_000  # groups and arrays in one file; VGG19 with an optimiser has a few hundred

_NUMBERED = re.compile(r"((?:.*/)?)conv2d(?:_(\d{1,6}))?", re.DOTALL)


@dataclass(frozen=True)
class _Array:
    """An array not yet read from its file."""

    shape: tuple[int, ...]
    dtype: np.dtype
    read: Callable[[], np.ndarray]


# Layer → "kernel", "bias", "scale", "index" or "codebook" → arrays.
_Found = dict[str, dict[str, list[_Array]]]
Layers = dict[str, tuple[np.ndarray, np.ndarray]]


def read_npz(file: IO[bytes], where: str, wanted: tuple[str, ...]) -> Layers:
    """Reads the arrays `<layer>/kernel` and `<layer>/bias` of every layer wanted.

    A kernel may be int8 with `<layer>/scale` [out], or be replaced by `<layer>/index`, uint8 of the
    kernel's shape, and `<layer>/codebook` [at most 256], the values that it indexes.
    """
    found: _Found = {}
    with zipfile.ZipFile(file) as archive:
        for info in archive.infolist():
            layer, _, role = info.filename.removesuffix(".npy").rpartition("/")
            roles = found.setdefault(layer or role, {})
            if layer in wanted:
                roles.setdefault(role, []).append(_npy(archive, info))
        return _check(found, where, wanted)


def _npy(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> _Array:
    """Shape and type from the header; `read` returns the values, without unpickling."""

    def read() -> np.ndarray:
        with archive.open(info) as member:
            return np.lib.format.read_array(member, allow_pickle=False)

    with archive.open(info) as member:
        if np.lib.format.read_magic(member) == (1, 0):
            shape, _, dtype = np.lib.format.read_array_header_1_0(member)
        else:
            shape, _, dtype = np.lib.format.read_array_header_2_0(member)
    return _Array(shape, dtype, read)


def read_h5(file: IO[bytes], where: str, wanted: tuple[str, ...]) -> Layers:
    """The layer's arrays of rank 4 and 1 are taken as kernel and bias, whatever their names."""
    import h5py

    found: _Found = {}
    with h5py.File(file, "r") as root:
        for parts, label, dataset in _walk(root, where):
            shape = dataset.shape or ()
            role = {4: "kernel", 1: "bias"}.get(len(shape), "")
            array = _Array(shape, dataset.dtype, partial(dataset.__getitem__, ()))
            found.setdefault(_layer(parts, label), {}).setdefault(role, []).append(array)
        return _check(_by_number(found, where), where, wanted)


def _walk(root: Any, where: str) -> Iterator[tuple[list[str], str, Any]]:
    """All arrays in an HDF5 file except the optimiser's: (path, `name` of its group, dataset)."""
    import h5py

    count = 0
    todo: list[tuple[list[str], Any]] = [([], root)]
    seen = set()  # hard links can form cycles
    while todo:
        above, group = todo.pop(0)
        address = h5py.h5o.get_info(group.id).addr
        if address in seen:
            continue
        seen.add(address)
        label = group.attrs.get("name", "") if above[-1:] == ["vars"] else ""
        for key in group:
            count += 1
            if count > MAX_OBJECTS:
                raise InputError(f"{where} holds more than {MAX_OBJECTS} groups and arrays")
            if key in ("optimizer", "optimizer_weights"):
                continue
            parts = [*above, key]
            place = f"{where}: {plain('/'.join(parts))}"
            if not isinstance(group.get(key, getlink=True), h5py.HardLink):
                raise InputError(f"{place} is a link, and links are not followed")
            item = group[key]
            if isinstance(item, h5py.Group):
                todo.append((parts, item))
            elif isinstance(item, h5py.Dataset):
                if item.external or item.is_virtual:
                    raise InputError(f"{place} keeps its values in another file")
                yield parts, label if isinstance(label, str) else "", item


def _layer(parts: list[str], label: str) -> str:
    """The layer that an array belongs to, from the path in its file and the `name` of its group.

    >>> _layer(["model_weights", "block1_conv1", "block1_conv1", "kernel:0"], "")
    'block1_conv1'
    >>> _layer(["layers", "conv2d", "vars", "0"], "block1_conv1")
    'block1_conv1'
    >>> _layer(["layers", "conv2d", "vars", "0"], "conv2d_16")  # Keras 3, without names
    'layers/conv2d'
    """
    for part in (label, *reversed(parts)):
        if part in VGG19_LAYERS:
            return part
    if not label or _NUMBERED.fullmatch(label):
        for end, part in enumerate(parts, start=1):
            if _NUMBERED.fullmatch(part):
                return "/".join(parts[:end])
    folders = [part for part in parts[:-1] if part != "vars"] or parts
    return label or folders[-1]


def _by_number(found: _Found, where: str) -> _Found:
    """If no layer has a VGG19 name: `conv2d`, `conv2d_1` … in one folder, in numerical order.

    VGG16 has as many as VGG19 up to block5_conv1, but is recognised by a width changing in a block.
    """
    numbers = {key: match for key in found if (match := _NUMBERED.fullmatch(key))}
    if len({match[1] for match in numbers.values()}) != 1 or not found.keys().isdisjoint(
        VGG19_LAYERS
    ):
        return found
    keys = sorted(numbers, key=lambda key: int(numbers[key][2] or 0))
    if len(keys) > len(VGG19_LAYERS):
        raise InputError(f"{where} is not a VGG19: it has {len(keys)} convolutions, not 16")
    named = {layer: found[key] for layer, key in zip(VGG19_LAYERS, keys, strict=False)}
    widths: dict[str, int] = {}
    for layer, roles in named.items():
        width = roles["kernel"][0].shape[-1] if "kernel" in roles else 0
        if width != widths.setdefault(layer[: len("block1")], width):
            raise InputError(f"{where} is not a VGG19: convolutions change width at layer {layer}")
    return named


def _check(found: _Found, where: str, wanted: tuple[str, ...]) -> Layers:
    """Read the layers wanted, checking that each fits the one before."""
    if found.keys().isdisjoint(VGG19_LAYERS):
        others = ", ".join(plain(layer, 40) for layer in list(found)[:3])
        raise InputError(f"{where} holds no layer of VGG19, but {others or 'nothing'}")
    layers: Layers = {}
    inputs = 3
    for layer in wanted:
        place = f"{where}: layer {layer}"
        if layer not in found:
            raise InputError(f"{place} is missing")
        kernel = _kernel(found[layer], (3, 3, inputs, None), place)
        inputs = kernel.shape[-1]
        layers[layer] = kernel, _values(found[layer], "bias", (inputs,), place)
    return layers


def _kernel(
    roles: dict[str, list[_Array]], expected: tuple[int | None, ...], place: str
) -> np.ndarray:
    """The kernel, dequantised if it is stored as a codebook and indices."""
    if "kernel" in roles and "index" in roles:
        raise InputError(f"{place} has both kernel and index")
    if "kernel" in roles or roles.keys().isdisjoint(("index", "codebook")):
        return _values(roles, "kernel", expected, place)
    index = _one(roles, "index", expected, place)
    if index.dtype != np.uint8:
        raise InputError(f"{place}: index is of type {index.dtype}, expected uint8")
    count = math.prod(_one(roles, "codebook", (None,), place).shape)
    if count > CODEBOOK:
        raise InputError(f"{place}: codebook has {count} values, at most {CODEBOOK} are possible")
    codebook = _values(roles, "codebook", (count,), place)
    numbers = np.ascontiguousarray(index.read())
    if count < CODEBOOK and (last := int(numbers.max())) >= count:
        raise InputError(f"{place}: index {last} is beyond the codebook, which has {count} values")
    # All indices are in bounds and all codebook values finite, so no further check is needed.
    values = np.take(codebook, numbers)
    values.flags.writeable = False
    return values


def _one(
    roles: dict[str, list[_Array]], role: str, expected: tuple[int | None, ...], place: str
) -> _Array:
    """The layer's only array of that role, with shape and size checked before it is read."""
    if len(arrays := roles.get(role, [])) != 1:
        raise InputError(f"{place} has {len(arrays) or 'no'} {role}{'s' if arrays else ''}")
    array = arrays[0]
    fits = len(array.shape) == len(expected) and array.shape[-1] > 0
    if not fits or any(e not in (None, n) for e, n in zip(expected, array.shape, strict=True)):
        shape = "×".join("n" if n is None else str(n) for n in expected)
        raise InputError(f"{place}: {role} is {_by(array.shape)}, expected {shape}")
    if math.prod(array.shape) > MAX_ELEMENTS:
        raise InputError(f"{place}: {role} of {_by(array.shape)} numbers is too large")
    return array


def _values(
    roles: dict[str, list[_Array]], role: str, expected: tuple[int | None, ...], place: str
) -> np.ndarray:
    """One array as read-only float32. Its type is also checked before it is read."""
    array = _one(roles, role, expected, place)
    scaled = role == "kernel" and array.dtype == np.int8 and "scale" in roles
    if array.dtype.kind != "f" and not scaled:
        needs = ", or int8 with a scale" if role == "kernel" else ""
        raise InputError(f"{place}: {role} is of type {array.dtype}, expected float{needs}")
    with np.errstate(over="ignore", invalid="ignore"):
        values = np.ascontiguousarray(array.read(), dtype=np.float32)
        if scaled:
            values = values * _values(roles, "scale", array.shape[-1:], place)
    if not np.isfinite(values).all():
        raise InputError(f"{place}: {role} holds values that are not finite")
    values.flags.writeable = False
    return values


def _by(shape: tuple[int, ...]) -> str:
    return "×".join(map(str, shape)) or "one number"


def plain(text: str, limit: int = 200) -> str:
    """`text` on one line, without control characters: file and layer names are untrusted."""
    return "".join(c if c.isprintable() else "?" for c in text)[:limit]
