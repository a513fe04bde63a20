"""Files with more than 8 bits a channel keep them: as read, on the way to the network, as written.

Beside files written out by hand, TensorFlow's libpng, and tifffile.
"""

import io

import numpy as np
import pytest
import tensorflow as tf
import tifffile
from picture_files import (
    kept,
    pattern,
    png,
    png_chunk,
    refusal,
    rgb_icc,
    table_icc,
    tiff,
    with_tags,
)
from PIL import Image, ImageCms

from artistyle_tf.images import sizes
from artistyle_tf.images.color import recolor
from artistyle_tf.images.network_scale import to_network, unclipped
from artistyle_tf.images.read import read, read_record
from artistyle_tf.images.write import write

RNG = np.random.default_rng(5)
NOISE = RNG.integers(0, 65536, (20, 30, 4), np.uint16)
FLOATS = (NOISE / np.float32(65535)).astype(np.float32)


def over_white(pixels):
    """uint16 [H, W, 1 to 4] as the grey levels that are seen."""
    levels = pixels / np.float64(257)
    colour = levels[..., :3] if pixels.shape[2] >= 3 else np.repeat(levels[..., :1], 3, -1)
    if pixels.shape[2] in (1, 3):
        return colour
    share = levels[..., -1:] / 255
    return share * colour + (1 - share) * 255


# Reading


@pytest.mark.parametrize("channels", [1, 2, 3, 4])
@pytest.mark.parametrize("interlaced", [False, True])
def test_png(tmp_path, channels, interlaced):
    pixels = NOISE[..., -channels:]
    picture = read(kept(tmp_path / "a.png", png(pixels, interlaced=interlaced)))
    assert picture.rgb.dtype == np.float32
    assert picture.notes == ()
    np.testing.assert_allclose(picture.rgb, over_white(pixels), atol=1e-4)
    if channels in (2, 4):
        np.testing.assert_allclose(picture.alpha, pixels[..., -1] / 257, rtol=1e-6)


def test_png_with_a_transparent_colour(tmp_path):
    for channels in (1, 3):
        pixels = NOISE[..., :channels]
        clear = png_chunk(b"tRNS", pixels[3, 4].astype(">u2").tobytes())
        picture = read(kept(tmp_path / "a.png", png(pixels, clear)))
        assert np.argwhere(picture.alpha != 255).tolist() == [[3, 4]]
        assert picture.rgb[3, 4].tolist() == [255, 255, 255]


@pytest.mark.parametrize("planarconfig", ["contig", "separate"])
@pytest.mark.parametrize("compression", [None, "zlib", "lzw"])
def test_tiff(tmp_path, planarconfig, compression):
    for tile in (None, (16, 16)):
        how = {"planarconfig": planarconfig, "compression": compression, "tile": tile}
        how["predictor"] = compression is not None
        for channels, values, byteorder in ((3, NOISE, "<"), (4, FLOATS, ">")):
            data = tiff(values[..., :channels], byteorder=byteorder, **how)
            picture = read(kept(tmp_path / "a.tif", data))
            assert picture.rgb.dtype == np.float32
            assert picture.notes == ()
            np.testing.assert_allclose(picture.rgb, over_white(NOISE[..., :channels]), atol=1e-4)
    with tifffile.TiffWriter(tmp_path / "a.tif") as file:
        for _ in range(2):
            file.write(FLOATS[..., :3], photometric="rgb", metadata=None)
    assert read(tmp_path / "a.tif").notes == ("a.tif has 2 pages: the first is used",)


def test_grey_tiff_with_alpha_and_premultiplied_alpha(tmp_path):
    path = tmp_path / "a.tif"
    grey = tiff(NOISE[..., :2], photometric="minisblack", planarconfig="contig")
    np.testing.assert_allclose(read(kept(path, grey)).rgb, over_white(NOISE[..., :2]), atol=1e-4)
    values = np.full((20, 30, 4), 0.25, np.float32)
    values[..., 3] = 0.5
    for dtype, white in ((np.float32, 1), (np.uint16, 65535)):
        data = tiff((values * white).astype(dtype), extrasamples=["assocalpha"])
        np.testing.assert_allclose(read(kept(path, data)).rgb, 127.5 * 0.5 + 127.5, atol=0.01)


def test_floats_beyond_black_and_white_are_clipped(tmp_path):
    values = np.zeros((20, 30, 3), np.float32)
    values[0, :6, 0] = -1, 0.25, 1, 1.5, np.nan, np.inf
    for dtype in (np.float16, np.float32, np.float64):
        picture = read(kept(tmp_path / "a.tif", tiff(values.astype(dtype))))
        assert picture.rgb[0, :6, 0].tolist() == [0, 63.75, 255, 255, 0, 255]


def test_orientation(tmp_path):
    """One is enough: the rest is as with 8 bits."""
    exif = Image.Exif()
    exif[0x0112] = 6
    chunk = png_chunk(b"eXIf", exif.tobytes().removeprefix(b"Exif\0\0"))
    for name, data in (
        ("a.png", png(NOISE[..., :3], chunk)),
        ("a.tif", tiff(FLOATS[..., :3], extratags=[(274, 3, 1, 6, True)])),
    ):
        wanted = over_white(NOISE[..., :3]).swapaxes(0, 1)[:, ::-1]
        np.testing.assert_allclose(read(kept(tmp_path / name, data)).rgb, wanted, atol=1e-4)


# Colour profiles


def test_profiles_in_float(tmp_path):
    """Of matrices and of tables: close to Pillow's littleCMS, which has 8 bits, and finer."""
    small = pattern(60, 256)
    for profile in (rgb_icc(2, 1, 0, 1.8), table_icc()):
        image = Image.fromarray(small)
        image.info["icc_profile"] = profile
        wanted = read(image).rgb.astype(np.float32)
        path = kept(tmp_path / "a.tif", tiff(small.astype(np.uint16) * 257, iccprofile=profile))
        found = read(path)
        assert found.notes == ()
        assert np.abs(found.rgb - wanted).max() < 1.3
        assert np.abs(found.rgb - wanted).mean() < 0.35
        assert len(np.unique(found.rgb)) > len(np.unique(wanted))


# On the way to the network


@pytest.mark.parametrize("color", ["style", "luminance", "match", "histogram"])
def test_fine_steps_reach_the_network(color):
    ramp = np.linspace(30_000, 31_000, 64).astype(np.uint16)  # four of the steps of 8 bits
    picture = read(np.tile(ramp[:, None], (20, 1, 3)))
    canvas = sizes.fill_cells(sizes.resize(picture.rgb, (40, 128)))
    content, styles = recolor(color, canvas, [picture.rgb])
    for rgb in (content, styles[0]):
        steps = np.unique(np.rint(unclipped(to_network(rgb))[:, :64] * 257))
        assert len(steps) > 50
        assert np.ptp(steps) < 1300


# What is no good


def test_cut_short(tmp_path):
    for name, data in {
        "a.png": png(NOISE),
        "b.tif": tiff(NOISE),
        "c.tif": tiff(NOISE[..., :3], compression="lzw"),
        "d.tif": tiff(NOISE[..., :3], planarconfig="separate"),
        "e.tif": tiff(FLOATS, compression="zlib"),
    }.items():
        for share in (0.3, 0.6, 0.95):
            text = refusal(kept(tmp_path / name, data[: int(share * len(data))]))
            assert "damaged" in text


def test_headers_of_giants_and_dwarfs(tmp_path):
    path = tmp_path / "a"
    huge = dict.fromkeys((256, 257, 278), 60_000)
    for data in (
        png(NOISE[..., :3], size=(60_000, 60_000)),
        with_tags(tiff(NOISE[..., :3]), huge),
        with_tags(tiff(FLOATS), huge),
    ):
        assert "more pixels than the limit" in refusal(kept(path, data))
    assert "at least 16 px" in refusal(kept(path, tiff(FLOATS[:8])))


def test_data_that_unpack_to_more_than_the_picture(tmp_path):
    small, large = (
        tiff(np.zeros((height, width, 3), np.float32), compression="zlib", rowsperstrip=height)
        for height, width in ((20, 30), (1000, 4000))
    )
    with tifffile.TiffFile(io.BytesIO(large)) as file:
        page = file.pages[0]
        tags = {273: len(small) + page.dataoffsets[0], 279: page.databytecounts[0]}
    text = refusal(kept(tmp_path / "a.tif", with_tags(small + large, tags)))
    assert "a.tif is cut short or damaged" in text


# Writing

LEVELS = RNG.uniform(-4, 260, (150, 41, 3)).astype(np.float32)
"""Grey levels, some of which are outside of what a file of whole numbers holds."""
ALPHA = RNG.integers(0, 256, (150, 41), np.uint8)
RECORD = {"seed": 7, "name": "snow ☃"}
KINDS = [(".png", 16), (".tif", 16), (".tiff", 32)]


@pytest.mark.parametrize(("extension", "depth"), KINDS)
@pytest.mark.parametrize("alpha", [None, ALPHA], ids=["opaque", "alpha"])
def test_the_file_holds_what_it_is_given(tmp_path, extension, depth, alpha):
    path = tmp_path / f"a{extension}"
    write(path, LEVELS, alpha=alpha, record=RECORD, depth=depth)
    if extension == ".png":
        values = tf.io.decode_png(path.read_bytes(), dtype=tf.uint16).numpy()
    else:
        values = tifffile.imread(path)
    assert values.shape == (150, 41, 3 if alpha is None else 4)
    assert values.dtype == (np.uint16 if depth == 16 else np.float32)
    expected, white = (np.clip(LEVELS, 0, 255), 65535) if depth == 16 else (LEVELS, 1)
    error = np.abs(values[..., :3].astype(np.float64) / white * 255 - expected)
    assert error.max() <= (0.5001 / 257 if depth == 16 else 1e-4)
    if alpha is not None:
        np.testing.assert_allclose(values[..., 3] / white * 255, ALPHA, rtol=1e-6)


@pytest.mark.parametrize(("extension", "depth"), KINDS)
def test_record_profile_and_pixels_are_read_again(tmp_path, extension, depth):
    path, same = tmp_path / f"a{extension}", tmp_path / f"b{extension}"
    for one in (path, same):
        write(one, LEVELS, alpha=ALPHA, record=RECORD, depth=depth)
    assert path.read_bytes() == same.read_bytes()
    assert read_record(path) == RECORD
    if depth == 16:  # Pillow has no mode for float colours
        with Image.open(path) as image:
            profile = image.info["icc_profile"]
    else:
        with tifffile.TiffFile(path) as file:
            profile = file.pages[0].iccprofile
    opened = ImageCms.ImageCmsProfile(io.BytesIO(profile))
    assert "sRGB" in ImageCms.getProfileDescription(opened)
    picture = read(path)
    assert picture.notes == ()
    opaque = ALPHA == 255
    assert np.abs(picture.rgb[opaque] - np.clip(LEVELS[opaque], 0, 255)).max() < 0.51 / 257
    np.testing.assert_allclose(picture.alpha, ALPHA, rtol=1e-6)
    write(path, LEVELS, depth=depth)
    assert read_record(path) is None
