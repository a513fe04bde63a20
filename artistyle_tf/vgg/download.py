"""Keras' file of VGG19's ImageNet filters: found in Keras' cache, or downloaded into it."""

import contextlib
import hashlib
import logging
import os
from collections.abc import Callable
from pathlib import Path

from artistyle_tf.errors import InputError
from artistyle_tf.text import reason

BASE = "https://storage.googleapis.com/tensorflow/keras-applications/vgg19/"
FILE = "vgg19_weights_tf_dim_ordering_tf_kernels_notop.h5"
MD5 = "253f8cb515780f3b799900260a226db6"

TIMEOUT = 8.0  # Seconds that a server may take to accept a connection, and then be silent.
_MIB = 1 << 20


def imagenet_path() -> Path:
    """Where Keras' cache has the file, by its own rule and without importing it."""
    user = os.path.expanduser("~")
    home = os.path.join(user if os.access(user, os.W_OK) else "/tmp", ".keras")
    return Path(os.path.expanduser(os.environ.get("KERAS_HOME", home))) / "models" / FILE


def cached_imagenet() -> Path | None:
    """Keras' file, if its cache has it undamaged."""
    with contextlib.suppress(OSError), open(imagenet_path(), "rb") as file:
        digest = hashlib.file_digest(file, lambda: hashlib.md5(usedforsecurity=False))
        if digest.hexdigest() == MD5:
            return imagenet_path()
    return None


def download_imagenet(report: Callable[[str], None]) -> Path:
    """Downloads Keras' file into its cache; what was there stays until the new one is whole.

    `report` is called with the progress after every MiB. InputError: the server is
    absent, silent or has another file, or the cache can't be written.
    """
    import pooch  # here: it brings in HTTP and TLS, which few runs need

    path, url = imagenet_path(), BASE + FILE
    damaged = f"{path} is damaged, and " if path.exists() else ""
    downloader = pooch.HTTPDownloader(_Progress(report), chunk_size=_MIB, timeout=TIMEOUT)
    report(f"weights: asking {url}")
    pooch.get_logger().setLevel(logging.WARNING)  # `report` tells the progress
    try:
        pooch.retrieve(url, f"md5:{MD5}", path.name, path.parent, downloader=downloader)
        path.chmod(0o644)  # pooch's temporary file is readable by its owner only
    except (OSError, ValueError) as error:  # requests' errors are OSError, a checksum's ValueError
        why = reason(_cause(error)).partition(". Deleted")[0]  # what follows is advice to coders
        raise InputError(
            f"{damaged}{url} could not be downloaded ({why}): put it into {path.parent} yourself, "
            "or use --weights=imagenet-8bit"
        ) from error
    return path


class _Progress:
    """What pooch takes for a progress bar."""

    total = 0

    def __init__(self, report: Callable[[str], None]):
        self._done, self._report = 0, report

    def update(self, count: int) -> None:
        self._done += count
        self._report(f"weights: {self._done / _MIB:.1f} of {self.total / _MIB:.1f} MB")

    def reset(self) -> None:
        self._done = 0

    def close(self) -> None:
        pass


def _cause(error: BaseException) -> BaseException:
    """What lies inside the errors that requests and urllib3 wrap around it."""
    while inner := error.__cause__ or error.__context__:
        error = inner
    return error
