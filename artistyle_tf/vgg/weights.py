"""VGG19's filters: from a name or a path to a verified file, and from that to NumPy arrays.

    load("auto" | "imagenet" | "imagenet-8bit" | "preview" | path) -> Weights

File formats: `weight_files`. No TensorFlow here.
"""

import hashlib
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np

from artistyle_tf.errors import ConfigError, InputError
from artistyle_tf.text import one_line, reason
from artistyle_tf.vgg.download import cached_imagenet, download_imagenet
from artistyle_tf.vgg.vgg19 import VGG19_LAYERS
from artistyle_tf.vgg.weight_files import read_h5, read_npz

DATA = Path(__file__).parents[1] / "data"
SHIPPED_DEEPEST = "block5_conv1"
_FILES = {"imagenet-8bit": "vgg19_8bit.npz", "preview": "preview_vgg19.npz"}
_SHA256 = {
    "imagenet-8bit": "75ce05f97bdf1961bfa1001751093cf1e075ae254ebac2a76e66893955477198",
    "preview": "679ae039cbaec6aeb834f8a91d515a587486533b3842c6c86998be1bf4bfe358",
}

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

    `layers`: name → (kernel float32 [3, 3, in, out], bias float32 [out]), read-only. `kind`:
    "imagenet", "imagenet-8bit", "preview" or "file". `name`: base name of the file. `digest`:
    SHA-256 of its bytes, hexadecimal.
    """

    layers: Mapping[str, tuple[np.ndarray, np.ndarray]]
    kind: str
    name: str
    digest: str

    @property
    def description(self) -> str:
        return _DESCRIPTIONS.get(self.kind, self.name)

    @property
    def credit(self) -> str | None:
        """Authors, licence and changes; None for a user's own file."""
        return _CREDITS.get(self.kind)


def load(
    name: str,
    deepest: str = SHIPPED_DEEPEST,
    *,
    report: Callable[[str], None] = lambda text: None,
) -> Weights:
    """Loads the filters of VGG19 from `block1_conv1` to `deepest`; deeper ones may be absent.

    Args:
      name: "auto" (ImageNet's float32 file if Keras' cache has it undamaged, otherwise the 8-bit
        one; never a connection), "imagenet" (that cache, or a download), "imagenet-8bit" or
        "preview" (both shipped), or the path of a `.h5`, `.hdf5` or `.npz` file.
      report: called with the progress of a download as a short text.

    Raises:
      ConfigError: `name` is no known name or weights file; or there is no layer `deepest`, or the
        8-bit file lacks it.
      InputError: the file can't be loaded or isn't a VGG19's. One line, naming the bad layer.
    """
    name = os.fspath(name)
    check_name(name)
    if deepest not in VGG19_LAYERS:
        raise ConfigError(f"no VGG19 layer is called {deepest!r}: block1_conv1 … block5_conv4 are")
    if name in ("auto", "imagenet"):
        cached = cached_imagenet()
        if cached is None and name == "imagenet":
            cached = download_imagenet(report)
        if cached is not None:
            return _load_file(cached, deepest, "imagenet")
        name = "imagenet-8bit"
    if name in _FILES:
        check_shipped(name, deepest)
        return _load_file(DATA / _FILES[name], deepest, name)
    return _load_file(Path(os.path.expanduser(name)), deepest, "file")


def check_name(name: Any) -> None:
    """ConfigError unless `name` is a known name or has a weights file's extension."""
    if not isinstance(name, str) or (name not in NAMES and not name.lower().endswith(_SUFFIXES)):
        choices = f"{', '.join(NAMES)}, or a file that ends in {', '.join(_SUFFIXES)}"
        raise ConfigError(f"weights is {name!r:.300}; it must be {choices}")


def check_shipped(name: str, deepest: str) -> None:
    """ConfigError if `name` is the 8-bit network and does not include the layer."""
    last = VGG19_LAYERS.index(SHIPPED_DEEPEST)
    if name == "imagenet-8bit" and deepest in VGG19_LAYERS[last + 1 :]:
        raise ConfigError(
            f"{deepest} is not in the 8-bit network that comes with artistyle, which ends at "
            f"{SHIPPED_DEEPEST}; --weights=imagenet has all layers"
        )


def _load_file(path: Path, deepest: str, kind: str) -> Weights:
    """Reads `path`, opened once, so that digest and arrays are of the same bytes."""
    where, sha256 = one_line(str(path)), _SHA256.get(kind)
    wanted = VGG19_LAYERS[: VGG19_LAYERS.index(deepest) + 1]
    npz = path.suffix.lower() == ".npz"
    remedy = ": reinstall artistyle-tf (pip install --force-reinstall)" if sha256 else ""
    try:
        file = open(path, "rb")  # noqa: SIM115 (closed below)
    except (OSError, ValueError) as error:  # ValueError: a null character in the path
        raise InputError(f"{where} cannot be read: {reason(error)}{remedy}") from error
    with file:
        try:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
            if sha256 not in (None, digest):
                raise InputError(f"{where} is damaged (SHA-256 {digest[:12]}…){remedy}")
            file.seek(0)
            layers = (read_npz if npz else read_h5)(file, where, wanted)
        except InputError:
            raise
        except Exception as error:  # h5py, zipfile and NumPy raise many types for a bad file
            form = "NumPy .npz" if npz else "HDF5"
            why = reason(error)
            raise InputError(f"{where} is not a readable {form} file ({why})") from error
    return Weights(MappingProxyType(layers), kind, path.name, digest)
