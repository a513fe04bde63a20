"""Files with more than 8 bits a channel keep them as far as the network's input."""

import io
import struct
import subprocess
import sys
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
from PIL import Image

from artistyle_tf.engine.problem import canvas
from artistyle_tf.errors import InputError
from artistyle_tf.images import masks, read, sizes
from artistyle_tf.images.network_scale import to_network, unclipped
from artistyle_tf.images.recolor import recolor

RNG = np.random.default_rng(5)
NOISE = RNG.integers(0, 65536, (20, 30, 4), np.uint16)
RAMP = np.tile(np.linspace(30_000, 31_000, 64).astype(np.uint16)[:, None], (20, 1, 3))
"""Of about four of the steps that 8 bits have."""
COLOUR_TYPES = {1: 0, 2: 4, 3: 2, 4: 6}


def chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png(pixels: np.ndarray, *chunks: bytes, size: tuple[int, int] | None = None) -> bytes:
    """uint16 [H, W, C], unfiltered, written out by hand; `size`: what the header says."""
    height, width, channels = pixels.shape
    rows = b"".join(b"\0" + row.tobytes() for row in pixels.astype(">u2"))
    width, height = size or (width, height)
    header = struct.pack(">IIBBBBB", width, height, 16, COLOUR_TYPES[channels], 0, 0, 0)
    body = [chunk(b"IHDR", header), *chunks, chunk(b"IDAT", zlib.compress(rows))]
    return b"\x89PNG\r\n\x1a\n" + b"".join(body) + chunk(b"IEND", b"")


def tiff(pixels: np.ndarray, **options: Any) -> bytes:
    file = io.BytesIO()
    options = {"photometric": "rgb", "metadata": None, **options}
    if pixels.shape[-1] == 4:
        options.setdefault("extrasamples", ["unassalpha"])
    if options.get("planarconfig") == "separate":
        pixels = np.moveaxis(pixels, -1, 0)
    tifffile.imwrite(file, pixels, **options)
    return file.getvalue()


def kept(path: Path, data: bytes) -> Path:
    path.write_bytes(data)
    return path


def levels(pixels: np.ndarray) -> np.ndarray:
    return pixels / np.float64(257)


def over_white(pixels: np.ndarray) -> np.ndarray:
    share = pixels[..., 3:] / np.float64(65535)
    return share * levels(pixels[..., :3]) + (1 - share) * 255


@pytest.mark.parametrize("channels", [2, 3, 4])
def test_png_of_every_kind(tmp_path: Path, channels: int) -> None:
    pixels = NOISE[..., -channels:]
    picture = read.read(kept(tmp_path / "a.png", png(pixels)))
    assert picture.rgb.dtype == np.float32
    assert picture.notes == ()
    if channels == 2:
        pixels = np.dstack([pixels[..., :1]] * 3 + [pixels[..., 1]])
    expected = over_white(pixels) if pixels.shape[2] == 4 else levels(pixels)
    np.testing.assert_allclose(picture.rgb, expected, atol=1e-4)
    if channels != 3:
        assert picture.alpha is not None
        np.testing.assert_allclose(picture.alpha, levels(pixels[..., 3]), rtol=1e-6)


def test_png_interlaced_or_with_a_transparent_colour(tmp_path: Path) -> None:
    passes = [(0, 0, 8, 8), (0, 4, 8, 8), (4, 0, 8, 4), (0, 2, 4, 4), (2, 0, 4, 2), (0, 1, 2, 2)]
    rows = b""
    for top, left, down, across in [*passes, (1, 0, 2, 1)]:
        part = NOISE[top::down, left::across, :3].astype(">u2")
        rows += b"".join(b"\0" + row.tobytes() for row in part)
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", 30, 20, 16, 2, 0, 0, 1))
    data = header + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")
    path = kept(tmp_path / "a.png", b"\x89PNG\r\n\x1a\n" + data)
    np.testing.assert_allclose(read.read(path).rgb, levels(NOISE[..., :3]), rtol=1e-6)
    clear = chunk(b"tRNS", NOISE[3, 4, :3].astype(">u2").tobytes())
    picture = read.read(kept(path, png(NOISE[..., :3], clear)))
    assert picture.alpha is not None
    assert np.argwhere(picture.alpha != 255).tolist() == [[3, 4]]
    assert picture.rgb[3, 4].tolist() == [255, 255, 255]


@pytest.mark.parametrize("byteorder", ["<", ">"])
@pytest.mark.parametrize("planarconfig", ["contig", "separate"])
@pytest.mark.parametrize(
    "how",
    [{}, {"compression": "zlib"}, {"compression": "zlib", "predictor": True}, {"tile": (16, 16)}],
    ids=["plain", "deflated", "predictor", "tiles"],
)
@pytest.mark.parametrize("channels", [3, 4])
@pytest.mark.parametrize("dtype", ["u2", "f4"])
def test_tiff_of_every_kind(
    tmp_path: Path, byteorder: str, planarconfig: str, how: Any, channels: int, dtype: str
) -> None:
    if dtype == "f4":
        how = {name: value for name, value in how.items() if name != "predictor"}
    pixels = NOISE[..., :channels]
    values = pixels if dtype == "u2" else (pixels / np.float32(65535)).astype(np.float32)
    data = tiff(values, byteorder=byteorder, planarconfig=planarconfig, **how)
    picture = read.read(kept(tmp_path / "a.tif", data))
    assert picture.rgb.dtype == np.float32
    assert picture.notes == ()
    expected = over_white(pixels) if channels == 4 else levels(pixels)
    np.testing.assert_allclose(picture.rgb, expected, atol=1e-4)


def test_tiff_by_lzw_which_tifffile_alone_can_not(tmp_path: Path) -> None:
    """libtiff's own file: a grey one that is called RGB, which LZW knows nothing of."""
    wide = Image.fromarray(np.ascontiguousarray(NOISE[..., :3]).reshape(20, 90))
    wide.save(tmp_path / "a.tif", compression="tiff_lzw")
    data = bytearray((tmp_path / "a.tif").read_bytes())
    (start,) = struct.unpack_from("<I", data, 4)
    (count,) = struct.unpack_from("<H", data, start)
    data += bytes(len(data) % 2)
    bits = len(data)
    data += struct.pack("<3H", 16, 16, 16)
    changed = {256: (256, 4, 1, 30), 258: (258, 3, 3, bits), 262: (262, 3, 1, 2)}
    changed[278] = (277, 3, 1, 3)  # samples a pixel, for rows a strip: all
    for at in range(start + 2, start + 2 + 12 * count, 12):
        (tag,) = struct.unpack_from("<H", data, at)
        if tag in changed:
            struct.pack_into("<HHII", data, at, *changed[tag])
    picture = read.read(kept(tmp_path / "a.tif", bytes(data)))
    np.testing.assert_allclose(picture.rgb, levels(NOISE[..., :3]), rtol=1e-6)


def test_floats_beyond_black_and_white_are_clipped(tmp_path: Path) -> None:
    values = np.zeros((20, 30, 3), np.float32)
    values[0, :6, 0] = -1, 0.25, 1, 1.5, np.nan, np.inf
    for dtype in (np.float16, np.float32, np.float64):
        picture = read.read(kept(tmp_path / "a.tif", tiff(values.astype(dtype))))
        assert picture.rgb[0, :6, 0].tolist() == [0, 63.75, 255, 255, 0, 255]


def test_alpha_that_was_multiplied_in(tmp_path: Path) -> None:
    values = np.full((20, 30, 4), 0.25, np.float32)
    values[..., 3] = 0.5
    for dtype, white in ((np.float32, 1), (np.uint16, 65535)):
        data = tiff((values * white).astype(dtype), extrasamples=["assocalpha"])
        picture = read.read(kept(tmp_path / "a.tif", data))
        np.testing.assert_allclose(picture.rgb, 127.5 * 0.5 + 127.5, atol=0.01)


@pytest.mark.parametrize("extension", [".png", ".tif"])
def test_orientation(tmp_path: Path, extension: str) -> None:
    """That of 8 bits is tested for what it is: here it must be the same, once."""
    path, small = tmp_path / f"a{extension}", tmp_path / f"b{extension}"
    for number in range(1, 9):
        exif = Image.Exif()
        exif[0x0112] = number
        Image.fromarray((NOISE[..., :3] >> 8).astype(np.uint8)).save(small, exif=exif)
        wanted = read.read(small).rgb
        if extension == ".png":
            found = [png(NOISE[..., :3], chunk(b"eXIf", exif.tobytes().removeprefix(b"Exif\0\0")))]
        else:
            tags = [(274, 3, 1, number, True)]
            found = [
                tiff(NOISE[..., :3], extratags=tags),
                tiff((NOISE[..., :3] / np.float32(65535)).astype(np.float32), extratags=tags),
            ]
        for data in found:
            rgb = read.read(kept(path, data)).rgb
            assert rgb.shape == wanted.shape
            assert np.abs(rgb - wanted).max() <= 1.001, number


def test_arrays_and_pillow_images_of_16_bits() -> None:
    np.testing.assert_allclose(read.read(NOISE[..., :3]).rgb, levels(NOISE[..., :3]), rtol=1e-6)
    np.testing.assert_allclose(read.read(NOISE).rgb, over_white(NOISE), atol=1e-4)
    grey = read.read(Image.fromarray(np.ascontiguousarray(NOISE[..., 0])))
    np.testing.assert_allclose(grey.rgb[..., 1], levels(NOISE[..., 0]), rtol=1e-6)


def test_a_picture_of_8_bits_in_16_has_its_whole_levels(tmp_path: Path) -> None:
    small = (NOISE[..., :3] >> 8).astype(np.uint8)
    deep = read.read(kept(tmp_path / "a.png", png(small.astype(np.uint16) * 257)))
    np.testing.assert_array_equal(deep.rgb, small)


# On the way to the network


@pytest.mark.parametrize("make", [png, tiff], ids=["png", "tiff"])
@pytest.mark.parametrize("size", [(20, 64), (40, 128)])
@pytest.mark.parametrize("color", ["style", "luminance", "match", "histogram"])
def test_fine_steps_reach_the_network(
    tmp_path: Path, make: Any, size: tuple[int, int], color: str
) -> None:
    pixels = np.ascontiguousarray(RAMP.swapaxes(0, 1).reshape(64, 20, 3).swapaxes(0, 1))
    picture = read.read(kept(tmp_path / "a", make(pixels)))
    painted = canvas(picture.rgb, size)
    content, styles = recolor(color, painted, [picture.rgb])
    for rgb in (content, styles[0]):
        seen = to_network(rgb)
        assert seen.dtype == np.float32
        steps = np.unique(np.rint(unclipped(seen)[:, :64] * 257))
        assert len(steps) > 50
        assert np.ptp(steps) < 1300


def test_resize_is_that_of_8_bits_but_for_rounding() -> None:
    small = (NOISE[..., :3] >> 9).astype(np.uint8) + np.uint8(60)  # nothing has to be clipped
    for size in ((10, 15), (31, 47)):
        fine, coarse = sizes.resize(small.astype(np.float32), size), sizes.resize(small, size)
        assert fine.dtype == np.float32
        assert np.abs(fine - coarse).max() <= 1.5  # which is rounded twice
        plane = sizes.resize(small[..., 0].astype(np.float32), size)
        np.testing.assert_array_equal(plane, fine[..., 0])
    edge = np.zeros((20, 20), np.float32)
    edge[:, 10:] = 255
    doubled = sizes.resize(edge, (40, 40))  # Lanczos overshoots
    assert (doubled.min(), doubled.max()) == (0, 255)


def test_masks_have_8_bits(tmp_path: Path) -> None:
    mask = masks.grey(read.read(kept(tmp_path / "a.png", png(NOISE))))
    assert mask.dtype == np.uint8
    small = masks.grey(read.read((NOISE >> 8).astype(np.uint8)))
    assert np.abs(mask.astype(int) - small).max() <= 3


# What is no good


def refusal(path: Path, data: bytes) -> str:
    with pytest.raises(InputError) as caught:
        read.read(kept(path, data))
    text = str(caught.value)
    assert text.startswith(str(path))
    assert "\n" not in text
    return text


@pytest.mark.parametrize("kept_share", [0.3, 0.6, 0.95])
def test_cut_short(tmp_path: Path, kept_share: float) -> None:
    floats = NOISE[..., :3].astype(np.float32)
    for name, data in {
        "a.png": png(NOISE[..., :3]),
        "b.png": png(NOISE),
        "c.tif": tiff(NOISE),
        "d.tif": tiff(NOISE[..., :3], compression="zlib"),
        "e.tif": tiff(NOISE[..., :3], planarconfig="separate"),
        "f.tif": tiff(floats),
        "g.tif": tiff(floats, compression="zlib"),
    }.items():
        text = refusal(tmp_path / name, data[: int(kept_share * len(data))])
        assert "is cut short or damaged" in text


def test_headers_of_giants(tmp_path: Path) -> None:
    text = refusal(tmp_path / "a.png", png(NOISE[..., :3], size=(60_000, 60_000)))
    assert "3,600,000,000 pixels" in text
    for values in (NOISE[..., :3], NOISE[..., :3].astype(np.float32)):
        data = bytearray(tiff(values))
        (start,) = struct.unpack_from("<I", data, 4)
        (count,) = struct.unpack_from("<H", data, start)
        for at in range(start + 2, start + 2 + 12 * count, 12):
            if struct.unpack_from("<H", data, at)[0] in (256, 257, 278):
                struct.pack_into("<HII", data, at + 2, 4, 1, 60_000)
        assert "3,600,000,000 pixels" in refusal(tmp_path / "a.tif", bytes(data))
    assert "at least 16 px" in refusal(tmp_path / "b.tif", tiff(values[:8]))


def test_data_that_unpack_to_more_than_the_picture(tmp_path: Path) -> None:
    """And tiles that are larger than any picture."""
    data = tiff(np.zeros((20, 30, 3), np.float32), compression="zlib")
    bomb = zlib.compress(bytes(50_000_000))
    at = data.index(zlib.compress(bytes(20 * 30 * 12)))
    data = data[:at] + bomb + data[at + len(zlib.compress(bytes(20 * 30 * 12))) :]
    changed = bytearray(data)
    (start,) = struct.unpack_from("<I", changed, 4)
    assert start < at
    (count,) = struct.unpack_from("<H", changed, start)
    for entry in range(start + 2, start + 2 + 12 * count, 12):
        if struct.unpack_from("<H", changed, entry)[0] == 279:
            struct.pack_into("<HII", changed, entry + 2, 4, 1, len(bomb))
    assert "its pixels are damaged" in refusal(tmp_path / "a.tif", bytes(changed))
    tiles = bytearray(tiff(np.zeros((20, 30, 3), np.float32), tile=(16, 16)))
    (start,) = struct.unpack_from("<I", tiles, 4)
    (count,) = struct.unpack_from("<H", tiles, start)
    for entry in range(start + 2, start + 2 + 12 * count, 12):
        if struct.unpack_from("<H", tiles, entry)[0] in (322, 323):
            struct.pack_into("<HII", tiles, entry + 2, 4, 1, 65_520)
    assert "tiles are too large" in refusal(tmp_path / "b.tif", bytes(tiles))


def test_what_tifffile_can_not_unpack_is_said(tmp_path: Path) -> None:
    data = bytearray(tiff(NOISE[..., :3].astype(np.float32)))
    (start,) = struct.unpack_from("<I", data, 4)
    (count,) = struct.unpack_from("<H", data, start)
    for at in range(start + 2, start + 2 + 12 * count, 12):
        if struct.unpack_from("<H", data, at)[0] == 259:
            struct.pack_into("<H", data, at + 8, 5)
    assert "compressed in a way that can't be read" in refusal(tmp_path / "a.tif", bytes(data))
    assert "is not a picture" in refusal(tmp_path / "b.tif", b"II*\0" + bytes(60))
    volume = tiff(np.zeros((20, 30, 2), np.uint8), photometric="minisblack")
    assert refusal(tmp_path / "c.tif", volume)


def test_nothing_is_said_on_standard_error(tmp_path: Path) -> None:
    data = bytearray(tiff(NOISE[..., :3].astype(np.float32)))
    for at in range(40, 140, 7):
        data[at] ^= 0x55
    (tmp_path / "a.tif").write_bytes(data)
    code = (
        "import sys\n"
        "from artistyle_tf.errors import InputError\n"
        "from artistyle_tf.images.read import read\n"
        "assert 'tifffile' not in sys.modules\n"
        "try:\n  read(sys.argv[1])\nexcept InputError as error:\n  print(error)\n"
    )
    command = [sys.executable, "-c", code, str(tmp_path / "a.tif")]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stderr == ""
    assert done.stdout.count("\n") == 1
