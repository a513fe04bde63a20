"""Reading and resizing pictures: the files are built here, by code."""

import errno
import hashlib
import io
import os
import random
import struct
import subprocess
import sys
import warnings
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageCms, PngImagePlugin

from artistyle_tf.errors import ConfigError, InputError
from artistyle_tf.images import read, sizes
from artistyle_tf.images.picture import MIN_SIDE


def _pattern(height: int = 24, width: int = 40) -> np.ndarray:
    """uint8 [H, W, 3], smooth, and different at each corner."""
    y, x = np.mgrid[0:height, 0:width]
    planes = [255 * x / (width - 1), 255 * y / (height - 1), 40 + 60 * x / (width - 1)]
    return np.rint(np.stack(planes, axis=-1)).astype(np.uint8)


def _flat(mode: str, colour: object, size: tuple[int, int] = (20, 18)) -> Image.Image:
    return Image.new(mode, size, colour)  # type: ignore[arg-type]


def _only(rgb: np.ndarray) -> list[int]:
    """The one colour of a flat picture."""
    assert (rgb == rgb[0, 0]).all()
    return rgb[0, 0].tolist()


def _error(source: object, kind: type[Exception] = InputError) -> str:
    with pytest.raises(kind) as caught:
        read.read(source)  # type: ignore[arg-type]
    text = str(caught.value)
    assert "\n" not in text
    return text


def _png_chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def _png(width: int, height: int, depth: int, colour_type: int, rows: bytes) -> bytes:
    header = struct.pack(">IIBBBBB", width, height, depth, colour_type, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + _png_chunk(b"IHDR", header)
        + _png_chunk(b"IDAT", zlib.compress(rows))
        + _png_chunk(b"IEND", b"")
    )


# ICC profiles, version 2, written out by hand


def _s15(value: float) -> bytes:
    return struct.pack(">i", round(value * 65536))


def _xyz(*values: float) -> bytes:
    return b"XYZ \0\0\0\0" + b"".join(map(_s15, values))


def _gamma(value: float) -> bytes:
    return b"curv\0\0\0\0" + struct.pack(">IH", 1, round(value * 256))


D50 = (0.9642, 1.0, 0.8249)
SRGB_PRIMARIES = ((0.4361, 0.2225, 0.0139), (0.3851, 0.7169, 0.0971), (0.1431, 0.0606, 0.7141))


def _icc(device: bytes, space: bytes, pcs: bytes, tags: dict[bytes, bytes]) -> bytes:
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
    head += struct.pack(">6H", 2020, 1, 1, 0, 0, 0) + b"acsp" + bytes(28)
    head += b"".join(map(_s15, D50))
    return head.ljust(128, b"\0") + table + body


def _rgb_icc(red: int, green: int, blue: int, gamma: float) -> bytes:
    """A matrix profile whose channels have the sRGB primaries of those numbers."""
    curve = _gamma(gamma)
    return _icc(
        b"mntr",
        b"RGB ",
        b"XYZ ",
        {
            b"rXYZ": _xyz(*SRGB_PRIMARIES[red]),
            b"gXYZ": _xyz(*SRGB_PRIMARIES[green]),
            b"bXYZ": _xyz(*SRGB_PRIMARIES[blue]),
            b"rTRC": curve,
            b"gTRC": curve,
            b"bTRC": curve,
        },
    )


def _grey_icc(gamma: float) -> bytes:
    return _icc(b"mntr", b"GRAY", b"XYZ ", {b"kTRC": _gamma(gamma)})


def _cmyk_icc() -> bytes:
    """A table of two points an axis: lightness falls with K alone, ink otherwise does nothing."""
    line = bytes(range(256))
    lut = b"mft1\0\0\0\0" + bytes([4, 3, 2, 0])
    lut += b"".join(_s15(v) for v in (1, 0, 0, 0, 1, 0, 0, 0, 1))
    lut += line * 4
    for corner in range(16):  # the last channel, K, runs fastest
        lut += bytes([0 if corner & 1 else 255, 128, 128])
    lut += line * 3
    return _icc(b"prtr", b"CMYK", b"Lab ", {b"A2B0": lut})


def _encode_srgb(linear: float) -> int:
    value = 12.92 * linear if linear <= 0.0031308 else 1.055 * linear ** (1 / 2.4) - 0.055
    return round(255 * value)


# Reading: sources and names


@pytest.mark.parametrize("extension", [".png", ".bmp", ".tif", ".ppm", ".tga"])
def test_reads_exact_pixels(tmp_path: Path, extension: str) -> None:
    path = tmp_path / f"a{extension}"
    Image.fromarray(_pattern()).save(path)
    for source in (path, str(path)):
        picture = read.read(source)
        assert picture.rgb.dtype == np.uint8
        np.testing.assert_array_equal(picture.rgb, _pattern())
        assert (picture.alpha, picture.name, picture.notes) == (None, path.name, ())


def test_reads_pillow_images_and_arrays() -> None:
    image = Image.fromarray(_pattern())
    from_image, from_array = read.read(image), read.read(_pattern())
    np.testing.assert_array_equal(from_image.rgb, _pattern())
    np.testing.assert_array_equal(from_array.rgb, _pattern())
    assert (from_image.name, from_array.name) == ("image", "array")
    assert from_image.digest == from_array.digest


def test_array_is_copied() -> None:
    array = _pattern()
    picture = read.read(array)
    array[:] = 0
    np.testing.assert_array_equal(picture.rgb, _pattern())


def test_grey_and_rgba_arrays() -> None:
    grey = _pattern()[..., 0]
    np.testing.assert_array_equal(read.read(grey).rgb, np.dstack([grey] * 3))
    rgba = np.dstack([_pattern(), np.full((24, 40), 255, np.uint8)])
    opaque = read.read(rgba)
    assert opaque.alpha is None
    np.testing.assert_array_equal(opaque.rgb, _pattern())
    rgba[..., 3] = 0
    clear = read.read(rgba)
    assert (clear.rgb == 255).all()
    assert clear.alpha is not None
    assert (clear.alpha == 0).all()


@pytest.mark.parametrize(
    ("array", "received"),
    [
        (np.zeros((20, 20, 3), np.float32), "float32 [20, 20, 3]"),
        (np.zeros((20, 20, 2), np.uint8), "uint8 [20, 20, 2]"),
        (np.zeros((1, 20, 20, 3), np.uint8), "uint8 [1, 20, 20, 3]"),
        (np.zeros((400,), np.uint8), "uint8 [400]"),
    ],
)
def test_wrong_arrays_are_named(array: np.ndarray, received: str) -> None:
    text = _error(array, ConfigError)
    assert received in text
    assert "uint8 or uint16 [H, W, 3]" in text


@pytest.mark.parametrize("source", [None, 3, [_pattern()], b"a.png"])
def test_other_objects_are_refused(source: object) -> None:
    assert type(source).__name__ in _error(source, ConfigError)


def test_digest_follows_shape_pixels_and_alpha() -> None:
    a, b = _pattern(20, 30), _pattern(20, 30)
    b[3, 4, 1] ^= 1
    veiled = np.dstack([a, np.full((20, 30), 255, np.uint8)])
    veiled[0, 0, 3] = 254
    veiled[0, 0, :3] = a[0, 0] = 255  # the same colour over white, whatever the alpha
    digests = {
        read.read(a).digest,
        read.read(b).digest,
        read.read(a.reshape(30, 20, 3)).digest,
        read.read(veiled).digest,
    }
    assert len(digests) == 4
    thinner = veiled.copy()
    thinner[0, 0, 3] = 253
    np.testing.assert_array_equal(read.read(thinner).rgb, read.read(veiled).rgb)
    assert read.read(thinner).digest not in digests
    assert read.read(a).digest == read.read(a.copy()).digest
    assert all(len(d) == len(hashlib.sha256().hexdigest()) for d in digests)


# Reading: orientation


def _expected_turn(raw: np.ndarray, orientation: int) -> np.ndarray:
    """From the standard: where the raw picture's row 0 and column 0 belong."""
    height, width = raw.shape[:2]
    swapped = orientation >= 5
    out = np.zeros((width, height, 3) if swapped else raw.shape, np.uint8)
    for r in range(height):
        for c in range(width):
            place = {
                1: (r, c),  # top, left
                2: (r, width - 1 - c),  # top, right
                3: (height - 1 - r, width - 1 - c),  # bottom, right
                4: (height - 1 - r, c),  # bottom, left
                5: (c, r),  # left, top
                6: (c, height - 1 - r),  # right, top
                7: (width - 1 - c, height - 1 - r),  # right, bottom
                8: (width - 1 - c, r),  # left, bottom
            }[orientation]
            out[place] = raw[r, c]
    return out


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("extension", [".png", ".tif", ".webp", ".jpg"])
def test_orientation(tmp_path: Path, orientation: int, extension: str) -> None:
    raw = _pattern()
    exif = Image.Exif()
    exif[0x0112] = orientation
    path = tmp_path / f"a{extension}"
    options = {".webp": {"lossless": True}, ".jpg": {"quality": 100, "subsampling": 0}}
    Image.fromarray(raw).save(path, exif=exif, **options.get(extension, {}))
    rgb = read.read(path).rgb
    expected = _expected_turn(raw, orientation)
    assert rgb.shape == expected.shape
    assert np.abs(rgb.astype(int) - expected).max() <= (4 if extension == ".jpg" else 0)
    with Image.open(path) as image:
        np.testing.assert_array_equal(read.read(image).rgb, rgb)


def test_orientation_turns_the_alpha_too(tmp_path: Path) -> None:
    alpha = _pattern()[..., 0]
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.fromarray(np.dstack([_pattern(), alpha])).save(tmp_path / "a.png", exif=exif)
    read_alpha = read.read(tmp_path / "a.png").alpha
    assert read_alpha is not None
    np.testing.assert_array_equal(read_alpha, np.rot90(alpha, -1))


@pytest.mark.parametrize("mode", ["I;16", "F", "L", "1", "CMYK"])
def test_orientation_of_other_modes(tmp_path: Path, mode: str) -> None:
    grey = np.zeros((20, 30), np.uint8)
    grey[:, 20:] = 255
    exif = Image.Exif()
    exif[0x0112] = 3
    image = Image.fromarray(grey)
    if mode == "I;16":
        image = Image.fromarray(grey.astype(np.uint16) * 257)
    elif mode == "F":
        image = Image.fromarray(grey.astype(np.float32))
    else:
        image = image.convert(mode)
    image.save(tmp_path / "a.tif", exif=exif)
    np.testing.assert_array_equal(read.read(tmp_path / "a.tif").rgb[..., 0], grey[::-1, ::-1])


def test_broken_exif_costs_the_orientation_only(tmp_path: Path) -> None:
    path = tmp_path / "a.jpg"
    Image.fromarray(_pattern()).save(path, exif=b"Exif\0\0II*\0\xff\xff\xff\xff\xff\xff")
    assert read.read(path).rgb.shape == (24, 40, 3)
    Image.fromarray(_pattern()).save(path, exif=b"Exif\0\0no TIFF header")
    assert read.read(path).rgb.shape == (24, 40, 3)


# Reading: modes


def _ramp16(width: int = 512) -> np.ndarray:
    return np.rint(np.linspace(0, 65535, width)).astype(np.uint16)


def test_16_bit_grey_png_keeps_its_steps(tmp_path: Path) -> None:
    ramp = _ramp16()
    ramp[1:4] = 32768, 128, 129
    rows = b"".join(b"\0" + ramp.astype(">u2").tobytes() for _ in range(20))
    (tmp_path / "a.png").write_bytes(_png(len(ramp), 20, 16, 0, rows))
    picture = read.read(tmp_path / "a.png")
    assert picture.rgb.dtype == np.float32
    np.testing.assert_allclose(picture.rgb[7, :, 1], ramp / 257, rtol=1e-6)
    assert (picture.rgb[7, 0, 0], picture.rgb[7, -1, 2]) == (0, 255)
    assert picture.notes == ()


def test_dark_16_bit_png_stays_dark(tmp_path: Path) -> None:
    rows = (b"\0" + struct.pack(">H", 255) * 20) * 20
    (tmp_path / "a.png").write_bytes(_png(20, 20, 16, 0, rows))
    assert _only(read.read(tmp_path / "a.png").rgb) == pytest.approx([255 / 257] * 3)


@pytest.mark.parametrize("order", ["<u2", ">u2"])
def test_16_bit_grey_tiff_of_both_byte_orders(tmp_path: Path, order: str) -> None:
    grey = np.tile(_ramp16(64), (20, 1)).astype(order)
    tags = [(256, 64), (257, 20), (258, 16), (259, 1), (262, 1), (273, 200), (277, 1)]
    tags += [(278, 20), (279, grey.nbytes)]
    end = order[0]
    ifd = struct.pack(end + "H", len(tags))
    ifd += b"".join(struct.pack(end + "HHII", t, 4, 1, v) for t, v in tags) + bytes(4)
    head = (b"II*\0" if end == "<" else b"MM\0*") + struct.pack(end + "I", 8)
    (tmp_path / "a.tif").write_bytes((head + ifd).ljust(200, b"\0") + grey.tobytes())
    rgb = read.read(tmp_path / "a.tif").rgb
    np.testing.assert_allclose(rgb[5, :, 0], _ramp16(64) / 257, rtol=1e-6)


def test_16_bit_grey_with_a_transparent_value(tmp_path: Path) -> None:
    rows = (b"\0" + struct.pack(">HH", 1000, 65535 // 2) * 10) * 20
    data = _png(20, 20, 16, 0, rows)
    trns = _png_chunk(b"tRNS", struct.pack(">H", 1000))
    (tmp_path / "a.png").write_bytes(data.replace(data[33:37] + b"IDAT", trns + data[33:41], 1))
    picture = read.read(tmp_path / "a.png")
    assert picture.alpha is not None
    assert picture.alpha[0, :2].tolist() == [0, 255]
    assert picture.rgb[0, :2, 0].tolist() == pytest.approx([255, (65535 // 2) / 257])


def test_16_bit_rgb_png(tmp_path: Path) -> None:
    rows = (b"\0" + struct.pack(">HHH", 65535, 32896, 0) * 20) * 20
    (tmp_path / "a.png").write_bytes(_png(20, 20, 16, 2, rows))
    assert _only(read.read(tmp_path / "a.png").rgb) == [255, 128, 0]


@pytest.mark.parametrize(
    ("values", "expected", "noted"),
    [
        ([0.0, 0.5, 1.0], [0, 127.5, 255], True),
        ([0.0, 100.0, 255.0], [0, 100, 255], True),
        ([0.0, 32768.0, 65535.0], [0, 32768 / 257, 255], False),
        ([-1.0, 0.6e6, 1e6], [0, 153, 255], True),
        ([np.nan, 0.5, np.inf], [0, 127.5, 255], True),
        ([-3.0, -2.0, -1.0], [0, 0, 0], True),
    ],
)
def test_float_tiff(
    tmp_path: Path, values: list[float], expected: list[float], noted: bool
) -> None:
    plane = np.tile(np.repeat(np.float32(values), 8), (20, 1))
    Image.fromarray(plane).save(tmp_path / "a.tif")
    picture = read.read(tmp_path / "a.tif")
    assert picture.rgb[0, ::8, 2].tolist() == pytest.approx(expected)
    assert bool(picture.notes) == noted


def test_32_bit_integers() -> None:
    for top in (255, 65535, 2**31 - 1):
        plane = np.tile(np.int32([-5, 0, top]).repeat(8), (20, 1))
        image = Image.fromarray(plane)
        assert image.mode == "I"
        assert read.read(image).rgb[0, ::8, 0].tolist() == [0, 0, 255]


def test_16_bit_pgm(tmp_path: Path) -> None:
    row = np.uint16([0, 32768, 255, 65535]).repeat(5).astype(">u2").tobytes()
    (tmp_path / "a.pgm").write_bytes(b"P5 20 20 65535\n" + row * 20)
    expected = [0, 32768 / 257, 255 / 257, 255]
    assert read.read(tmp_path / "a.pgm").rgb[3, ::5, 0].tolist() == pytest.approx(expected)


def test_dark_16_bit_pgm_stays_dark(tmp_path: Path) -> None:
    (tmp_path / "a.pgm").write_bytes(b"P5 20 20 65535\n" + struct.pack(">H", 255) * 400)
    assert _only(read.read(tmp_path / "a.pgm").rgb) == pytest.approx([255 / 257] * 3)


def test_palette(tmp_path: Path) -> None:
    image = _flat("P", 1)
    image.putpalette([9, 9, 9, 10, 20, 30])
    image.save(tmp_path / "a.png")
    picture = read.read(tmp_path / "a.png")
    assert _only(picture.rgb) == [10, 20, 30]
    assert picture.alpha is None


@pytest.mark.parametrize("extension", [".png", ".gif"])
def test_palette_with_a_transparent_index(tmp_path: Path, extension: str) -> None:
    image = _flat("P", 1)
    image.putpalette([200, 0, 0, 10, 20, 30])
    image.paste(0, (0, 0, 10, 18))
    image.save(tmp_path / f"a{extension}", transparency=0)
    picture = read.read(tmp_path / f"a{extension}")
    assert picture.alpha is not None
    assert picture.alpha[5, [0, 19]].tolist() == [0, 255]
    assert picture.rgb[5, [0, 19]].tolist() == [[255, 255, 255], [10, 20, 30]]


def test_palette_with_partial_transparency(tmp_path: Path) -> None:
    image = _flat("P", 1)
    image.putpalette([200, 0, 0, 10, 20, 30])
    image.save(tmp_path / "a.png", transparency=bytes([255, 51]))
    picture = read.read(tmp_path / "a.png")
    assert picture.alpha is not None
    assert (picture.alpha == 51).all()  # a fifth: 255 - (255 - c) / 5
    assert _only(picture.rgb) == [206, 208, 210]


def test_rgb_with_a_transparent_colour(tmp_path: Path) -> None:
    image = _flat("RGB", (1, 2, 3))
    image.paste((4, 5, 6), (0, 0, 10, 18))
    image.save(tmp_path / "a.png", transparency=(4, 5, 6))
    picture = read.read(tmp_path / "a.png")
    assert picture.rgb[0, [0, 19]].tolist() == [[255, 255, 255], [1, 2, 3]]


@pytest.mark.parametrize(
    ("mode", "colour", "expected"),
    [
        ("1", 1, [255, 255, 255]),
        ("L", 77, [77, 77, 77]),
        ("LA", (100, 51), [224, 224, 224]),
        ("RGBA", (10, 20, 30, 51), [206, 208, 210]),
        ("RGBA", (10, 20, 30, 255), [10, 20, 30]),
        ("RGBA", (10, 20, 30, 0), [255, 255, 255]),
        ("RGBa", (2, 4, 6, 51), [206, 208, 210]),
        ("La", (20, 51), [224, 224, 224]),
        ("RGBX", (10, 20, 30, 0), [10, 20, 30]),
        ("CMYK", (0, 255, 255, 0), [255, 0, 0]),
        ("CMYK", (0, 0, 0, 255), [0, 0, 0]),
        ("YCbCr", (76, 85, 255), [254, 0, 0]),
        ("HSV", (0, 255, 255), [255, 0, 0]),
    ],
)
def test_modes(mode: str, colour: object, expected: list[int]) -> None:
    veiled = mode in ("LA", "La", "RGBA", "RGBa") and isinstance(colour, tuple) and colour[-1] < 255
    expected_alpha = colour[-1] if veiled else None  # type: ignore[index]
    picture = read.read(_flat(mode, colour))
    assert np.abs(np.array(_only(picture.rgb)) - expected).max() <= (1 if "a" in mode else 0)
    assert (picture.alpha is not None) == (expected_alpha is not None)
    if picture.alpha is not None:
        assert (picture.alpha == expected_alpha).all()


def test_lab() -> None:
    # L* 53.6, a* 0, b* 0 is sRGB 128; L* 54.3, a* 80.8, b* 69.9 is red (both for D50).
    grey = read.read(_flat("LAB", (137, 128, 128))).rgb
    assert np.abs(np.array(_only(grey)) - 128).max() <= 1
    red = np.array(_only(read.read(_flat("LAB", (138, 209, 198))).rgb))
    assert np.abs(red - [255, 0, 0]).max() <= 12


def test_compositing_is_rounded_for_every_pair() -> None:
    colour, alpha = np.meshgrid(np.arange(256), np.arange(256))
    rgba = np.stack([colour, colour, colour, alpha], axis=-1).astype(np.uint8)
    expected = np.floor((colour * alpha + 255.0 * (255 - alpha)) / 255 + 0.5)
    np.testing.assert_array_equal(read.read(rgba).rgb[..., 1], expected)


def test_alpha_of_an_opaque_file_is_none(tmp_path: Path) -> None:
    Image.fromarray(_pattern()).convert("RGBA").save(tmp_path / "a.png")
    assert read.read(tmp_path / "a.png").alpha is None


@pytest.mark.parametrize("extension", [".jpg", ".tif"])
def test_cmyk_files(tmp_path: Path, extension: str) -> None:
    _flat("CMYK", (255, 0, 0, 0)).save(tmp_path / f"a{extension}", quality=100)
    cyan = np.array(_only(read.read(tmp_path / f"a{extension}").rgb))
    assert np.abs(cyan - [0, 255, 255]).max() <= 3


def test_adobe_cmyk_jpeg(tmp_path: Path) -> None:
    """The Adobe marker says that the inks are stored inverted."""
    data = io.BytesIO()
    _flat("CMYK", (255, 255, 255, 255)).save(data, "JPEG", quality=100)
    assert b"Adobe" in data.getvalue()
    path = tmp_path / "a.jpg"
    path.write_bytes(data.getvalue())
    assert max(_only(read.read(path).rgb)) <= 3


# Reading: colour profiles


@pytest.mark.parametrize("extension", [".png", ".jpg", ".tif", ".webp"])
def test_profile_with_swapped_primaries(tmp_path: Path, extension: str) -> None:
    path = tmp_path / f"a{extension}"
    options = {} if extension == ".png" else {"quality": 100}
    _flat("RGB", (255, 0, 0)).save(path, icc_profile=_rgb_icc(2, 1, 0, 2.2), **options)
    blue = np.array(_only(read.read(path).rgb))
    assert np.abs(blue - [0, 0, 255]).max() <= 6
    assert read.read(path).notes == ()


def test_profile_with_linear_light(tmp_path: Path) -> None:
    raw = np.zeros((16, 256, 3), np.uint8)
    raw[:] = np.arange(256)[None, :, None]
    Image.fromarray(raw).save(tmp_path / "a.png", icc_profile=_rgb_icc(0, 1, 2, 1.0))
    rgb = read.read(tmp_path / "a.png").rgb
    expected = np.array([_encode_srgb(v / 255) for v in range(256)])
    assert expected[128] == 188
    assert np.abs(rgb[0].astype(int) - expected[:, None]).max() <= 2


def test_profile_on_a_pillow_image_and_with_alpha(tmp_path: Path) -> None:
    image = _flat("RGBA", (255, 0, 0, 51))
    image.info["icc_profile"] = _rgb_icc(2, 1, 0, 2.2)
    picture = read.read(image)
    assert np.abs(np.array(_only(picture.rgb)) - [204, 204, 255]).max() <= 1
    assert picture.alpha is not None
    assert (picture.alpha == 51).all()


def test_srgb_profile_changes_nothing_visible(tmp_path: Path) -> None:
    srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    raw = np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8)
    Image.fromarray(raw).save(tmp_path / "a.png", icc_profile=srgb)
    rgb = read.read(tmp_path / "a.png").rgb
    assert np.abs(rgb.astype(int) - raw).max() <= 1


@pytest.mark.parametrize("mode", ["L", "LA", "I;16"])
def test_grey_profile(tmp_path: Path, mode: str) -> None:
    image = Image.fromarray(np.full((20, 20), 32896, np.uint16))
    if mode != "I;16":
        image = _flat(mode, (128, 255) if mode == "LA" else 128)
    image.save(tmp_path / "a.png", icc_profile=_grey_icc(1.0))
    picture = read.read(tmp_path / "a.png")
    assert picture.notes == ()
    assert np.abs(np.array(_only(picture.rgb)) - 188).max() <= 2


def test_rgb_profile_on_a_grey_picture(tmp_path: Path) -> None:
    _flat("L", 128).save(tmp_path / "a.png", icc_profile=_rgb_icc(0, 1, 2, 1.0))
    picture = read.read(tmp_path / "a.png")
    assert np.abs(np.array(_only(picture.rgb)) - 188).max() <= 2
    assert picture.notes == ()


@pytest.mark.parametrize("extension", [".jpg", ".tif"])
def test_cmyk_profile(tmp_path: Path, extension: str) -> None:
    """In this profile cyan ink is invisible: only a real conversion makes white of it."""
    path = tmp_path / f"a{extension}"
    _flat("CMYK", (255, 0, 0, 0)).save(path, icc_profile=_cmyk_icc(), quality=100)
    picture = read.read(path)
    assert picture.notes == ()
    assert min(_only(picture.rgb)) >= 250
    _flat("CMYK", (0, 0, 0, 255)).save(path, icc_profile=_cmyk_icc(), quality=100)
    assert max(_only(read.read(path).rgb)) <= 5


@pytest.mark.parametrize(
    "profile",
    [
        b"not a profile",
        _rgb_icc(2, 1, 0, 2.2)[:200],
        _rgb_icc(2, 1, 0, 2.2)[:128] + b"\xff" * 300,
        _grey_icc(1.0),
        _cmyk_icc(),
    ],
    ids=["text", "cut", "noise", "grey", "cmyk"],
)
def test_unusable_profile_is_ignored_with_a_note(tmp_path: Path, profile: bytes) -> None:
    Image.fromarray(_pattern()).save(tmp_path / "a.png", icc_profile=profile)
    picture = read.read(tmp_path / "a.png")
    np.testing.assert_array_equal(picture.rgb, _pattern())
    (note,) = picture.notes
    assert note.startswith("a.png ")
    assert "profile" in note


# Reading: several frames


@pytest.mark.parametrize("extension", [".gif", ".png", ".webp"])
def test_first_frame_of_an_animation(tmp_path: Path, extension: str) -> None:
    frames = [_flat("RGB", (250, 40 * i, 0)) for i in range(4)]
    path = tmp_path / f"clip{extension}"
    options = {"lossless": True} if extension == ".webp" else {}
    frames[0].save(path, save_all=True, append_images=frames[1:], duration=100, **options)
    picture = read.read(path)
    assert _only(picture.rgb) == [250, 0, 0]
    assert picture.notes == (f"{path.name} is animated: its first frame of 4 is used",)


def test_first_page_of_a_tiff(tmp_path: Path) -> None:
    pages = [_flat("RGB", (i, i, i)) for i in (5, 6, 7)]
    pages[0].save(tmp_path / "a.tif", save_all=True, append_images=pages[1:])
    picture = read.read(tmp_path / "a.tif")
    assert _only(picture.rgb) == [5, 5, 5]
    assert picture.notes == ("a.tif has 3 pages: the first is used",)


def test_second_picture_of_a_phone_photo_is_no_animation(tmp_path: Path) -> None:
    photo, depth = Image.fromarray(_pattern()), _flat("RGB", 0)
    photo.save(tmp_path / "a.jpg", "MPO", save_all=True, append_images=[depth])
    with Image.open(tmp_path / "a.jpg") as image:
        assert (image.format, image.n_frames) == ("MPO", 2)  # type: ignore[attr-defined]
    picture = read.read(tmp_path / "a.jpg")
    assert picture.rgb.shape == (24, 40, 3)
    assert picture.notes == ()


def test_damage_behind_the_first_frame_does_no_harm(tmp_path: Path) -> None:
    path, noise = tmp_path / "a.gif", np.random.default_rng(2).integers(0, 256, (2, 64, 64))
    frames = [Image.fromarray(frame.astype(np.uint8)) for frame in noise]
    frames[0].save(path, save_all=True, append_images=frames[1:])
    data = path.read_bytes()
    for kept in (0.9, 0.6, 0.55):
        path.write_bytes(data[: int(kept * len(data))])
        np.testing.assert_array_equal(read.read(path).rgb[..., 0], noise[0])


# Reading: refusals


def test_missing_folder_and_empty(tmp_path: Path) -> None:
    missing = tmp_path / "no.png"
    assert _error(missing) == f"{missing} does not exist"
    assert "is a folder" in _error(tmp_path)
    (tmp_path / "empty.png").touch()
    assert "empty.png is empty" in _error(tmp_path / "empty.png")
    assert "does not exist" in _error("")
    assert "null" in _error("a\0.png")
    assert "can't read" in _error(tmp_path / "empty.png" / "below.png")
    assert "can't read" in _error(tmp_path / ("x" * 300))


def test_names_in_messages_stay_on_one_line(tmp_path: Path) -> None:
    path = tmp_path / "a\nb\x1b[31m\udc80.png"
    text = _error(path)
    assert r"a\nb\x1b[31m\udc80.png does not exist" in text
    Image.fromarray(_pattern()).save(tmp_path / "c\nd.png", icc_profile=b"broken")
    picture = read.read(tmp_path / "c\nd.png")
    assert picture.name == r"c\nd.png"
    assert "\n" not in picture.notes[0]


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes here")
def test_pipe_is_refused_and_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "a.png")
    assert "not a regular file" in _error(tmp_path / "a.png")


def test_no_permission(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a.png"
    Image.fromarray(_pattern()).save(path)

    def refuse(*_args: object, **_kwargs: object) -> None:
        raise PermissionError(errno.EACCES, "Permission denied", str(path))

    monkeypatch.setattr("builtins.open", refuse)  # root is never refused
    text = _error(path)
    monkeypatch.undo()
    assert text == f"can't read {path}: Permission denied"


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("text.jpg", b"this is a text, renamed\n" * 40),
        ("page.png", b"<!DOCTYPE html><html></html>"),
        ("art.svg", b"<svg xmlns='http://www.w3.org/2000/svg'/>"),
        ("weights.h5", b"\x89HDF\r\n\x1a\n" + bytes(200)),
        ("zeros.png", bytes(4000)),
        ("a.eps", b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 50 50\n%%EndComments\nshowpage\n"),
        ("sound.wav", b"RIFF\x24\0\0\0WAVEfmt " + bytes(40)),
    ],
)
def test_not_a_picture(tmp_path: Path, name: str, data: bytes) -> None:
    (tmp_path / name).write_bytes(data)
    text = _error(tmp_path / name)
    assert f"{name} is not a picture that Pillow can read" in text
    assert "PNG, JPEG" in text


@pytest.mark.parametrize("extension", [".png", ".jpg", ".webp", ".gif"])
@pytest.mark.parametrize("kept", [0.02, 0.3, 0.6, 0.9])
def test_cut_short(tmp_path: Path, extension: str, kept: float) -> None:
    data = io.BytesIO()
    noise = np.random.default_rng(1).integers(0, 256, (64, 64, 3), dtype=np.uint8)
    Image.fromarray(noise).save(data, Image.registered_extensions()[extension])
    whole = data.getvalue()
    path = tmp_path / f"a{extension}"
    path.write_bytes(whole[: max(12, int(kept * len(whole)))])
    assert f"a{extension} is cut short or damaged" in _error(path)


def test_decompression_bomb_is_refused_from_the_header(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "bomb.png"
    path.write_bytes(_png(20_000, 20_000, 8, 2, b""))
    text = _error(path)
    assert "bomb.png has 400,000,000 pixels" in text
    assert "178,956,970" in text
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", None)  # a user's program may lift Pillow's limit
    text = _error(path)
    assert "bomb.png is 20000×20000 px" in text
    assert "400,000,000" in text
    assert "178,956,970" in text


def test_big_pictures_below_the_limit_raise_no_warning(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 900)  # the warning comes above, the error at 2×
    Image.fromarray(_pattern()).save(tmp_path / "a.png")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert read.read(tmp_path / "a.png").rgb.shape == (24, 40, 3)
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 100)
    assert "960 pixels; the limit is 200" in _error(tmp_path / "a.png")
    assert Image.MAX_IMAGE_PIXELS == 100


def test_smallest_picture(tmp_path: Path) -> None:
    path = tmp_path / "photo.png"
    for size, ok in (((1, 1), False), ((15, 40), False), ((40, 15), False), ((16, 16), True)):
        _flat("RGB", 0, size).save(path)
        if ok:
            assert read.read(path).rgb.shape == (16, 16, 3)
        else:
            expected = f"is {size[0]}×{size[1]} px; both sides must be at least 16 px"
            assert _error(path) == f"{path} {expected}"
    assert _error(_flat("L", 0, (3, 20))).startswith("image is 3×20 px")
    assert _error(np.zeros((20, 3), np.uint8)).startswith("array is 3×20 px")
    assert _error(np.zeros((0, 0, 3), np.uint8)).startswith("array is 0×0 px")


def test_memory_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    Image.fromarray(_pattern()).save(tmp_path / "a.png")

    def fail(*_args: object) -> None:
        raise MemoryError

    monkeypatch.setattr(Image.Image, "load", fail)
    monkeypatch.setattr(PngImagePlugin.PngImageFile, "load", fail)
    assert "more memory" in _error(tmp_path / "a.png")


def _seeds() -> list[bytes]:
    small = Image.fromarray(_pattern(32, 32))
    clear = Image.fromarray(np.dstack([_pattern(32, 32), _pattern(32, 32)[..., 0]]))
    exif = Image.Exif()
    exif[0x0112] = 6
    icc = _rgb_icc(2, 1, 0, 2.2)
    frames = {"save_all": True, "append_images": [small.rotate(90)]}
    made: list[tuple[Image.Image, str, dict[str, object]]] = [
        (small, "PNG", {"icc_profile": icc, "exif": exif}),
        (small.quantize(16), "PNG", {"transparency": 3}),
        (clear, "PNG", {}),
        (small, "JPEG", {"exif": exif, "icc_profile": icc}),
        (small.convert("CMYK"), "JPEG", {"progressive": True}),
        (small, "TIFF", {"exif": exif}),
        (clear, "TIFF", {"compression": "tiff_lzw"}),
        (small, "WEBP", {"exif": exif, "icc_profile": icc}),
        (small, "GIF", frames),
        (small, "BMP", {}),
    ]
    seeds = []
    for image, file_format, options in made:
        data = io.BytesIO()
        image.save(data, file_format, **options)
        seeds.append(data.getvalue())
    return seeds


def _mutate(data: bytes, rng: random.Random) -> bytes:
    out = bytearray(data)
    for _ in range(rng.choice((1, 1, 2, 8))):
        kind, at = rng.randrange(4), rng.randrange(len(out))
        if rng.random() < 0.5:
            at = rng.randrange(min(len(out), 120))  # headers are where it hurts
        if kind == 0:
            out[at] ^= 1 << rng.randrange(8)
        elif kind == 1:
            out[at : at + 4] = rng.choice((b"\xff" * 4, bytes(4), b"\x7f\xff\xff\xff"))
        elif kind == 2:
            del out[at : at + rng.choice((1, 4, 64))]
        else:
            out[at:at] = out[rng.randrange(len(out)) :][: rng.choice((1, 4, 64))]
        if not out:
            return b"\0"
    return bytes(out)


def _refusal(attempt: Callable[[], object]) -> str:
    """The message if `attempt` ends in an InputError, "" if it succeeds."""
    try:
        attempt()
    except InputError as error:
        return str(error)
    return ""


def _checked_read(path: Path) -> None:
    picture = read.read(path)
    assert picture.rgb.ndim == 3
    assert min(picture.rgb.shape[:2]) >= MIN_SIDE
    assert len(picture.digest) == 64


def test_damaged_files_are_read_or_refused(tmp_path: Path) -> None:
    rng = random.Random(20240229)
    seeds = _seeds()
    for i, seed in enumerate(seeds):
        (tmp_path / f"seed{i}").write_bytes(seed)
        read.read(tmp_path / f"seed{i}")
    accepted, refused = 0, 0
    path = tmp_path / "a"
    for i in range(320):
        path.write_bytes(_mutate(seeds[i % len(seeds)], rng))
        refusal = _refusal(lambda: _checked_read(path))
        assert "\n" not in refusal
        assert not refusal or str(path) in refusal
        accepted, refused = accepted + (not refusal), refused + bool(refusal)
        assert "\n" not in _refusal(lambda: read.read_record(path))
    assert accepted > 40
    assert refused > 40


# Sizes


@pytest.mark.parametrize(
    ("height", "width", "longer", "expected"),
    [
        (300, 400, 0, (300, 400)),
        (300, 400, 200, (150, 200)),
        (400, 300, 200, (200, 150)),
        (300, 400, 800, (600, 800)),
        (389, 517, 256, (193, 256)),  # 192.62
        (3, 8, 4, (2, 4)),  # 1.5, halves up
        (1, 1000, 10, (1, 10)),
        (7, 7, 512, (512, 512)),
    ],
)
def test_fit(height: int, width: int, longer: int, expected: tuple[int, int]) -> None:
    assert sizes.fit(height, width, longer) == expected


def test_fit_refuses_negative_sizes() -> None:
    with pytest.raises(ConfigError, match="-1"):
        sizes.fit(10, 10, -1)


def test_resize() -> None:
    rgb = _pattern(40, 60)
    assert sizes.resize(rgb, (40, 60)) is rgb
    half = sizes.resize(rgb, (20, 30))
    assert (half.dtype, half.shape) == (np.uint8, (20, 30, 3))
    box = rgb.reshape(20, 2, 30, 2, 3).mean(axis=(1, 3))
    assert np.abs(half[2:-2, 2:-2] - box[2:-2, 2:-2]).max() <= 1.5  # a ramp keeps its slope
    plane = sizes.resize(rgb[..., 0], (20, 30))
    np.testing.assert_array_equal(plane, half[..., 0])
    step = np.zeros((20, 20), np.uint8)
    step[:, 10:] = 255
    doubled = sizes.resize(np.dstack([step // 2 + 60] * 3), (40, 40))
    assert doubled.max() > 60 + 127  # Lanczos overshoots, bilinear would not


def test_resample() -> None:
    y, x = np.mgrid[0:20, 0:30].astype(np.float32)
    image = np.stack([x, y, x - 2 * y, -1000 * x + 0.25], axis=-1)
    twice = sizes.resample(image, (40, 60))
    assert (twice.dtype, twice.shape) == (np.float32, (40, 60, 4))
    # A bicubic kernel carries a straight line on: pixel centres sit at (i + 0.5) / 2 - 0.5.
    v, u = np.mgrid[0:40, 0:60] / 2 - 0.25
    expected = np.stack([u, v, u - 2 * v, -1000 * u + 0.25], axis=-1)
    inner = (slice(8, -8), slice(8, -8))
    np.testing.assert_allclose(twice[inner], expected[inner], rtol=1e-4, atol=1e-3)
    step = np.where(x < 15, 0, 100)[..., None].astype(np.float32)
    sharp = sizes.resample(step, (40, 60))
    assert sharp.min() < -1  # bicubic overshoots, bilinear would not; nothing is clipped
    assert sharp.max() > 101
    assert sizes.resample(image, (20, 30)) is image
    assert sizes.resample(image[:, ::2], (20, 7)).shape == (20, 7, 4)


# The module


def test_import_is_light_and_without_side_effects() -> None:
    code = (
        "import sys, warnings\n"
        "import numpy\n"
        "from PIL import Image, ImageFile\n"
        "before = Image.MAX_IMAGE_PIXELS, ImageFile.LOAD_TRUNCATED_IMAGES, list(warnings.filters)\n"
        "import artistyle_tf.images.read\n"
        "assert before == (\n"
        "  Image.MAX_IMAGE_PIXELS, ImageFile.LOAD_TRUNCATED_IMAGES, list(warnings.filters))\n"
        "assert not {'tensorflow', 'absl', 'keras'} & set(sys.modules)\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
