"""Pictures at local paths or at URLs that fsspec supports, like s3://bucket/photo.jpg."""

import contextlib
import glob
import os
import posixpath
import tempfile
import uuid
from collections.abc import Iterator, Sequence
from typing import Any

from artistyle_tf.errors import ConfigError, InputError
from artistyle_tf.text import one_line, reason

__all__ = [
    "copy_local",
    "exists",
    "find_pictures",
    "is_url",
    "make_folder",
    "same_file",
    "split_list",
    "store",
    "under",
]

EXTENSIONS = (".png", ".jpg", ".jpeg", ".webp", ".tif", ".tiff", ".gif", ".bmp")
"""Files with these count as pictures of a folder."""


def is_url(path: str) -> bool:
    return "://" in path


def under(folder: str, path: str) -> str:
    """`path`, relative to `folder` unless it is absolute or a URL; expands ~.

    >>> under("s3://bucket/out", "a.png"), under("out", "/a.png"), under("", "a.png")
    ('s3://bucket/out/a.png', '/a.png', 'a.png')
    """
    if is_url(path):
        return path
    join = posixpath.join if is_url(folder) else os.path.join
    return join(os.path.expanduser(folder), os.path.expanduser(path))


def same_file(path: str) -> str:
    """A key that is equal for different paths to the same file."""
    return path if is_url(path) else os.path.realpath(path)


def split_list(texts: Sequence[str], folder: str = "") -> list[str]:
    """Splits a single text at its commas, unless it is a URL or the name of a file in `folder`; of
    several, each is one path. ConfigError: an empty path."""
    if len(texts) == 1 and not is_url(texts[0]) and not os.path.exists(under(folder, texts[0])):
        texts = [text.strip() for text in texts[0].split(",")]
    if not all(texts):
        raise ConfigError("a list of pictures contains an empty name")
    return [under(folder, text) for text in texts]


def find_pictures(texts: Sequence[str]) -> list[str]:
    """The pictures in files, folders and patterns like `photos/**/*.jpg`, without duplicates.
    InputError: a text that names none."""
    found: dict[str, None] = {}
    for text in texts:
        paths = _find_remote(text) if is_url(text) else _find_local(text)
        if not paths:
            raise InputError(f"no pictures found: {one_line(text)}")
        found.update(dict.fromkeys(paths))
    return list(found)


def _find_local(text: str) -> list[str]:
    if os.path.isdir(text):
        files = glob.glob(os.path.join(glob.escape(text), "*"))
        return sorted(filter(_is_picture, files))
    if os.path.exists(text):
        return [text]
    if not glob.has_magic(text):
        raise InputError(f"{one_line(text)} does not exist")
    return sorted(filter(os.path.isfile, glob.glob(text, recursive=True)))


def _find_remote(text: str) -> list[str]:
    with _filesystem(text) as (system, path):
        if glob.has_magic(text):
            paths = [name for name in sorted(system.glob(path)) if not system.isdir(name)]
        elif system.isdir(path):
            paths = [name for name in sorted(system.ls(path, detail=False)) if _is_picture(name)]
        else:
            return [text]
        return [system.unstrip_protocol(name) for name in paths]


def _is_picture(path: str) -> bool:
    return path.lower().endswith(EXTENSIONS) and not os.path.basename(path).startswith(".")


def exists(path: str) -> bool:
    """InputError if a URL can't be accessed."""
    if not is_url(path):
        return os.path.exists(path)
    with _filesystem(path) as (system, inside):
        return bool(system.exists(inside))


def make_folder(path: str) -> None:
    """Creates an output's folder if needed. InputError if it can't."""
    if is_url(path):
        return  # object stores have no folders; others create them with the file
    try:
        os.makedirs(os.path.dirname(os.path.abspath(path)), exist_ok=True)
    except OSError as error:
        raise InputError(f"can't make the folder of {one_line(path)}: {reason(error)}") from error


@contextlib.contextmanager
def copy_local(*paths: str) -> Iterator[dict[str, str]]:
    """Path → local file of the same name, for the block. InputError if one can't be fetched."""
    with contextlib.ExitStack() as stack:
        local = {path: path for path in paths}
        for path in filter(is_url, local):
            folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="artistyle-"))
            local[path] = os.path.join(folder, posixpath.basename(path))
            with _filesystem(path) as (system, inside):
                system.get_file(inside, local[path])
        yield local


def store(local: str, url: str) -> None:
    """Copies a local file to a URL atomically. InputError if it can't be written."""
    with _filesystem(url) as (system, inside):
        part = f"{inside}.{uuid.uuid4().hex}.part"
        try:
            system.makedirs(posixpath.dirname(inside), exist_ok=True)
            system.put_file(local, part)
            system.mv(part, inside)
        except BaseException:
            with contextlib.suppress(Exception):
                system.rm(part)
            raise


@contextlib.contextmanager
def _filesystem(url: str) -> Iterator[tuple[Any, str]]:
    """A URL's file system, and the path in it; errors in the block become an InputError."""
    try:
        import fsspec
    except ImportError:
        raise ConfigError(
            f'{one_line(url)} needs fsspec: pip install "artistyle-tf[batch]"'
        ) from None
    try:
        yield fsspec.core.url_to_fs(url)
    except FileNotFoundError:
        raise InputError(f"{one_line(url)} does not exist") from None
    except Exception as error:  # each file system has its own types
        raise InputError(f"can't access {one_line(url)}: {reason(error)}") from error
