"""Pictures and colour profiles built by code, and what reading them is refused with."""

import io
import struct
import zlib

import numpy as np
import pytest
import tifffile

from artistyle_tf.errors import InputError
from artistyle_tf.images.read import read


def pattern(height=24, width=40):
    """uint8 [H, W, 3], smooth, and different at each corner."""
    y, x = np.mgrid[0:height, 0:width]
    planes = [255 * x / (width - 1), 255 * y / (height - 1), 40 + 60 * x / (width - 1)]
    return np.rint(np.stack(planes, axis=-1)).astype(np.uint8)


def refusal(source, kind=InputError):
    """The one line that reading ends with."""
    with pytest.raises(kind) as caught:
        read(source)
    text = str(caught.value)
    assert "\n" not in text
    return text


def kept(path, data):
    path.write_bytes(data)
    return path


# PNG and TIFF


def png_chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png(pixels, *chunks, size=None, interlaced=False):
    """uint16 [H, W, 1 to 4], unfiltered, written out by hand; `size`: what the header says."""
    height, width, channels = pixels.shape
    parts = [pixels]
    if interlaced:  # Adam7: top, left, step down, step right
        passes = [(0, 0, 8, 8), (0, 4, 8, 8), (4, 0, 8, 4), (0, 2, 4, 4), (2, 0, 4, 2)]
        passes += [(0, 1, 2, 2), (1, 0, 2, 1)]
        parts = [pixels[top::down, left::right] for top, left, down, right in passes]
    rows = b"".join(b"\0" + row.tobytes() for part in parts for row in part.astype(">u2"))
    width, height = size or (width, height)
    kind = {1: 0, 2: 4, 3: 2, 4: 6}[channels]
    header = struct.pack(">IIBBBBB", width, height, 16, kind, 0, 0, int(interlaced))
    body = [png_chunk(b"IHDR", header), *chunks, png_chunk(b"IDAT", zlib.compress(rows))]
    return b"\x89PNG\r\n\x1a\n" + b"".join(body) + png_chunk(b"IEND", b"")


def tiff(pixels, **options):
    """[H, W, C], by tifffile's options."""
    file = io.BytesIO()
    options = {"photometric": "rgb", "metadata": None, **options}
    if pixels.shape[-1] in (2, 4):
        options.setdefault("extrasamples", ["unassalpha"])
    if options.get("planarconfig") == "separate":
        pixels = np.moveaxis(pixels, -1, 0)
    tifffile.imwrite(file, pixels, **options)
    return file.getvalue()


def with_tags(data, tags):
    """A little-endian TIFF whose first directory has other values: tag → value."""
    data = bytearray(data)
    (start,) = struct.unpack_from("<I", data, 4)
    (count,) = struct.unpack_from("<H", data, start)
    for at in range(start + 2, start + 2 + 12 * count, 12):
        tag = struct.unpack_from("<H", data, at)[0]
        if tag in tags:
            struct.pack_into("<HII", data, at + 2, 4, 1, tags[tag])
    return bytes(data)


# ICC profiles, version 2, written out by hand

D50 = (0.9642, 1.0, 0.8249)
SRGB_PRIMARIES = ((0.4361, 0.2225, 0.0139), (0.3851, 0.7169, 0.0971), (0.1431, 0.0606, 0.7141))


def _s15(*values):
    return b"".join(struct.pack(">i", round(value * 65536)) for value in values)


def _xyz(*values):
    return b"XYZ \0\0\0\0" + _s15(*values)


def _gamma(value):
    return b"curv\0\0\0\0" + struct.pack(">IH", 1, round(value * 256))


def _icc(device, space, pcs, tags):
    text = b"made by a test"
    tags = {
        b"desc": b"desc\0\0\0\0" + struct.pack(">I", len(text) + 1) + text + bytes(79),
        b"cprt": b"text\0\0\0\0" + text + b"\0",
        b"wtpt": _xyz(*D50),
        **tags,
    }
    table, body = struct.pack(">I", len(tags)), b""
    start = 128 + 4 + 12 * len(tags)
    for name, data in tags.items():
        table += name + struct.pack(">II", start + len(body), len(data))
        body += data + bytes(-len(data) % 4)
    size = 128 + len(table) + len(body)
    head = struct.pack(">I4sI", size, b"\0\0\0\0", 0x02100000) + device + space + pcs
    head += struct.pack(">6H", 2020, 1, 1, 0, 0, 0) + b"acsp" + bytes(28) + _s15(*D50)
    return head.ljust(128, b"\0") + table + body


def rgb_icc(red, green, blue, gamma):
    """A matrix profile whose channels have the sRGB primaries of those numbers."""
    names = zip((b"rXYZ", b"gXYZ", b"bXYZ"), (red, green, blue), strict=True)
    tags = {name: _xyz(*SRGB_PRIMARIES[number]) for name, number in names}
    tags |= dict.fromkeys((b"rTRC", b"gTRC", b"bTRC"), _gamma(gamma))
    return _icc(b"mntr", b"RGB ", b"XYZ ", tags)


def grey_icc(gamma):
    return _icc(b"mntr", b"GRAY", b"XYZ ", {b"kTRC": _gamma(gamma)})


def _table(channels, lightness):
    """A lookup table of two points an axis; `lightness` of each corner, last channel fastest."""
    line = bytes(range(256))
    lut = b"mft1\0\0\0\0" + bytes([channels, 3, 2, 0]) + _s15(1, 0, 0, 0, 1, 0, 0, 0, 1)
    lut += line * channels
    for corner in range(2**channels):
        lut += bytes([lightness(corner), 128, 128])
    return {b"A2B0": lut + line * 3}


def cmyk_icc():
    """Lightness falls with K alone, ink otherwise does nothing."""
    tags = _table(4, lambda corner: 0 if corner & 1 else 255)
    return _icc(b"prtr", b"CMYK", b"Lab ", tags)


def table_icc():
    """RGB by tables: as light as green is, and grey."""
    return _icc(b"mntr", b"RGB ", b"Lab ", _table(3, lambda corner: 255 if corner & 2 else 0))


BAD_PROFILES = {
    "text": b"not a profile",
    "cut": rgb_icc(2, 1, 0, 2.2)[:200],
    "noise": rgb_icc(2, 1, 0, 2.2)[:128] + b"\xff" * 300,
    "grey": grey_icc(1.0),
    "CMYK": cmyk_icc(),
}
"""For a picture in RGB."""
