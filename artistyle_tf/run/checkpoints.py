"""Checkpoints: all that a run needs to go on as if it had never been killed. NumPy only.

A checkpoint is an uncompressed .npz: a header as JSON and arrays, each with the checksum that the
format has for every member. Nothing is pickled, and no name or path in it is ever opened.
"""

import contextlib
import json
import math
import os
import re
import time
import zipfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from artistyle_tf.errors import InputError
from artistyle_tf.files import replacing
from artistyle_tf.locks import Lock, hold
from artistyle_tf.settings.interval import Cadence
from artistyle_tf.text import one_line, reason

__all__ = ["Checkpoints", "Saved"]

KEPT = 2
SECONDS = 60.0
SHARE = 50
"""Where the user says nothing, a checkpoint is due every so many seconds, and never sooner than so
many times what the last one cost."""

_NAME = re.compile(r"artistyle-(\d{8})\.npz")
_MARK = "checkpoint-"
"""In the names of files that are being written, so that no other run's are taken for leftovers."""
_LEFT = re.compile(rf"\.artistyle-{_MARK}[0-9a-f]+\.tmp")


class Saved(NamedTuple):
    """What was read back."""

    header: dict[str, Any]
    arrays: list[np.ndarray]


class Checkpoints:
    """The checkpoints of one run in one folder; the newest `keep` stay.

    Args:
      folder: made if it is not there.
      every: iterations between two, or seconds like "60s"; None: by time, at most a fiftieth of
        the run.
      resume: whether to go on from the newest one that can be read.
      keep: how many stay, 1 or more.

    Raises:
      ConfigError: an `every` that can't be.
      InputError: a folder that can't be made or read; or that has checkpoints, without `resume`:
        they may be worth days.
    """

    def __init__(
        self,
        folder: str | os.PathLike[str],
        *,
        every: int | str | None = None,
        resume: bool = False,
        keep: int = KEPT,
    ):
        self.folder, self.resume = os.fspath(folder), resume
        self._cadence = None if every is None else Cadence(every)
        self._keep = max(1, keep)
        self._identity: Mapping[str, Any] = {}
        self._lock: Lock | None = None
        self._last, self._cost = time.monotonic(), 0.0
        self.seconds = 0.0
        """What all that were written took together."""
        self.notes: list[str] = []
        """What the user should know of what `begin` found."""
        with self._told("make"):
            os.makedirs(self.folder, exist_ok=True)
        if not resume and self._paths():
            raise InputError(
                f"{one_line(self._paths()[0])} is there already; --resume goes on from it; to "
                "begin anew, remove it or name another folder"
            )

    def begin(
        self, identity: Mapping[str, Any], accept: Callable[[Saved], object] = lambda saved: None
    ) -> Saved | None:
        """The newest checkpoint of this very run, or None to begin at the beginning.

        Checkpoints that can't be used are passed over with a note.

        Args:
          identity: name → what must be equal in a checkpoint to go on from: settings, digests.
          accept: called with one; raises ValueError if it can't be used after all.

        Raises:
          InputError: the newest readable one is of another run; the message names the difference.
            Or another process uses the folder now.
        """
        self._identity = json.loads(json.dumps(identity))
        self._lock = hold(os.path.join(self.folder, "checkpoints"))
        if self._lock is None:
            raise InputError(f"another run keeps its checkpoints in {one_line(self.folder)}")
        with self._told("read"):
            for name in filter(_LEFT.fullmatch, os.listdir(self.folder)):
                os.remove(os.path.join(self.folder, name))  # of a run killed while it wrote
        if not self.resume:
            return None
        for path in self._paths():
            try:
                saved = _read(path, self._identity)
                accept(saved)
            except InputError:
                raise
            except Exception as error:  # zipfile and NumPy raise many kinds
                self.notes.append(f"{one_line(path)} can't be used: {reason(error)}")
                continue
            return saved
        self.notes.append(f"there is no checkpoint in {one_line(self.folder)} to resume from")
        return None

    def close(self) -> None:
        """Lets other processes use the folder."""
        if self._lock is not None:
            self._lock.release()
            self._lock = None

    def due(self, iteration: int) -> bool:
        """Whether one is to be saved after that iteration of the run."""
        if self._cadence is not None:
            return self._cadence.due(iteration)
        return time.monotonic() - self._last >= max(SECONDS, SHARE * self._cost)

    def save(self, iteration: int, header: Mapping[str, Any], arrays: Sequence[Any]) -> None:
        """Writes one, all or nothing, and forgets the oldest.

        Args:
          iteration: of the run; it orders the checkpoints.
          header: plain values for JSON.
          arrays: NumPy arrays, or what becomes one; each is converted by itself.

        Raises:
          InputError: it can't be written; the ones before are still there.
        """
        began = time.monotonic()
        text = json.dumps({**header, "identity": self._identity}).encode()
        path = os.path.join(self.folder, f"artistyle-{iteration:08}.npz")
        try:
            with self._told("write"):
                with (
                    replacing(path, _MARK) as file,
                    zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as archive,
                ):
                    _put(archive, "header", np.frombuffer(text, np.uint8))
                    for index, array in enumerate(arrays):
                        _put(archive, f"a{index:06}", np.asarray(array))
                for old in self._paths()[self._keep :]:
                    os.remove(old)
        finally:
            self._last = time.monotonic()
            self._cost = self._last - began
            self.seconds += self._cost

    def _paths(self) -> list[str]:
        """Newest first."""
        with self._told("read"):
            names = sorted(filter(_NAME.fullmatch, os.listdir(self.folder)), reverse=True)
        return [os.path.join(self.folder, name) for name in names]

    @contextlib.contextmanager
    def _told(self, verb: str) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise InputError(
                f"can't {verb} checkpoints in {one_line(self.folder)}: {reason(error)}"
            ) from error


def _put(archive: zipfile.ZipFile, name: str, array: np.ndarray) -> None:
    with archive.open(zipfile.ZipInfo(f"{name}.npy"), "w", force_zip64=True) as member:
        np.lib.format.write_array(member, array, allow_pickle=False)


def _read(path: str, identity: Mapping[str, Any]) -> Saved:
    """InputError if it is of another run, which is known before its arrays are read.

    Memory: no more than the file's own size, whatever the file says.
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
        data = file.read()  # to the end, where its checksum is compared
    return np.frombuffer(data, dtype).reshape(shape) if data else np.zeros(shape, dtype)


def _difference(saved: Mapping[str, Any], wanted: Mapping[str, Any], name: str = "") -> str:
    """The first difference as text, or ""."""
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
