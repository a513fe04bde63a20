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
    stem,
)


def test_too_many_pixels_are_refused_by_the_header(tmp_path):
    path = tmp_path / "wide.png"
    Image.new("L", (400, 300)).save(path)
    path.write_bytes(path.read_bytes()[:60])  # its pixels are gone: they are not looked at
    with pytest.raises(InputError, match=r"400×300 px; this page accepts at most 0\.1"):
        read_upload(str(path), Limits(pixels=100_000))
    with pytest.raises(InputError, match=r"wide\.png"):
        read_upload(str(path), Limits())


def test_so_is_a_painting_that_would_be_too_large(picture):
    content, texture = read(picture(40, 60)), Config(task="texture", size=(100, 50))
    check_output(Config(size=60), content, Limits(pixels=2400))
    for config, photo, size, limit in [
        (Config(size=61), content, "61×41", 2400),
        (Config(size=0), content, "60×40", 2399),
        (texture, None, "100×50", 4999),
    ]:
        with pytest.raises(InputError, match=f"the painting has {size} px"):
            check_output(config, photo, Limits(pixels=limit))


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
    for nothing in (None, {}, {"layers": []}, {"layers": [np.zeros((9, 9, 4))]}):
        assert drawn_mask(nothing, content) is None


def test_names_are_fit_for_files(picture):
    assert stem(None) == "picture"
    odd = Image.fromarray(picture(20, 20))
    assert stem(read(odd)) == "image"
