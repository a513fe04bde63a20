"""Whether a file is as long as it says: FFmpeg reads one that is cut off as if it ended there."""

import os
from typing import BinaryIO

__all__ = ["is_cut_off"]

_EBML, _SEGMENT = bytes.fromhex("1a45dfa3"), bytes.fromhex("18538067")
_BOXES = (b"ftyp", b"moov", b"mdat", b"free", b"skip", b"wide", b"moof", b"styp", b"sidx", b"uuid")


def is_cut_off(path: str) -> bool:
    """Whether an MP4, MOV, Matroska, WebM or AVI file lacks its end.

    False for other formats, and where the file doesn't tell or can't be read.
    """
    try:
        return _is_cut_off(path)
    except OSError:
        return False


def _is_cut_off(path: str) -> bool:
    length = os.path.getsize(path)
    with open(path, "rb") as file:
        head = file.read(12)
        file.seek(0)
        if head[:4] == _EBML:
            end = _end_of_segment(file)
        elif head[:4] == b"RIFF":
            size = int.from_bytes(head[4:8], "little")
            end = 0 if size == 2**32 - 1 else 8 + size
        elif head[4:8] in _BOXES:
            end = _end_of_boxes(file, length)
        else:
            end = 0
    return end > length


def _end_of_segment(file: BinaryIO) -> int:
    """Where Matroska's segment ends; 0 if it doesn't say (RFC 8794, RFC 9559)."""
    file.seek(4)
    size = _size(file)
    file.seek(size or 0, os.SEEK_CUR)
    if file.read(4) != _SEGMENT:
        return 0
    size = _size(file)
    return 0 if size is None else file.tell() + size


def _size(file: BinaryIO) -> int | None:
    """A variable-size integer; None: unknown, all ones."""
    first = file.read(1)
    more = 8 - first[0].bit_length() if first else 8
    rest = file.read(more)
    if more == 8 or len(rest) < more:
        return None
    bits = 7 * (more + 1)
    value = int.from_bytes(first + rest, "big") & (2**bits - 1)
    return None if value == 2**bits - 1 else value


def _end_of_boxes(file: BinaryIO, length: int) -> int:
    """Where the last known box ends (ISO/IEC 14496-12, 4.2); what follows others isn't known."""
    at = 0
    while at < length:
        file.seek(at)
        head = file.read(16)
        size = int.from_bytes(head[:4], "big")
        if size == 1:
            size = int.from_bytes(head[8:16], "big")
        if head[4:8] not in _BOXES or size < 8:
            return 0
        at += size
    return at
