"""Reading pictures of 8 bits, and of Pillow's grey modes with more: the files are built by code."""

import io
import os
import re
import warnings

import numpy as np
import pytest
import tensorflow as tf
from picture_files import (
    BAD_PROFILES,
    cmyk_icc,
    grey_icc,
    kept,
    pattern,
    png,
    refusal,
    rgb_icc,
    tiff,
)
from PIL import Image

from artistyle_tf.errors import ConfigError
from artistyle_tf.images.read import read


def flat(mode, colour, size=(20, 18)):
    return Image.new(mode, size, colour)


def only(rgb):
    """The one colour of a flat picture."""
    assert (rgb == rgb[0, 0]).all()
    return rgb[0, 0].tolist()


# Sources and names


@pytest.mark.parametrize("extension", [".png", ".bmp", ".tif", ".ppm", ".tga"])
def test_reads_exact_pixels(tmp_path, extension):
    path = tmp_path / f"a{extension}"
    Image.fromarray(pattern()).save(path)
    for source in (path, str(path)):
        picture = read(source)
        assert picture.rgb.dtype == np.uint8
        np.testing.assert_array_equal(picture.rgb, pattern())
        assert (picture.alpha, picture.name, picture.notes) == (None, path.name, ())


def test_reads_pillow_images_and_arrays():
    array = pattern()
    from_image, from_array = read(Image.fromarray(array)), read(array)
    array[:] = 0
    for picture in (from_image, from_array):
        np.testing.assert_array_equal(picture.rgb, pattern())
    assert (from_image.name, from_array.name) == ("image", "array")
    assert from_image.digest == from_array.digest
    assert read(from_array) is from_array
    grey = pattern()[..., 0]
    np.testing.assert_array_equal(read(grey).rgb, np.dstack([grey] * 3))
    opaque = read(np.dstack([pattern(), np.full((24, 40), 255, np.uint8)]))
    assert opaque.alpha is None
    np.testing.assert_array_equal(opaque.rgb, pattern())
    clear = read(np.dstack([pattern(), np.zeros((24, 40), np.uint8)]))
    assert (clear.rgb == 255).all()
    assert (clear.alpha == 0).all()


def test_tensors_and_floats_are_the_same_picture():
    for source in (tf.constant(pattern()), pattern() / 255, tf.constant(pattern() / 255)):
        np.testing.assert_allclose(read(source).rgb, pattern(), atol=1e-4)


@pytest.mark.parametrize(
    ("source", "told"),
    [
        (np.full((20, 20, 3), 254.0), "floats must be from 0 to 1, not 254 to 254; divide"),
        (np.full((20, 20, 3), np.nan), "floats must be from 0 to 1"),
        (np.zeros((20, 20, 3), bool), "bool [20, 20, 3]"),
        (np.zeros((1, 20, 20, 3), np.uint8), "uint8 [1, 20, 20, 3]"),
        (None, "NoneType"),
        (b"a.png", "bytes"),
    ],
    ids=str,
)
def test_other_arrays_and_objects_are_refused(source, told):
    assert told in refusal(source, ConfigError)


def test_digest_follows_shape_pixels_and_alpha():
    a, b = pattern(20, 30), pattern(20, 30)
    b[3, 4, 1] ^= 1
    veiled = np.dstack([a, np.full((20, 30), 254, np.uint8)])
    assert len({read(one).digest for one in (a, b, a.reshape(30, 20, 3), veiled)}) == 4
    assert read(a).digest == read(a.copy()).digest


# Orientation


@pytest.mark.parametrize("orientation", range(1, 9))
def test_orientation(tmp_path, orientation):
    """From the standard: where the raw picture's first row and first column belong."""
    raw = np.dstack([pattern(), pattern()[..., 0]])
    expected = {
        1: raw,
        2: raw[:, ::-1],  # top, right
        3: raw[::-1, ::-1],  # bottom, right
        4: raw[::-1],  # bottom, left
        5: raw.swapaxes(0, 1),  # left, top
        6: raw.swapaxes(0, 1)[:, ::-1],  # right, top
        7: raw.swapaxes(0, 1)[::-1, ::-1],  # right, bottom
        8: raw.swapaxes(0, 1)[::-1],  # left, bottom
    }[orientation]
    exif = Image.Exif()
    exif[0x0112] = orientation
    options = {".webp": {"lossless": True}, ".jpg": {"quality": 100, "subsampling": 0}}
    for extension in (".png", ".tif", ".webp", ".jpg"):
        path = tmp_path / f"a{extension}"
        Image.fromarray(pattern()).save(path, exif=exif, **options.get(extension, {}))
        rgb = read(path).rgb
        assert np.abs(rgb - expected[..., :3].astype(int)).max() <= (
            4 if extension == ".jpg" else 0
        )
        with Image.open(path) as image:
            np.testing.assert_array_equal(read(image).rgb, rgb)
    Image.fromarray(raw).save(tmp_path / "b.png", exif=exif)
    np.testing.assert_array_equal(read(tmp_path / "b.png").alpha, expected[..., 3])
    grey = pattern()[..., 0].astype(np.float32)
    grey[0, 0] = 300
    grey[1, 1] = 65535
    Image.fromarray(grey).save(tmp_path / "b.tif", exif=exif)
    assert read(tmp_path / "b.tif").rgb.shape == expected[..., :3].shape


# Modes


@pytest.mark.parametrize(
    ("mode", "colour", "expected"),
    [
        ("1", 1, [255, 255, 255]),
        ("L", 77, [77, 77, 77]),
        ("LA", (100, 51), [224, 224, 224]),
        ("RGBA", (10, 20, 30, 51), [206, 208, 210]),
        ("RGBa", (2, 4, 6, 51), [206, 208, 210]),
        ("RGBX", (10, 20, 30, 0), [10, 20, 30]),
        ("CMYK", (0, 255, 255, 0), [255, 0, 0]),
        ("YCbCr", (76, 85, 255), [254, 0, 0]),
        ("HSV", (0, 255, 255), [255, 0, 0]),
        ("LAB", (137, 128, 128), [128, 128, 128]),
    ],
)
def test_modes(mode, colour, expected):
    picture = read(flat(mode, colour))
    assert np.abs(np.array(only(picture.rgb)) - expected).max() <= 1
    if mode in ("LA", "RGBA", "RGBa") and colour[-1] < 255:
        assert (picture.alpha == colour[-1]).all()
    else:
        assert picture.alpha is None


def test_palettes_and_transparent_colours(tmp_path):
    image = flat("P", 1)
    image.putpalette([200, 0, 0, 10, 20, 30])
    image.save(tmp_path / "a.png")
    assert only(read(tmp_path / "a.png").rgb) == [10, 20, 30]
    image.save(tmp_path / "a.png", transparency=bytes([255, 51]))
    picture = read(tmp_path / "a.png")
    assert (picture.alpha == 51).all()  # a fifth: 255 - (255 - c) / 5
    assert only(picture.rgb) == [206, 208, 210]
    image.paste(0, (0, 0, 10, 18))
    image.save(tmp_path / "a.png", transparency=0)
    image.save(tmp_path / "a.gif", transparency=0)
    colours = flat("RGB", (10, 20, 30))
    colours.paste((4, 5, 6), (0, 0, 10, 18))
    colours.save(tmp_path / "b.png", transparency=(4, 5, 6))
    for name in ("a.png", "a.gif", "b.png"):
        picture = read(tmp_path / name)
        assert picture.alpha[5, [0, 19]].tolist() == [0, 255]
        assert picture.rgb[5, [0, 19]].tolist() == [[255, 255, 255], [10, 20, 30]]
    Image.fromarray(pattern()).convert("RGBA").save(tmp_path / "a.png")
    assert read(tmp_path / "a.png").alpha is None


# Grey with more than 8 bits


def test_16_bit_grey_of_every_format(tmp_path):
    ramp = np.tile(np.rint(np.linspace(0, 65535, 512)).astype(np.uint16), (20, 1))
    ramp[:, 1:4] = 32768, 128, 129
    kept(tmp_path / "a.png", png(ramp[..., None]))
    kept(tmp_path / "dark.png", png(ramp[:, :2, None].repeat(20, 1) // 256))
    kept(tmp_path / "a.pgm", b"P5 512 20 65535\n" + ramp.astype(">u2").tobytes())
    Image.fromarray(ramp).save(tmp_path / "a.tif")
    for name in ("a.png", "a.pgm", "a.tif"):
        picture = read(tmp_path / name)
        assert picture.notes == ()
        np.testing.assert_allclose(picture.rgb[7, :, 1], ramp[0] / 257, rtol=1e-6)
    assert read(tmp_path / "dark.png").rgb.max() == pytest.approx(128 / 257)


@pytest.mark.parametrize(
    ("values", "expected", "noted"),
    [
        ([0.0, 0.5, 1.0], [0, 127.5, 255], True),
        ([0.0, 32768.0, 65535.0], [0, 32768 / 257, 255], False),
        ([np.nan, 0.5, np.inf], [0, 127.5, 255], True),
        ([-3.0, -2.0, -1.0], [0, 0, 0], True),
    ],
)
def test_grey_float_tiff(tmp_path, values, expected, noted):
    plane = np.tile(np.repeat(np.float32(values), 8), (20, 1))
    Image.fromarray(plane).save(tmp_path / "a.tif")
    picture = read(tmp_path / "a.tif")
    assert picture.rgb[0, ::8, 2].tolist() == pytest.approx(expected)
    assert bool(picture.notes) == noted


# Colour profiles


@pytest.mark.parametrize("extension", [".png", ".jpg", ".tif", ".webp"])
def test_profile_with_swapped_primaries(tmp_path, extension):
    path = tmp_path / f"a{extension}"
    options = {} if extension == ".png" else {"quality": 100}
    flat("RGB", (255, 0, 0)).save(path, icc_profile=rgb_icc(2, 1, 0, 2.2), **options)
    assert np.abs(np.array(only(read(path).rgb)) - [0, 0, 255]).max() <= 6
    assert read(path).notes == ()


@pytest.mark.parametrize("mode", ["L", "LA", "RGB", "I;16"])
def test_linear_light(tmp_path, mode):
    """128 of 255 is 188 in sRGB."""
    image = Image.fromarray(np.full((20, 20), 32896, np.uint16))
    if mode != "I;16":
        image = flat(mode, {"LA": (128, 255), "RGB": (128, 128, 128)}.get(mode, 128))
    for profile in (grey_icc(1.0), rgb_icc(0, 1, 2, 1.0))[mode == "RGB" :]:
        image.save(tmp_path / "a.png", icc_profile=profile)
        picture = read(tmp_path / "a.png")
        assert picture.notes == ()
        assert np.abs(np.array(only(picture.rgb)) - 188).max() <= 1


@pytest.mark.parametrize("extension", [".jpg", ".tif"])
def test_cmyk_profile(tmp_path, extension):
    """In this profile cyan ink is invisible: only a real conversion makes white of it."""
    path = tmp_path / f"a{extension}"
    for inks, level in (((255, 0, 0, 0), 255), ((0, 0, 0, 255), 0)):
        flat("CMYK", inks).save(path, icc_profile=cmyk_icc(), quality=100)
        picture = read(path)
        assert picture.notes == ()
        assert np.abs(np.array(only(picture.rgb)) - level).max() <= 5


@pytest.mark.parametrize("kind", BAD_PROFILES)
def test_unusable_profile_is_ignored_with_a_note(tmp_path, kind):
    told = "has a colour profile that can't be used: it is taken as sRGB"
    Image.fromarray(pattern()).save(tmp_path / "a.png", icc_profile=BAD_PROFILES[kind])
    kept(tmp_path / "a.tif", tiff(pattern().astype("u2") * 257, iccprofile=BAD_PROFILES[kind]))
    for name in ("a.png", "a.tif"):
        picture = read(tmp_path / name)
        np.testing.assert_array_equal(picture.rgb, pattern())
        assert picture.notes == (f"{name} {told}",)


# Several frames


@pytest.mark.parametrize("extension", [".gif", ".png", ".webp", ".tif"])
def test_first_of_several_frames_or_pages(tmp_path, extension):
    frames = [flat("RGB", (250, 40 * i, 0)) for i in range(4)]
    path = tmp_path / f"clip{extension}"
    options = {"lossless": True} if extension == ".webp" else {}
    frames[0].save(path, save_all=True, append_images=frames[1:], duration=100, **options)
    picture = read(path)
    assert only(picture.rgb) == [250, 0, 0]
    told = "is animated: its first frame of 4 is used"
    told = "has 4 pages: the first is used" if extension == ".tif" else told
    assert picture.notes == (f"{path.name} {told}",)


def test_second_picture_of_a_phone_photo_is_no_animation(tmp_path):
    photo, depth = Image.fromarray(pattern()), flat("RGB", 0)
    photo.save(tmp_path / "a.jpg", "MPO", save_all=True, append_images=[depth])
    picture = read(tmp_path / "a.jpg")
    assert picture.rgb.shape == (24, 40, 3)
    assert picture.notes == ()


def test_damage_behind_the_first_frame_does_no_harm(tmp_path):
    path, noise = tmp_path / "a.gif", np.random.default_rng(2).integers(0, 256, (2, 64, 64))
    frames = [Image.fromarray(frame.astype(np.uint8)) for frame in noise]
    frames[0].save(path, save_all=True, append_images=frames[1:])
    path.write_bytes(path.read_bytes()[: int(0.6 * path.stat().st_size)])
    np.testing.assert_array_equal(read(path).rgb[..., 0], noise[0])


# What is no good


def test_missing_folder_and_empty(tmp_path):
    missing = tmp_path / "no.png"
    assert refusal(missing) == f"{missing} does not exist"
    assert "is a folder" in refusal(tmp_path)
    assert "empty.png is not a picture" in refusal(kept(tmp_path / "empty.png", b""))
    assert "does not exist" in refusal("")
    assert "null" in refusal("a\0.png")
    assert "can't read" in refusal(tmp_path / "empty.png" / "below.png")
    os.mkfifo(tmp_path / "pipe.png")
    assert "not a regular file" in refusal(tmp_path / "pipe.png")


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("text.jpg", b"this is a text, renamed\n" * 40),
        ("art.svg", b"<svg xmlns='http://www.w3.org/2000/svg'/>"),
        ("a.tif", b"II*\0" + bytes(60)),
        ("sound.wav", b"RIFF\x24\0\0\0WAVEfmt " + bytes(40)),
    ],
)
def test_not_a_picture(tmp_path, name, data):
    text = refusal(kept(tmp_path / name, data))
    assert f"{name} is not a picture that Pillow can read" in text
    assert "PNG, JPEG" in text


@pytest.mark.parametrize("extension", [".png", ".jpg", ".webp", ".gif", ".tif"])
def test_cut_short(tmp_path, extension):
    data = io.BytesIO()
    noise = np.random.default_rng(1).integers(0, 256, (64, 64, 3), dtype=np.uint8)
    Image.fromarray(noise).save(data, Image.registered_extensions()[extension])
    whole = data.getvalue()
    for share in (0.02, 0.3, 0.6, 0.9):
        path = kept(tmp_path / f"a{extension}", whole[: max(12, int(share * len(whole)))])
        assert re.search(rf"a\{extension} is .*damaged", refusal(path))


def test_decompression_bomb_is_refused_from_the_header(tmp_path, monkeypatch):
    data = png(np.zeros((1, 1, 3), np.uint16), size=(20_000, 20_000))
    path = kept(tmp_path / "bomb.png", data)
    for limit in (Image.MAX_IMAGE_PIXELS, None):  # a user's program may lift Pillow's limit
        monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", limit)
        assert "bomb.png has more pixels than the limit of 178,956,970" in refusal(path)
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 900)  # the warning comes above, the error at 2×
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        Image.fromarray(pattern()).save(tmp_path / "a.png")
        assert read(tmp_path / "a.png").rgb.shape == (24, 40, 3)
    assert Image.MAX_IMAGE_PIXELS == 900


def test_smallest_picture(tmp_path):
    path = tmp_path / "photo.png"
    flat("RGB", 0, (16, 16)).save(path)
    assert read(path).rgb.shape == (16, 16, 3)
    flat("RGB", 0, (15, 40)).save(path)
    assert refusal(path) == f"{path} is 15×40 px; both sides must be at least 16 px"
    assert refusal(flat("L", 0, (3, 20))).startswith("image is 3×20 px")
    assert refusal(np.zeros((0, 0, 3), np.uint8)).startswith("array is 0×0 px")
