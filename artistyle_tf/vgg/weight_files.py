"""Reads files of VGG19's filters into NumPy arrays: HDF5 as written by any Keras, and `.npz`.

Files are untrusted: sizes are checked before reading, nothing is unpickled, and no other file is
opened for them.
"""

import zipfile
from typing import IO, Any

import numpy as np

from artistyle_tf.errors import InputError
from artistyle_tf.text import one_line
from artistyle_tf.vgg.vgg19 import VGG19_LAYERS

MAX_ELEMENTS = 64_000_000  # of one array; the largest in VGG19 without its top has 2.4 million

# Layer → "kernel", "bias", "index" or "codebook" → NumPy's arrays or HDF5's, not yet read.
_Found = dict[str, dict[str, list[Any]]]
Layers = dict[str, tuple[np.ndarray, np.ndarray]]


def read_npz(file: IO[bytes], where: str, wanted: tuple[str, ...]) -> Layers:
    """Reads the arrays `<layer>/kernel` and `<layer>/bias` of every layer wanted.

    A kernel may be replaced by `<layer>/index`, uint8 of its shape, into `<layer>/codebook`, at
    most 256 values.
    """
    found: _Found = {}
    with zipfile.ZipFile(file) as archive:
        for info in archive.infolist():
            layer, _, role = info.filename.removesuffix(".npy").rpartition("/")
            roles = found.setdefault(layer or role, {})
            if layer not in wanted:
                continue
            if info.file_size > 8 * MAX_ELEMENTS:
                raise InputError(f"{where}: layer {layer}: {one_line(role)} is too large")
            with archive.open(info) as member:
                array = np.lib.format.read_array(member, allow_pickle=False)
            roles.setdefault(role, []).append(array)
    return _check(found, where, wanted)


def read_h5(file: IO[bytes], where: str, wanted: tuple[str, ...]) -> Layers:
    """Takes a layer's arrays of rank 4 and 1 as kernel and bias, whatever their names."""
    import h5py

    found: _Found = {}

    def note(name: str, item: Any) -> None:
        parts = name.split("/")
        if not isinstance(item, h5py.Dataset) or {"optimizer", "optimizer_weights"} & {*parts}:
            return
        if item.external or item.is_virtual:
            raise InputError(f"{where}: {one_line(name)} keeps its values in another file")
        label = item.parent.attrs.get("name", "") if parts[-2:-1] == ["vars"] else ""
        role = {4: "kernel", 1: "bias"}.get(item.ndim, "")
        found.setdefault(_layer(parts, str(label)), {}).setdefault(role, []).append(item)

    with h5py.File(file, "r") as root:
        root.visititems(note)  # every object once, whatever links there are
        return _check(found, where, wanted)


def _layer(parts: list[str], label: str) -> str:
    """The layer that an array belongs to, from the path in its file and the `name` of its group.

    >>> _layer(["model_weights", "block1_conv1", "block1_conv1", "kernel:0"], "")
    'block1_conv1'
    >>> _layer(["layers", "conv2d", "vars", "0"], "block1_conv1")
    'block1_conv1'
    """
    for part in (label, *reversed(parts)):
        if part in VGG19_LAYERS:
            return part
    return label or "/".join(parts[:-1])


def _check(found: _Found, where: str, wanted: tuple[str, ...]) -> Layers:
    """Reads the layers wanted, and checks that each fits the one before."""
    if found.keys().isdisjoint(VGG19_LAYERS):
        others = one_line(", ".join(list(found)[:3]))[:100]
        raise InputError(f"{where} holds no layer of VGG19, but {others or 'nothing'}")
    layers: Layers = {}
    inputs = 3
    for layer in wanted:
        place = f"{where}: layer {layer}"
        if layer not in found:
            raise InputError(f"{place} is missing")
        expected = (3, 3, inputs, None)
        if "index" in found[layer]:
            kernel = _indexed(found[layer], expected, place)
        else:
            kernel = _floats(found[layer], "kernel", expected, place)
        inputs = kernel.shape[-1]
        layers[layer] = kernel, _floats(found[layer], "bias", (inputs,), place)
        for array in layers[layer]:
            array.flags.writeable = False
    return layers


def _indexed(
    roles: dict[str, list[Any]], expected: tuple[int | None, ...], place: str
) -> np.ndarray:
    index = _one(roles, "index", expected, place)
    codebook = _floats(roles, "codebook", (None,), place)
    if index.dtype != np.uint8 or index.max() >= codebook.size:
        raise InputError(f"{place}: index does not fit the codebook of {codebook.size}")
    return np.take(codebook, np.ascontiguousarray(index))


def _floats(
    roles: dict[str, list[Any]], role: str, expected: tuple[int | None, ...], place: str
) -> np.ndarray:
    """One array as float32. Its type is checked before it is read."""
    array = _one(roles, role, expected, place)
    if array.dtype.kind != "f":
        raise InputError(f"{place}: {role} is of type {array.dtype}, expected float")
    with np.errstate(over="ignore", invalid="ignore"):
        values = np.ascontiguousarray(array[()], dtype=np.float32)
    if not np.isfinite(values).all():
        raise InputError(f"{place}: {role} holds values that are not finite")
    return values


def _one(
    roles: dict[str, list[Any]], role: str, expected: tuple[int | None, ...], place: str
) -> Any:
    """The layer's only array of that role, with shape and size checked before it is read."""
    if len(arrays := roles.get(role, [])) != 1:
        raise InputError(f"{place} has {len(arrays) or 'no'} {role}{'s' if arrays else ''}")
    array = arrays[0]
    fits = array.ndim == len(expected) and array.shape[-1] > 0
    if not fits or any(e not in (None, n) for e, n in zip(expected, array.shape, strict=True)):
        raise InputError(f"{place}: {role} is {_by(array.shape)}, expected {_by(expected)}")
    if array.size > MAX_ELEMENTS:
        raise InputError(f"{place}: {role} of {_by(array.shape)} numbers is too large")
    return array


def _by(shape: tuple[int | None, ...]) -> str:
    return "×".join("n" if side is None else str(side) for side in shape) or "one number"
