"""What was painted, as files hold it: in 8 bits, 16 and float."""

import numpy as np
import pytest
import tensorflow as tf
import tifffile

from artistyle_tf import Config
from artistyle_tf.images.read import read, read_record
from painters import stylize

HALF = 0.5001 / 257
"""Half a step of 16 bits, in grey levels."""


@pytest.fixture(scope="module")
def settings():
    def make(**overrides):
        defaults = {"size": 64, "iterations": 3, "optimizer": "lbfgs", "weights": "preview"}
        return Config(**{**defaults, "levels": 1, **overrides})

    return make


@pytest.fixture(scope="module")
def painted(settings, picture):
    clear = np.dstack([picture(48, 64), np.full((48, 64), 200, np.uint8)])
    return stylize(clear, picture(50, 40, 1), settings(init="content"))


def test_files_hold_what_was_painted(painted, tmp_path):
    painted.save(tmp_path / "a.png", depth=16)
    painted.save(tmp_path / "a.tif", depth=16)
    painted.save(tmp_path / "b.tif", depth=32)
    by_libpng = tf.io.decode_png((tmp_path / "a.png").read_bytes(), dtype=tf.uint16).numpy()
    by_tifffile = tifffile.imread(tmp_path / "a.tif")
    np.testing.assert_array_equal(by_libpng, by_tifffile)
    floats = tifffile.imread(tmp_path / "b.tif")
    assert by_libpng.shape == floats.shape == (48, 64, 4)
    within = np.clip(painted.unclipped, 0, 255)
    assert np.abs(by_libpng[..., :3] / 257.0 - within).max() <= HALF
    np.testing.assert_allclose(floats[..., :3] * 255, painted.unclipped, atol=1e-4)
    assert (by_libpng[..., 3] == 200 * 257).all()
    np.testing.assert_allclose(floats[..., 3], 200 / 255, rtol=1e-6)
    for channel in range(3):
        assert len(np.unique(by_libpng[..., channel])) > 256
        assert len(np.unique(by_libpng[..., channel] % 257)) > 200  # 8 bits widened have one


def test_the_record_and_the_painting_are_read_again(painted, tmp_path):
    painted.save(tmp_path / "8.png")
    wanted = read_record(tmp_path / "8.png")
    for name, depth in (("a.png", 16), ("a.tif", 16), ("b.tif", 32)):
        painted.save(tmp_path / name, depth)
        assert read_record(tmp_path / name) == wanted
        again = read(tmp_path / name)
        share = np.float32(200 / 255)
        over_white = share * np.clip(painted.unclipped, 0, 255) + (1 - share) * 255
        assert np.abs(again.rgb - over_white).max() < 0.01


@pytest.mark.parametrize("how", ["plain", "luminance", "masks"])
def test_8_bits_are_the_unclipped_painting_rounded(settings, picture, how):
    more = {
        "plain": {"init": "noise", "noise_amplitude": 200.0, "gamut_weight": 0.0},
        "luminance": {"color": "luminance", "init": "content"},
        "masks": {"init": "content"},
    }[how]
    mask = np.zeros((48, 64), np.uint8)
    mask[:, 20:40], mask[:, 40:] = 128, 255
    masks = {"content_masks": [mask]} if how == "masks" else {}
    result = stylize(picture(48, 64), picture(50, 40, 1), settings(**more), **masks)
    assert result.unclipped.dtype == np.float32
    assert result.unclipped.shape == result.image.shape
    rounded = np.clip(np.rint(result.unclipped), 0, 255)
    np.testing.assert_array_equal(result.image, rounded)
    assert len(np.unique(result.unclipped)) > 3 * 256
    if how == "plain":
        assert result.unclipped.min() < 0  # or nothing of clipping is seen


def test_a_content_of_16_bits_is_painted_with_all_of_them(settings, picture, tmp_path):
    """Where the mask is black the content stays: in 16 bits it comes back as it was."""
    content = picture(48, 64).astype(np.uint16) * 257
    content[:, :32] = np.linspace(30_000, 31_000, 48 * 32, dtype=np.uint16).reshape(48, 32, 1)
    tifffile.imwrite(tmp_path / "deep.tif", content, photometric="rgb")
    mask = np.zeros((48, 64), np.uint8)
    mask[:, 40:] = 255
    result = stylize(
        tmp_path / "deep.tif",
        picture(50, 40, 1),
        settings(init="content"),
        content_masks=[mask],
    )
    result.save(tmp_path / "out.png", depth=16)
    kept = tf.io.decode_png((tmp_path / "out.png").read_bytes(), dtype=tf.uint16).numpy()
    np.testing.assert_array_equal(kept[:, :32], content[:, :32])
    assert (kept[:, 40:] != content[:, 40:]).mean() > 0.9
