"""Writes more than 8 bits per channel: 16-bit PNG, 16-bit or float TIFF. No TensorFlow."""

import io
import struct
import zlib

import numpy as np
from PIL import PngImagePlugin

from artistyle_tf.images import profiles

__all__ = ["png", "tiff"]

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_ROWS = 64
"""Rows of a PNG compressed at a time."""
_UP = 2
"""The Up filter, differences from the row above: PNG specification, 9.2."""


def png(pixels: np.ndarray, text: tuple[str, str] | None) -> bytes:
    """The bytes of a PNG with uint16 [H, W, 3] or, with alpha, [H, W, 4], and a keyword and text.

    Pillow has no such mode; its chunk writer is used, and the rest follows the specification. (The
    filter is done in NumPy; other PNG libraries do it row by row.)
    """
    height, width, channels = pixels.shape
    file = io.BytesIO()
    file.write(_SIGNATURE)
    kind = 2 if channels == 3 else 6
    PngImagePlugin.putchunk(
        file, b"IHDR", struct.pack(">IIBBBBB", width, height, 16, kind, 0, 0, 0)
    )
    PngImagePlugin.putchunk(file, b"iCCP", b"sRGB\0\0", zlib.compress(profiles.srgb()))
    if text is not None:
        info = PngImagePlugin.PngInfo()
        info.add_text(*text)
        for name, data, *_ in info.chunks:
            PngImagePlugin.putchunk(file, name, data)
    compressor = zlib.compressobj()
    above = np.zeros((1, width * channels * 2), np.uint8)
    for start in range(0, height, _ROWS):
        rows = pixels[start : start + _ROWS].astype(">u2").reshape(-1, width * channels)
        rows = rows.view(np.uint8)
        filtered = rows - np.concatenate([above, rows[:-1]])  # modulo 256, as specified
        lines = np.insert(filtered, 0, _UP, axis=1)
        if data := compressor.compress(lines.tobytes()):
            PngImagePlugin.putchunk(file, b"IDAT", data)
        above = rows[-1:]
    PngImagePlugin.putchunk(file, b"IDAT", compressor.flush())
    PngImagePlugin.putchunk(file, b"IEND")
    return file.getvalue()


def tiff(pixels: np.ndarray) -> bytes:
    """The bytes of a TIFF with uint16 or float32 [H, W, 3] or, with alpha, [H, W, 4].

    Floats are not compressed: deflate saves an eighth, is slow, and some readers don't support it.
    """
    import tifffile  # imported only if needed

    file, whole = io.BytesIO(), pixels.dtype == np.uint16
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
        iccprofile=profiles.srgb(),
        software=False,
        metadata=None,
        maxworkers=1,
    )
    return file.getvalue()
