"""Encodes pictures with the record of a run in them: JSON in a PNG text chunk or EXIF."""

import io
import json
import struct
import zlib
from collections.abc import Mapping
from typing import Any

import numpy as np
from PIL import Image, PngImagePlugin

from artistyle_tf.errors import InputError
from artistyle_tf.images.decode import Page, srgb

_KEY = "artistyle"
_EXIF_IFD = 0x8769
_USER_COMMENT = 0x9286
_ASCII = b"ASCII\0\0\0"
_PNG_HEADER = 33  # Bytes before the first chunk that follows a PNG's header.


def encode(
    pixels: np.ndarray, file_format: str, record: Mapping[str, Any] | None, **options: Any
) -> bytes:
    """The bytes of a "PNG", "JPEG", "WEBP" or "TIFF" file with those pixels and `record`.

    `pixels`: uint8 [H, W, 3], or [H, W, 4] with alpha. PNG and TIFF take uint16 too, and TIFF
    float32; these get an sRGB profile. `options` are for `Image.save`, which writes uint8.
    Encoders' exceptions are passed on.
    """
    deep, data = pixels.dtype != np.uint8, io.BytesIO()
    text = None if record is None else _to_json(record)
    comment = None if text is None else _ASCII + text.encode("ascii")
    if file_format == "PNG":
        info = PngImagePlugin.PngInfo()
        if deep:
            info.add(b"iCCP", b"sRGB\0\0" + zlib.compress(srgb()))
        if text is not None:
            info.add_text(_KEY, text)
        if deep:
            return _deep_png(pixels, info)
        options["pnginfo"] = info
    elif comment is not None and file_format != "TIFF":
        exif = Image.Exif()
        exif[_EXIF_IFD] = {_USER_COMMENT: comment}
        options["exif"] = exif.tobytes()
    if deep:
        _write_deep_tiff(data, pixels)
    else:
        Image.fromarray(pixels).save(data, file_format, **options)
    if comment is not None and file_format == "TIFF":
        return _with_comment(data.getvalue(), comment)
    return data.getvalue()


def extract(image: Image.Image | Page, shown: str) -> dict[str, Any] | None:
    """The record embedded by `encode` in an open picture, or None; InputError if malformed.

    An EXIF comment that doesn't begin with "{" is a camera's. `shown` is the picture's name in
    messages. Pillow's exceptions are passed on.
    """
    if isinstance(image, Image.Image) and image.format == "PNG":
        if _KEY not in image.info:
            image.load()  # some editors put text chunks after the pixels
        text = image.info.get(_KEY)
    else:
        text = image.getexif().get_ifd(_EXIF_IFD).get(_USER_COMMENT)
        text = text.removeprefix(_ASCII).rstrip(b"\0 ") if isinstance(text, bytes) else b""
        text = text if text.startswith(b"{") else None
    if text is None:
        return None
    try:
        record = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise InputError(f"{shown}: its record is not valid JSON") from error
    if not isinstance(record, dict):
        raise InputError(f"{shown}: its record is not a JSON object")
    return record


def _deep_png(pixels: np.ndarray, info: PngImagePlugin.PngInfo) -> bytes:
    """uint16 as PNG. imagecodecs writes pixels only: `info` is inserted behind the header."""
    import imagecodecs

    # Run-length deflate after the Sub filter: ten times faster than zlib's default, no larger.
    pixels = np.ascontiguousarray(pixels)
    data = bytes(imagecodecs.png_encode(pixels, level=1, strategy=3, filter=16))
    chunks = io.BytesIO()
    for name, content, *_ in info.chunks:
        PngImagePlugin.putchunk(chunks, name, content)
    return data[:_PNG_HEADER] + chunks.getvalue() + data[_PNG_HEADER:]


def _write_deep_tiff(file: io.BytesIO, pixels: np.ndarray) -> None:
    """uint16 or float32 as TIFF. Deflate would save an eighth of floats, slowly, and not all can
    read it."""
    import tifffile

    whole = pixels.dtype == np.uint16
    tifffile.imwrite(
        file,
        pixels,
        bigtiff=False,
        byteorder="<",
        photometric="rgb",
        planarconfig="contig",
        extrasamples=["unassalpha"] if pixels.shape[2] == 4 else None,
        compression="zlib" if whole else None,
        predictor=whole,
        iccprofile=srgb(),
        software=False,
        metadata=None,
        maxworkers=1,
    )


def _with_comment(tiff: bytes, comment: bytes) -> bytes:
    """Appends an EXIF directory to a one-page TIFF. (Pillow can't write one compressed.)"""
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


def _to_json(record: Mapping[str, Any]) -> str:
    """Compact ASCII JSON, identical for equal records; NaN and infinities become strings."""
    text = json.dumps(record, default=str)
    plain = json.loads(text, parse_constant=lambda name: str(float(name)))
    return json.dumps(plain, sort_keys=True, separators=(",", ":"))
