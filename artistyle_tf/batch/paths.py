"""Pictures at local paths or at URLs that fsspec supports, like s3://bucket/photo.jpg."""

import contextlib
import glob
import os
import posixpath
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from artistyle_tf import files
from artistyle_tf.errors import ConfigError, InputError
from artistyle_tf.text import one_line, reason

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


def normal(path: str) -> str:
    """The path without links and "..": equal for all ways to write it."""
    scheme, mark, rest = path.rpartition("://")
    return f"{scheme}{mark}{posixpath.normpath(rest)}" if mark else os.path.realpath(path)


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
        with _filesystem(text) as (system, path):
            if system.isdir(path):
                names = system.ls(path, detail=False)
                names = [name for name in names if name.lower().endswith(EXTENSIONS)]
            elif glob.has_magic(path) and not system.exists(path):
                names = [name for name in system.glob(path) if system.isfile(name)]
            elif system.exists(path):
                names = [path]
            else:
                raise FileNotFoundError
        names = [name for name in names if not posixpath.basename(name).startswith(".")]
        if not names:
            raise InputError(f"no pictures found: {one_line(text)}")
        if is_url(text):
            names = [system.unstrip_protocol(name) for name in names]
        elif not os.path.isabs(text):
            names = [os.path.relpath(name) for name in names]
        found.update(dict.fromkeys(sorted(names)))
    return list(found)


def exists(path: str) -> bool:
    """InputError if a URL can't be accessed."""
    with _filesystem(path) as (system, inside):
        return bool(system.exists(inside))


def check_folder(folder: str) -> None:
    """InputError if files can't be written to a local folder, which may have to be made."""
    place = os.path.abspath(folder)
    while not os.path.lexists(place):
        place = os.path.dirname(place)
    if not is_url(folder):
        files.check_folder(os.path.join(place, "picture.png"), f"in {one_line(place)}")


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


@contextlib.contextmanager
def local_output(path: str) -> Iterator[str]:
    """A local file to write in the block, in a folder that is made; for a URL it is then copied
    there, atomically. InputError if that fails."""
    with _filesystem(path) as (system, inside):
        system.makedirs(posixpath.dirname(inside), exist_ok=True)
    if not is_url(path):
        yield path
        return
    with tempfile.TemporaryDirectory(prefix="artistyle-") as folder:
        local = os.path.join(folder, posixpath.basename(path))
        yield local
        with _filesystem(path), system.transaction, system.open(inside, "wb") as file:
            file.write(Path(local).read_bytes())


@contextlib.contextmanager
def _filesystem(path: str) -> Iterator[tuple[Any, str]]:
    """The file system of a path or URL, and the path in it; errors in the block become an
    InputError."""
    try:
        import fsspec
    except ImportError:
        raise ConfigError(
            'a batch needs fsspec, not installed here: pip install "artistyle-tf[batch]"'
        ) from None
    try:
        if is_url(path):
            yield fsspec.core.url_to_fs(path)
        else:
            yield fsspec.filesystem("file"), os.path.abspath(path)
    except FileNotFoundError:
        raise InputError(f"{one_line(path)} does not exist") from None
    except Exception as error:  # each file system has its own types
        raise InputError(f"can't access {one_line(path)}: {reason(error)}") from error
