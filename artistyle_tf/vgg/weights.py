"""VGG19's filters: from a name or a path to a verified file, and from that to NumPy arrays.

    load("auto" | "imagenet" | "imagenet-8bit" | "preview" | path) -> Weights

File formats: `weight_files`. No TensorFlow here.
"""

import contextlib
import hashlib
import importlib.resources
import os
import stat
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np

from artistyle_tf.errors import ConfigError, InputError
from artistyle_tf.vgg.sandbox import read_h5_apart
from artistyle_tf.vgg.vgg19 import VGG19_LAYERS
from artistyle_tf.vgg.weight_files import plain, read_h5, read_npz

__all__ = ["NAMES", "Weights", "check_name", "check_shipped", "load"]

IMAGENET_BASE = "https://storage.googleapis.com/tensorflow/keras-applications/vgg19/"
IMAGENET_FILE = "vgg19_weights_tf_dim_ordering_tf_kernels_notop.h5"
IMAGENET_MD5 = "253f8cb515780f3b799900260a226db6"
SHIPPED_FILE = "vgg19_8bit.npz"
SHIPPED_SHA256 = "75ce05f97bdf1961bfa1001751093cf1e075ae254ebac2a76e66893955477198"
SHIPPED_DEEPEST = "block5_conv1"
PREVIEW_FILE = "preview_vgg19.npz"
PREVIEW_SHA256 = "679ae039cbaec6aeb834f8a91d515a587486533b3842c6c86998be1bf4bfe358"

NAMES = ("auto", "imagenet", "imagenet-8bit", "preview")
_SUFFIXES = (".h5", ".hdf5", ".npz")

_VGG19 = "VGG19 by K. Simonyan and A. Zisserman (arXiv:1409.1556), CC BY 4.0"
_CREDITS = {
    "imagenet": f"{_VGG19}, as Keras distributes it",
    "imagenet-8bit": f"{_VGG19}; changed: each kernel quantised to 256 values, layers after "
    f"{SHIPPED_DEEPEST} left out",
    "preview": f"{_VGG19}; changed: channels left out, the others' filters fitted anew, "
    f"each kernel quantised to 256 values, layers after {SHIPPED_DEEPEST} left out",
}

_DESCRIPTIONS = {
    "imagenet": "VGG19 trained on ImageNet, in float32, from Keras' cache",
    "imagenet-8bit": "VGG19 trained on ImageNet, in 8 bits, as it comes with artistyle",
    "preview": "the small preview network, VGG19 with fewer channels",
}


@dataclass(frozen=True, eq=False)
class Weights:
    """The convolutions of a VGG19 of any width, in order, up to the deepest one requested.

    Attributes:
        layers: name → (kernel float32 [3, 3, in, out], bias float32 [out]), read-only.
        kind: "imagenet", "imagenet-8bit", "preview" or "file".
        name: base name of the file.
        digest: SHA-256 of the file's bytes, hexadecimal.
    """

    layers: Mapping[str, tuple[np.ndarray, np.ndarray]]
    kind: str
    name: str
    digest: str

    @property
    def description(self) -> str:
        """Human-readable description."""
        return _DESCRIPTIONS.get(self.kind, self.name)

    @property
    def credit(self) -> str | None:
        """Authors, licence and changes; None for a user's own file."""
        return _CREDITS.get(self.kind)


def load(
    name: str,
    deepest: str = SHIPPED_DEEPEST,
    *,
    report: Callable[[str], None] | None = None,
    base: str | None = None,
    fetch: Callable[..., Path] | None = None,
) -> Weights:
    """Load the filters of VGG19 from `block1_conv1` to `deepest`.

    Args:
        name: "auto" (ImageNet's float32 file if Keras' cache has it undamaged, otherwise the 8-bit
            one; never a connection), "imagenet" (that cache, or else a download), "imagenet-8bit"
            or "preview" (both shipped with artistyle), or the path of a `.h5`, `.hdf5` or `.npz`
            file.
        deepest: the last layer needed; deeper ones may be absent.
        report: called with the progress of a download as a short text.
        base: base address of the download, instead of Keras Applications'.
        fetch: used instead of `artistyle_tf.download.fetch`.

    Raises:
        ConfigError: `name` is neither a known name nor has a weights file's extension; or there is
            no such layer as `deepest`, or the 8-bit file lacks it.
        InputError: the file can't be loaded or isn't a VGG19's. One line, naming the bad layer.
    """
    name = os.fspath(name)
    if deepest not in VGG19_LAYERS:
        raise ConfigError(f"no VGG19 layer is called {deepest!r}: block1_conv1 … block5_conv4 are")
    if name == "auto":
        cached = _cached_imagenet()
        if cached is not None:
            return _load_file(cached, deepest, "imagenet")
        name = "imagenet-8bit"
    if name == "imagenet-8bit":
        check_shipped(name, deepest)
        return _load_shipped(SHIPPED_FILE, deepest, name, SHIPPED_SHA256)
    if name == "preview":
        return _load_shipped(PREVIEW_FILE, deepest, name, PREVIEW_SHA256)
    if name == "imagenet":
        try:
            path = _imagenet_file(report=report, base=base, fetch=fetch)
        except InputError as error:
            advice = f"put {IMAGENET_FILE} into {_cache()} yourself"
            if _is_shipped(deepest):
                advice += ", or use --weights=imagenet-8bit"
            raise InputError(f"{error}: {advice}") from error
        return _load_file(path, deepest, "imagenet")
    check_name(name)
    return _load_file(Path(os.path.expanduser(name)), deepest, "file")


def check_name(name: Any) -> None:
    """ConfigError unless `name` is a known name or has a weights file's extension."""
    if not isinstance(name, str) or (name not in NAMES and not name.lower().endswith(_SUFFIXES)):
        choices = f"{', '.join(NAMES)}, or a file that ends in {', '.join(_SUFFIXES)}"
        shown = plain(name) if isinstance(name, str) else name
        raise ConfigError(f"weights is {shown!r}; it must be {choices}")


def check_shipped(name: str, deepest: str) -> None:
    """ConfigError if `name` is the 8-bit network and does not include the layer."""
    if name == "imagenet-8bit" and not _is_shipped(deepest):
        raise ConfigError(
            f"{deepest} is not in the 8-bit network that comes with artistyle, which ends at "
            f"{SHIPPED_DEEPEST}; --weights=imagenet has all layers"
        )


def _is_shipped(layer: str) -> bool:
    return VGG19_LAYERS.index(layer) <= VGG19_LAYERS.index(SHIPPED_DEEPEST)


def _imagenet_file(
    *,
    report: Callable[[str], None] | None = None,
    base: str | None = None,
    fetch: Callable[..., Path] | None = None,
) -> Path:
    """The ImageNet filters in Keras' own cache, verified; downloaded if absent or damaged.

    Raises:
        InputError: they are absent or damaged and can't be downloaded: the reason, in one line.
    """
    path, damaged = _cache() / IMAGENET_FILE, ""
    try:
        found = _md5(path)
        if found == IMAGENET_MD5:
            return path
        damaged = f"{path} is damaged (md5 {found}, not {IMAGENET_MD5}) and "
    except FileNotFoundError:
        pass
    except OSError as error:
        raise InputError(f"{path} cannot be read ({error.strerror or error})") from error
    from artistyle_tf.vgg import download  # here: it brings in HTTP and TLS, for few runs

    url = (base or IMAGENET_BASE).rstrip("/") + "/" + IMAGENET_FILE
    try:
        return (fetch or download.fetch)(url, path, IMAGENET_MD5, report=report)
    except InputError as error:
        raise InputError(f"{damaged}ImageNet weights could not be fetched ({error})") from error


def _cached_imagenet() -> Path | None:
    """Keras' file of the ImageNet filters, if it is in the cache and undamaged."""
    path = _cache() / IMAGENET_FILE
    with contextlib.suppress(OSError):
        if path.is_file() and _md5(path) == IMAGENET_MD5:
            return path
    return None


def _md5(path: Path) -> str:
    with open(path, "rb") as file:
        return hashlib.file_digest(file, lambda: hashlib.md5(usedforsecurity=False)).hexdigest()


def _cache() -> Path:
    """Keras' cache of downloaded models, found by its own rule without importing it."""
    user = os.path.expanduser("~")
    home = os.path.join(user if os.access(user, os.W_OK) else "/tmp", ".keras")
    return Path(os.path.expanduser(os.environ.get("KERAS_HOME", home))) / "models"


def _load_shipped(file: str, deepest: str, kind: str, sha256: str) -> Weights:
    packed = importlib.resources.files("artistyle_tf") / "data" / file
    if not packed.is_file():
        raise InputError(f"{file} is missing from the package: {_REINSTALL}")
    with importlib.resources.as_file(packed) as path:
        return _load_file(path, deepest, kind, sha256)


_REINSTALL = "reinstall artistyle-tf (pip install --force-reinstall)"


def _load_file(path: Path, deepest: str, kind: str, sha256: str | None = None) -> Weights:
    """Read `path`, opened once, so that digest and arrays are of the same bytes."""
    where = plain(str(path), 300)
    wanted = VGG19_LAYERS[: VGG19_LAYERS.index(deepest) + 1]
    # The ImageNet file's checksum has been verified; any other file may crash or hang HDF5.
    form, read = "HDF5", read_h5 if kind == "imagenet" else read_h5_apart
    if path.suffix.lower() == ".npz":
        form, read = ("NumPy .npz", read_npz)
    try:
        mode = path.stat().st_mode  # before opening, which would block on a pipe
        file = open(path, "rb") if stat.S_ISREG(mode) else None  # noqa: SIM115 (closed below)
    except (OSError, ValueError) as error:  # ValueError: a null character in the path
        why = getattr(error, "strerror", None) or error
        raise InputError(f"{where} cannot be read: {why}") from error
    if file is None:
        raise InputError(f"{where} is a {'folder' if stat.S_ISDIR(mode) else 'device'}, not a file")
    with file:
        try:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
            if sha256 not in (None, digest):
                raise InputError(f"{where} is damaged (SHA-256 {digest[:12]}…): {_REINSTALL}")
            if not file.tell():
                raise InputError(f"{where} is empty")
            file.seek(0)
            layers = read(file, where, wanted)
        except InputError:
            raise
        except MemoryError as error:
            raise InputError(f"{where} does not fit in memory") from error
        except Exception as error:  # h5py, zipfile and NumPy raise many types for a bad file
            why = plain(str(error) or type(error).__name__)
            raise InputError(f"{where} is not a readable {form} file ({why})") from error
    return Weights(MappingProxyType(layers), kind, path.name, digest)
