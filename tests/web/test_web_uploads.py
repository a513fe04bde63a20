"""Uploads within limits, and masks drawn on them."""

import numpy as np
import pytest
from PIL import Image

from artistyle_tf import Config
from artistyle_tf.errors import InputError
from artistyle_tf.images import read
from artistyle_tf.web.uploads import (
    Limits,
    check_output,
    drawn_mask,
    read_upload,
    sample_pair,
    stem,
    thumbnail,
)


def test_the_samples_are_there():
    assert [read(path).rgb.shape[2] for path in sample_pair()] == [3, 3]


def test_a_picture_is_read_as_ever(picture, tmp_path):
    Image.fromarray(picture(40, 60)).save(tmp_path / "a.png")
    found = read_upload(str(tmp_path / "a.png"), Limits())
    np.testing.assert_array_equal(found.rgb, picture(40, 60))
    assert stem(found) == "a"


def test_too_many_pixels_are_refused_by_the_header(tmp_path):
    path = tmp_path / "wide.png"
    Image.new("L", (400, 300)).save(path)
    path.write_bytes(path.read_bytes()[:60])  # its pixels are gone: they are not looked at
    with pytest.raises(InputError, match=r"400×300 px; this page accepts at most 0\.1"):
        read_upload(str(path), Limits(pixels=100_000))
    with pytest.raises(InputError, match=r"wide\.png"):
        read_upload(str(path), Limits())


def test_no_picture_is_one_line(tmp_path):
    (tmp_path / "a.png").write_text("no picture")
    with pytest.raises(InputError, match="not a picture") as caught:
        read_upload(str(tmp_path / "a.png"), Limits())
    assert "\n" not in str(caught.value)


def test_so_is_a_painting_that_would_be_too_large(picture):
    content = read(picture(40, 60))
    check_output(Config(size=60), content, Limits(pixels=2400))
    with pytest.raises(InputError, match="the painting has 61×41 px"):
        check_output(Config(size=61), content, Limits(pixels=2400))
    with pytest.raises(InputError, match="60×40"):
        check_output(Config(size=0), content, Limits(pixels=2399))
    texture = Config(task="texture", size=(100, 50))
    with pytest.raises(InputError, match="100×50"):
        check_output(texture, None, Limits(pixels=4999))


def layer(height, width, strength=166):
    drawn = np.zeros((height, width, 4), np.uint8)
    drawn[:, : width // 2] = 255, 255, 255, strength
    return drawn


def test_a_drawn_mask_is_white_where_there_is_paint(picture):
    content = read(picture(40, 60))
    mask = drawn_mask({"background": None, "layers": [layer(80, 120)]}, content)
    assert mask.rgb.shape == (40, 60, 3)
    assert (mask.rgb[:, :27] > 250).all()
    assert (mask.rgb[:, 33:] < 5).all()


def test_strokes_of_several_layers_add_up(picture):
    content = read(picture(40, 60))
    mask = drawn_mask({"layers": [layer(40, 60), layer(40, 60)[:, ::-1]]}, content)
    assert (mask.rgb == 255).all()


@pytest.mark.parametrize("editor", [None, {}, {"layers": []}, {"layers": [np.zeros((9, 9, 4))]}])
def test_nothing_drawn_is_no_mask(editor, picture):
    assert drawn_mask(editor, read(picture(40, 60))) is None


def test_thumbnails_are_small_and_have_8_bits(picture):
    deep = read(picture(40, 60).astype(np.uint16) * 257)
    small = thumbnail(deep, 30)
    assert (small.shape, small.dtype) == ((20, 30, 3), np.uint8)
    assert thumbnail(deep).shape == (40, 60, 3)


def test_names_are_fit_for_files(picture):
    assert stem(None) == "picture"
    odd = Image.fromarray(picture(20, 20))
    assert stem(read(odd)) == "image"
