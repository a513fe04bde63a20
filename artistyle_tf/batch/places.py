"""Where pictures lie: local paths, or URLs of whatever fsspec knows, like s3://bucket/photo.jpg."""

import contextlib
import fnmatch
import glob
import os
import posixpath
import re
import tempfile
import urllib.parse
import uuid
from collections.abc import Iterator, Sequence
from typing import Any

from artistyle_tf.errors import ConfigError, InputError
from artistyle_tf.text import one_line, reason

__all__ = [
    "base_name",
    "exists",
    "expanded",
    "fetched",
    "is_url",
    "joined",
    "make_folder",
    "same_place",
    "store",
]

PICTURES = (".png", ".jpg", ".jpeg", ".webp", ".tif", ".tiff", ".gif", ".bmp")
"""What is taken of a folder, by its ending in small letters."""

_URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+://")
_MAGIC = re.compile(r"[*?[]")


def is_url(path: str) -> bool:
    """Whether fsspec has to be asked. file:// is a path like any other.

    >>> is_url("s3://bucket/a.jpg"), is_url("file:///a.jpg"), is_url("C:/a.jpg")
    (True, False, False)
    """
    return bool(_URL.match(path)) and not path.lower().startswith("file://")


def joined(folder: str, path: str) -> str:
    """`path`, from `folder` on if it is relative; ~ and file:// resolved.

    >>> joined("s3://bucket/out", "a.png"), joined("out", "/a.png"), joined("", "a.png")
    ('s3://bucket/out/a.png', '/a.png', 'a.png')
    """
    if is_url(path):
        return path
    if path.lower().startswith("file://"):
        return urllib.parse.unquote(urllib.parse.urlsplit(path).path)
    path = os.path.expanduser(path)
    if is_url(folder):
        return posixpath.join(folder, path)
    return os.path.join(joined("", folder), path) if folder else path


def base_name(path: str) -> str:
    """The name without its folder."""
    return posixpath.basename(path) if is_url(path) else os.path.basename(path)


def same_place(path: str) -> str:
    """Equal for two paths of one file."""
    return path if is_url(path) else os.path.realpath(path)


def expanded(texts: Sequence[str]) -> list[str]:
    """The pictures that texts stand for, each once: a file, a folder's pictures, those that a
    pattern like `photos/*.jpg` or `photos/**/*.jpg` fits. Sorted within each text.

    Raises:
      InputError: a text that stands for none.
    """
    found: dict[str, None] = {}
    for text in texts:
        paths = _remote(text) if is_url(text) else _local(joined("", text))
        if not paths:
            raise InputError(f"{one_line(text)}: there is no picture")
        found.update(dict.fromkeys(paths))
    return list(found)


def _local(text: str) -> list[str]:
    if os.path.isdir(text):
        return [os.path.join(text, name) for name in sorted(os.listdir(text)) if _is_picture(name)]
    if os.path.exists(text) or not _MAGIC.search(text):
        if not os.path.exists(text):
            raise InputError(f"{one_line(text)} does not exist")
        return [text]
    return [path for path in sorted(glob.glob(text, recursive=True)) if os.path.isfile(path)]


def _remote(text: str) -> list[str]:
    system, path = _filesystem(text)
    with _errors(text):
        if _MAGIC.search(text):
            paths = [name for name in sorted(system.glob(path)) if not system.isdir(name)]
        elif system.isdir(path):
            names = sorted(system.ls(path, detail=False))
            paths = [name for name in names if _is_picture(posixpath.basename(name))]
        else:
            return [text]
    return [system.unstrip_protocol(name) for name in paths]


def _is_picture(name: str) -> bool:
    small = name.lower()
    return not name.startswith(".") and any(fnmatch.fnmatch(small, f"*{end}") for end in PICTURES)


def exists(path: str) -> bool:
    """Whether there is a file. InputError: nobody can tell."""
    if not is_url(path):
        return os.path.exists(path)
    system, inside = _filesystem(path)
    with _errors(path):
        return bool(system.exists(inside))


def make_folder(path: str) -> None:
    """Makes the folder of an output, as far as it isn't there. InputError: it can't be."""
    if is_url(path):
        return  # object stores have none; others make theirs with the file
    try:
        os.makedirs(os.path.dirname(os.path.abspath(path)), exist_ok=True)
    except OSError as error:
        raise InputError(f"can't make the folder of {one_line(path)}: {reason(error)}") from error


@contextlib.contextmanager
def fetched(*paths: str) -> Iterator[dict[str, str]]:
    """Path → a local file with the same name, for the block. InputError: it can't be had."""
    with contextlib.ExitStack() as stack:
        local = {}
        for path in dict.fromkeys(paths):
            local[path] = path
            if is_url(path):
                folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="artistyle-"))
                local[path] = os.path.join(folder, base_name(path))
                system, inside = _filesystem(path)
                with _errors(path):
                    system.get_file(inside, local[path])
        yield local


def store(local: str, url: str) -> None:
    """Copies a local file to a URL, where it appears whole. InputError: it can't be."""
    system, inside = _filesystem(url)
    part = f"{inside}.{uuid.uuid4().hex}.part"
    with _errors(url):
        try:
            system.makedirs(posixpath.dirname(inside), exist_ok=True)
            system.put_file(local, part)
            system.mv(part, inside)
        except BaseException:
            with contextlib.suppress(Exception):
                system.rm(part)
            raise


def _filesystem(url: str) -> tuple[Any, str]:
    try:
        import fsspec
    except ImportError:
        raise ConfigError(
            f'{one_line(url)} needs fsspec: pip install "artistyle-tf[batch]"'
        ) from None
    with _errors(url):
        system, path = fsspec.core.url_to_fs(url)
        return system, path


@contextlib.contextmanager
def _errors(url: str) -> Iterator[None]:
    """What a file system raises, as an InputError with the URL."""
    try:
        yield
    except FileNotFoundError:
        raise InputError(f"{one_line(url)} does not exist") from None
    except Exception as error:  # each has kinds of its own
        raise InputError(f"can't use {one_line(url)}: {reason(error)}") from error
