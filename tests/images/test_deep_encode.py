"""Files with more than 8 bits a channel, as other programs see them."""

import errno
import io
import os
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
import tifffile
from PIL import Image, ImageCms

from artistyle_tf.errors import ConfigError, InputError
from artistyle_tf.images import deep_encode, metadata, read, write

RNG = np.random.default_rng(3)
LEVELS = RNG.uniform(-4, 260, (150, 41, 3)).astype(np.float32)
"""Grey levels, some of which are outside of what a file of whole numbers holds."""
ALPHA = RNG.integers(0, 256, (150, 41), np.uint8)
RECORD = {"seed": 7, "name": "snow ☃"}
KINDS = [(".png", 16), (".tif", 16), (".tiff", 32)]


def decoded(path: Path) -> np.ndarray:
    """By libpng, in TensorFlow, or by tifffile: [H, W, C] of the file's own dtype."""
    if path.suffix == ".png":
        return tf.io.decode_png(path.read_bytes(), dtype=tf.uint16).numpy()
    return tifffile.imread(path)


@pytest.mark.parametrize(("extension", "depth"), KINDS)
@pytest.mark.parametrize("alpha", [None, ALPHA, ALPHA.astype(np.float32)])
def test_the_file_holds_what_it_is_given(
    tmp_path: Path, extension: str, depth: int, alpha: np.ndarray | None
) -> None:
    path = tmp_path / f"a{extension}"
    write.write(path, LEVELS, alpha=alpha, record=RECORD, depth=depth)
    values = decoded(path)
    assert values.shape == (150, 41, 3 if alpha is None else 4)
    assert values.dtype == (np.uint16 if depth == 16 else np.float32)
    expected, white = (np.clip(LEVELS, 0, 255), 65535) if depth == 16 else (LEVELS, 1)
    error = np.abs(values[..., :3].astype(np.float64) / white * 255 - expected)
    assert error.max() <= (0.5001 / 257 if depth == 16 else 1e-4)
    if alpha is not None:
        np.testing.assert_allclose(values[..., 3] / white * 255, ALPHA, rtol=1e-6)


@pytest.mark.parametrize(("extension", "depth"), KINDS)
def test_record_profile_and_pixels_are_read_again(
    tmp_path: Path, extension: str, depth: int
) -> None:
    path = tmp_path / f"a{extension}"
    write.write(path, LEVELS, alpha=ALPHA, record=RECORD, depth=depth)
    assert read.read_record(path) == RECORD
    if depth == 16:  # Pillow has no mode for float colours
        with Image.open(path) as image:
            profile = image.info["icc_profile"]
    else:
        with tifffile.TiffFile(path) as file:
            profile = file.pages[0].iccprofile
    opened = ImageCms.ImageCmsProfile(io.BytesIO(profile))
    assert "sRGB" in ImageCms.getProfileDescription(opened)
    picture = read.read(path)
    assert picture.notes == ()
    opaque = ALPHA == 255
    assert np.abs(picture.rgb[opaque] - np.clip(LEVELS[opaque], 0, 255)).max() < 0.51 / 257
    np.testing.assert_allclose(picture.alpha, ALPHA, rtol=1e-6)
    write.write(path, LEVELS, depth=depth)
    assert read.read_record(path) is None
    assert read.read(path).alpha is None


@pytest.mark.parametrize(("extension", "depth"), KINDS)
def test_equal_bytes_and_a_record_of_any_length(tmp_path: Path, extension: str, depth: int) -> None:
    a, b = tmp_path / f"a{extension}", tmp_path / f"b{extension}"
    for path in (a, b):
        write.write(path, LEVELS, alpha=ALPHA, record=RECORD, depth=depth)
    assert a.read_bytes() == b.read_bytes()
    write.write(a, LEVELS, record={"x": "y" * metadata.MAX_RECORD}, depth=depth)
    assert list(read.read_record(a) or ()) == ["record_left_out"]


def test_an_alpha_of_another_size_is_resized_in_full(tmp_path: Path) -> None:
    ramp = np.tile(np.uint8([0, 255]), (2, 1))
    write.write(tmp_path / "a.tif", LEVELS[:100], alpha=ramp, depth=16)
    alpha = decoded(tmp_path / "a.tif")[..., 3]
    assert (alpha[:, 0] < 3000).all()
    assert (alpha[:, -1] > 62000).all()
    assert len(np.unique(alpha[0] % 257)) > 5  # not 8 bits widened


def test_pictures_of_one_row_and_of_many(tmp_path: Path) -> None:
    for height in (1, 63, 64, 65, 129):
        pixels = RNG.integers(0, 65536, (height, 3, 3), np.uint16)
        data = deep_encode.png(pixels, None)
        np.testing.assert_array_equal(tf.io.decode_png(data, dtype=tf.uint16), pixels)


@pytest.mark.parametrize(
    ("name", "depth"),
    [("a.png", 32), ("a.jpg", 16), ("a.webp", 16), ("a.jpeg", 32), ("a.png", 12), ("a.tif", "16")],
)
def test_depths_that_can_not_be(tmp_path: Path, name: str, depth: int) -> None:
    for attempt in (
        lambda: write.write(tmp_path / name, LEVELS, depth=depth),
        lambda: write.check_output(tmp_path / name, depth=depth),
    ):
        with pytest.raises(ConfigError, match="depth") as caught:
            attempt()
        assert "\n" not in str(caught.value)
    assert os.listdir(tmp_path) == []


def test_wrong_arrays(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"rgb must be float32 \[H, W, 3\], not uint8"):
        write.write(tmp_path / "a.png", LEVELS.astype(np.uint8), depth=16)
    with pytest.raises(ConfigError, match="alpha must be uint8 or float32"):
        write.write(tmp_path / "a.png", LEVELS, alpha=LEVELS, depth=16)


@pytest.mark.parametrize(("extension", "depth"), KINDS)
@pytest.mark.parametrize("where", ["encode", "fsync"])
def test_a_write_that_fails_keeps_the_old_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, extension: str, depth: int, where: str
) -> None:
    path = tmp_path / f"a{extension}"
    path.write_bytes(b"the old picture")

    def full(*_args: object, **_kwargs: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    if where == "fsync":
        monkeypatch.setattr(os, "fsync", full)
    else:
        monkeypatch.setattr(deep_encode, "png" if extension == ".png" else "tiff", full)
    with pytest.raises(InputError, match="No space left on device"):
        write.write(path, LEVELS, depth=depth)
    assert path.read_bytes() == b"the old picture"
    assert os.listdir(tmp_path) == [path.name]
