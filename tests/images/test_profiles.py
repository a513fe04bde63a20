"""Colour profiles in float, beside littleCMS, which Pillow has for 8 bits."""

import io
import struct
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image, ImageCms
from test_read import SRGB_PRIMARIES, _cmyk_icc, _grey_icc, _icc, _rgb_icc, _s15, _xyz

from artistyle_tf.images import profiles, read

PIXELS = np.random.default_rng(1).integers(0, 256, (60, 50, 3), np.uint8)
CURVES = {
    "gamma": [1.8],
    "with a line": [2.4, 1 / 1.055, 0.055 / 1.055, 1 / 12.92, 0.04045],
    "shifted": [2.2, 1.0, 0.0, 1 / 32, 1 / 16, 0.01, 0.0],
    "from a point on": [2.0, 1.25, -0.25],
    "raised": [2.0, 1.25, -0.25, 0.02],
}
KIND = {1: 0, 3: 1, 4: 2, 5: 3, 7: 4}


def by_little_cms(pixels: np.ndarray, profile: bytes) -> np.ndarray:
    converted = ImageCms.profileToProfile(
        Image.fromarray(pixels),
        ImageCms.ImageCmsProfile(io.BytesIO(profile)),
        ImageCms.createProfile("sRGB"),
        ImageCms.Intent.RELATIVE_COLORIMETRIC,
        "RGB",
    )
    return np.asarray(converted).astype(np.float32)


def with_curve(curve: bytes) -> bytes:
    colorants = zip((b"rXYZ", b"gXYZ", b"bXYZ"), SRGB_PRIMARIES[::-1], strict=True)
    tags = {name: _xyz(*values) for name, values in colorants}
    return _icc(b"mntr", b"RGB ", b"XYZ ", tags | dict.fromkeys((b"rTRC", b"gTRC", b"bTRC"), curve))


def agrees(profile: bytes) -> None:
    ours = profiles.to_srgb(PIXELS.astype(np.float32), profile)
    assert ours is not None
    assert ours.dtype == np.float32
    assert len(np.unique(ours)) > 256
    error = np.abs(ours - by_little_cms(PIXELS, profile))
    assert error.max() < 1.3  # littleCMS rounds, and interpolates in tables of its own
    assert error.mean() < 0.35


@pytest.mark.parametrize("kind", CURVES)
def test_parametric_curves(kind: str) -> None:
    values = CURVES[kind]
    agrees(
        with_curve(
            b"para\0\0\0\0" + struct.pack(">HH", KIND[len(values)], 0) + b"".join(map(_s15, values))
        )
    )


def test_gamma_tables_and_no_curve() -> None:
    agrees(_rgb_icc(2, 1, 0, 2.2))
    table = np.rint(65535 * np.linspace(0, 1, 200) ** 1.7).astype(">u2").tobytes()
    agrees(with_curve(b"curv\0\0\0\0" + struct.pack(">I", 200) + table))
    agrees(with_curve(b"curv\0\0\0\0" + struct.pack(">I", 0)))


def test_srgb_stays_itself() -> None:
    floats = PIXELS + np.float32(0.3)
    same = profiles.to_srgb(np.minimum(floats, 255), profiles.srgb())
    np.testing.assert_allclose(same, np.minimum(floats, 255), atol=0.01)
    assert profiles.is_srgb(profiles.srgb())
    made_now = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    assert profiles.is_srgb(made_now)
    assert not profiles.is_srgb(_rgb_icc(0, 1, 2, 2.2))
    np.testing.assert_array_equal(by_little_cms(PIXELS, profiles.srgb()), PIXELS)


def test_grey() -> None:
    ramp = np.linspace(0, 255, 1000, dtype=np.float32)[None]
    ours = profiles.to_srgb(ramp, _grey_icc(1.0))
    light = ramp[0] / 255
    expected = 255 * np.where(light <= 0.0031308, 12.92 * light, 1.055 * light ** (1 / 2.4) - 0.055)
    for channel in range(3):
        np.testing.assert_allclose(ours[0, :, channel], expected, atol=0.02)
    assert profiles.to_srgb(ramp, _rgb_icc(0, 1, 2, 1.0)).shape == (1, 1000, 3)


@pytest.mark.parametrize(
    "profile",
    [b"", b"no profile", _rgb_icc(0, 1, 2, 2.2)[:300], _cmyk_icc(), _grey_icc(2.2),
     _rgb_icc(0, 1, 2, 2.2)[:128] + b"\xff" * 300, with_curve(b"para" + b"\xff" * 20)],
    ids=["empty", "text", "cut", "CMYK", "grey", "noise", "no curve"],
)  # fmt: skip
def test_what_it_can_not_do(profile: bytes) -> None:
    assert profiles.to_srgb(PIXELS.astype(np.float32), profile) is None


def test_pictures_of_16_bits_with_profiles(tmp_path) -> None:
    """Matrices keep all bits; tables cost them, and that is said."""
    import tifffile

    deep = np.minimum(PIXELS, 254).astype(np.uint16) * 257 + 100
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, deep, photometric="rgb", iccprofile=_rgb_icc(2, 1, 0, 1.8))
    picture = read.read(path)
    assert picture.notes == ()
    expected = by_little_cms(PIXELS, _rgb_icc(2, 1, 0, 1.8))
    bright = PIXELS.min(axis=-1) > 20  # in the dark, 100 of 65535 are much
    assert np.abs(picture.rgb - expected)[bright].max() < 2
    tags = {b"A2B0": b"mft2"}
    tables = _icc(b"mntr", b"RGB ", b"XYZ ", tags)
    tifffile.imwrite(path, deep, photometric="rgb", iccprofile=tables)
    picture = read.read(path)
    assert picture.notes == ("a.tif has a colour profile that can't be used: it is taken as sRGB",)
    np.testing.assert_allclose(picture.rgb, deep / 257, rtol=1e-6)


def test_a_profile_of_tables_leaves_8_bits(tmp_path) -> None:
    import tifffile

    line = bytes(range(256))
    lut = b"mft1\0\0\0\0" + bytes([3, 3, 2, 0])
    lut += b"".join(_s15(v) for v in (1, 0, 0, 0, 1, 0, 0, 0, 1)) + line * 3
    for corner in range(8):  # L, a, b: as light as green is, and grey
        lut += bytes([255 if corner & 2 else 0, 128, 128])
    profile = _icc(b"mntr", b"RGB ", b"Lab ", {b"A2B0": lut + line * 3})
    deep = PIXELS.astype(np.uint16) * 257
    tifffile.imwrite(tmp_path / "a.tif", deep, photometric="rgb", iccprofile=profile)
    picture = read.read(tmp_path / "a.tif")
    assert picture.rgb.dtype == np.uint8
    assert picture.notes == ("a.tif is read with 8 bits a channel, for its colour profile's sake",)
    np.testing.assert_array_equal(picture.rgb, by_little_cms_black(PIXELS, profile))


def by_little_cms_black(pixels: np.ndarray, profile: bytes) -> np.ndarray:
    image = Image.fromarray(pixels)
    image.info["icc_profile"] = profile
    return read.read(image).rgb


def test_the_profile_is_the_same_at_any_time() -> None:
    """Its makers put the time into it; here it must not change from process to process."""
    code = (
        "import time, hashlib; time.time = lambda: 1e9\n"
        "from artistyle_tf.images.profiles import srgb\n"
        "print(hashlib.sha256(srgb()).hexdigest(), srgb()[24:36].hex())"
    )
    command = [sys.executable, "-c", code]
    done = [subprocess.run(command, capture_output=True, text=True, check=True) for _ in range(2)]
    assert done[0].stdout == done[1].stdout
    assert done[0].stdout.split()[1] == struct.pack(">6H", 2000, 1, 1, 0, 0, 0).hex()
