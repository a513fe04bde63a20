"""Embeds the record of a run in its picture: JSON in a PNG text chunk or EXIF. No TensorFlow."""

import io
import json
import math
import struct
from collections.abc import Mapping
from typing import Any

import numpy as np
from PIL import Image, PngImagePlugin

from artistyle_tf.errors import InputError
from artistyle_tf.images import deep

__all__ = ["MAX_RECORD", "encode", "encode_deep", "extract"]

MAX_RECORD = 1 << 20
"""Maximum size of the JSON written or read, in bytes."""

_KEY = "artistyle"
_EXIF_IFD = 0x8769
_USER_COMMENT = 0x9286
_ASCII = b"ASCII\0\0\0"
# A JPEG's whole EXIF must fit into one segment of 65533 bytes.
_LIMITS = {"JPEG": 65_000}


def encode(
    image: Image.Image, file_format: str, record: Mapping[str, Any] | None, **options: Any
) -> bytes:
    """The bytes of a "PNG", "JPEG", "WEBP" or "TIFF" file containing `image` and `record`.

    `options` are passed to `Image.save`, whose exceptions are passed on. A record that is too long
    is replaced by `{"record_left_out": reason}`, rather than losing the picture.
    """
    data = io.BytesIO()
    if record is None:
        image.save(data, file_format, **options)
        return data.getvalue()
    text = _text(record, file_format)
    comment = _ASCII + text.encode("ascii")
    if file_format == "PNG":
        options["pnginfo"] = PngImagePlugin.PngInfo()
        options["pnginfo"].add_text(_KEY, text)
    elif file_format != "TIFF":
        exif = Image.Exif()
        exif[_EXIF_IFD] = {_USER_COMMENT: comment}
        options["exif"] = exif.tobytes()
    image.save(data, file_format, **options)
    return _with_comment(data.getvalue(), comment) if file_format == "TIFF" else data.getvalue()


def encode_deep(pixels: np.ndarray, file_format: str, record: Mapping[str, Any] | None) -> bytes:
    """Like `encode`, with an sRGB profile: a uint16 "PNG", or a "TIFF" with uint16 or float32.

    `pixels`: [H, W, 3], or [H, W, 4] with alpha.
    """
    text = None if record is None else _text(record, file_format)
    if file_format == "PNG":
        return deep.encode_png(pixels, None if text is None else (_KEY, text))
    data = deep.encode_tiff(pixels)
    return data if text is None else _with_comment(data, _ASCII + text.encode("ascii"))


def extract(image: Image.Image | deep.Page, shown: str) -> dict[str, Any] | None:
    """The record embedded by `encode` in an open picture, or None; InputError if malformed.

    A comment in EXIF is taken for a record only if it begins with "{", so cameras' are ignored.
    `shown` is the picture's name in messages. Pillow's exceptions are passed on.
    """
    if isinstance(image, Image.Image) and image.format == "PNG":
        if _KEY not in image.info:
            image.load()  # some editors put text chunks after the pixels
        text = image.info.get(_KEY)
    else:
        text = image.getexif().get_ifd(_EXIF_IFD).get(_USER_COMMENT)
        if isinstance(text, bytes):
            text = text.removeprefix(_ASCII).rstrip(b"\0 ")
        if not isinstance(text, bytes) or not text.startswith(b"{"):
            return None
    if text is None:
        return None
    if len(text) > MAX_RECORD:
        raise InputError(f"{shown}: its record is longer than {MAX_RECORD} bytes")
    try:
        record = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise InputError(f"{shown}: its record is not valid JSON") from error
    if not isinstance(record, dict):
        raise InputError(f"{shown}: its record is not a JSON object")
    return record


def _with_comment(tiff: bytes, comment: bytes) -> bytes:
    """A one-page TIFF with an EXIF directory appended. (Pillow can't write one compressed.)"""
    end = "<" if tiff.startswith(b"II") else ">"
    (start,) = struct.unpack_from(end + "I", tiff, 4)
    (count,) = struct.unpack_from(end + "H", tiff, start)
    entries = [tiff[at : at + 12] for at in range(start + 2, start + 2 + 12 * count, 12)]
    out = tiff + bytes(len(tiff) % 2)  # directories begin at even offsets
    one_entry = end + "HHHIII"  # entry count; tag, type, value count, offset; no next directory
    where = len(out) + struct.calcsize(one_entry)
    exif = struct.pack(one_entry, 1, _USER_COMMENT, 7, len(comment), where, 0) + comment
    exif += bytes(len(exif) % 2)
    entries.append(struct.pack(end + "HHII", _EXIF_IFD, 4, 1, len(out)))
    entries.sort(key=lambda entry: struct.unpack_from(end + "H", entry))
    main = struct.pack(end + "H", len(entries)) + b"".join(entries) + bytes(4)
    out += exif
    return out[:4] + struct.pack(end + "I", len(out)) + out[8:] + main


def _text(record: Mapping[str, Any], file_format: str) -> str:
    """The record as JSON, or its replacement if it is too long."""
    text = _to_json(record)
    limit = _LIMITS.get(file_format, MAX_RECORD)
    if len(text) > limit:
        reason = f"{len(text)} bytes of JSON; {file_format} takes at most {limit}"
        text = _to_json({"record_left_out": reason})
    return text


def _to_json(record: Mapping[str, Any]) -> str:
    """Compact ASCII JSON, identical for equal records."""
    return json.dumps(_plain(record), sort_keys=True, separators=(",", ":"), allow_nan=False)


def _plain(value: Any) -> Any:
    """`value` in JSON types. NaN and infinities, which JSON lacks, become strings."""
    if isinstance(value, np.generic | np.ndarray):
        value = value.tolist()
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, set | frozenset):
        return sorted((_plain(item) for item in value), key=str)
    return str(value)
