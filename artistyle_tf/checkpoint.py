"""Checkpoints: all that a run needs to go on as if it had never been killed. NumPy only.

A checkpoint is an uncompressed .npz: a header as JSON and arrays, each with the checksum that the
format has for every member. Nothing is pickled, and no name or path in it is ever opened.
"""

import contextlib
import json
import os
import re
import time
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from typing import IO, Any, NamedTuple

import numpy as np

from artistyle_tf.errors import InputError
from artistyle_tf.locks import hold
from artistyle_tf.messages import one_line, reason
from artistyle_tf.output import replacing

__all__ = ["Checkpoints", "Saved"]

KEPT = 2
SECONDS = 60.0
SHARE = 50
"""Where the user says nothing, a checkpoint is due every so many seconds, and never sooner than so
many times what the last one cost."""

_NAME = re.compile(r"artistyle-(\d{8})\.npz")
_ARRAY = re.compile(r"a(\d{6})")
_LONGEST = 200_000_000


class Saved(NamedTuple):
    """What was read back."""

    header: dict[str, Any]
    arrays: list[np.ndarray]


class Checkpoints:
    """The checkpoints of one run in one folder; the newest `keep` stay.

    Args:
      folder: made if it is not there.
      every: iterations between two; None: by time, at most a fiftieth of the run.
      resume: whether to go on from the newest one that can be read; without, all checkpoints in
        the folder are removed.
      keep: how many stay, 1 or more.

    Raises:
      InputError: a folder that can't be made or written to.
    """

    def __init__(
        self,
        folder: str | os.PathLike[str],
        *,
        every: int | None = None,
        resume: bool = False,
        keep: int = KEPT,
    ):
        self.folder, self.resume = os.fspath(folder), resume
        self._every, self._keep = every, max(1, keep)
        self._identity: Mapping[str, Any] = {}
        self._lock: IO[bytes] | None = None
        self._last, self._cost = time.monotonic(), 0.0
        self.notes: list[str] = []
        """What the user should know of what `begin` found."""
        with self._told("make"):
            os.makedirs(self.folder, exist_ok=True)

    def begin(self, identity: Mapping[str, Any]) -> Saved | None:
        """The newest checkpoint of this very run, or None to begin at the beginning.

        Checkpoints that can't be read are passed over with a note.

        Args:
          identity: name → what must be equal in a checkpoint to go on from: settings, digests.

        Raises:
          InputError: the newest readable one is of another run; the message names the difference.
            Or another process uses the folder now.
        """
        self._identity = json.loads(json.dumps(identity))
        self._lock = hold(os.path.join(self.folder, "checkpoints"))
        if self._lock is None:
            raise InputError(f"another run keeps its checkpoints in {one_line(self.folder)}")
        if not self.resume:
            for path in self._paths():
                with self._told("remove"):
                    os.remove(path)
            return None
        for path in self._paths():
            try:
                saved = _read(path)
            except Exception as error:  # zipfile and NumPy raise many kinds
                self.notes.append(f"{one_line(path)} can't be used: {reason(error)}")
                continue
            difference = _difference(saved.header.get("identity"), self._identity)
            if difference:
                raise InputError(f"{one_line(path)} is of another run: {difference}")
            return saved
        self.notes.append(f"there is no checkpoint in {one_line(self.folder)} to resume from")
        return None

    def close(self) -> None:
        """Lets other processes use the folder."""
        if self._lock is not None:
            self._lock.close()
            self._lock = None

    def due(self, iteration: int) -> bool:
        """Whether one is to be saved after that iteration of the run."""
        if self._every is not None:
            return iteration % self._every == 0
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
        with self._told("write"):
            with replacing(path) as file, zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as archive:
                _put(archive, "header", np.frombuffer(text, np.uint8))
                for index, array in enumerate(arrays):
                    _put(archive, f"a{index:06}", np.asarray(array))
            for old in self._paths()[self._keep :]:
                os.remove(old)
        self._last = time.monotonic()
        self._cost = self._last - began

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


def _read(path: str) -> Saved:
    with open(path, "rb") as opened, np.load(opened, allow_pickle=False) as file:
        names = file.files
        arrays = [name for name in names if _ARRAY.fullmatch(name)]
        if sorted(arrays) != [f"a{index:06}" for index in range(len(names) - 1)]:
            raise ValueError("it holds other arrays than a checkpoint")
        text = file["header"]
        if text.dtype != np.uint8 or text.size > _LONGEST:
            raise ValueError("its header is no text")
        header = json.loads(text.tobytes())
        if not isinstance(header, dict):
            raise ValueError("its header is no mapping")
        return Saved(header, [file[name] for name in sorted(arrays)])


def _difference(saved: Any, wanted: Mapping[str, Any], name: str = "") -> str:
    """The first difference as text, or ""."""
    if not isinstance(saved, dict):
        return "it does not say of which"
    for key, value in wanted.items():
        label = f"{name}{key}"
        if key not in saved:
            return f"{label} is not in it"
        if isinstance(value, dict):
            inner = _difference(saved[key], value, f"{label}.")
            if inner:
                return inner
        elif saved[key] != value:
            return f"{label} was {one_line(str(saved[key]))[:80]}, and is {str(value)[:80]} now"
    return ""
