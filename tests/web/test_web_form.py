"""Controls of the page and the settings they stand for; uploads within limits, and masks."""

import numpy as np
import pytest
from PIL import Image

from artistyle_tf import Config
from artistyle_tf.config.presets import PRESETS
from artistyle_tf.errors import ConfigError, InputError
from artistyle_tf.images import read
from artistyle_tf.web.form import (
    Limits,
    all_controls,
    drawn_mask,
    make_config,
    preset_values,
    read_upload,
)


@pytest.mark.parametrize("preset", PRESETS)
def test_what_a_preset_shows_is_the_preset_until_it_is_changed(preset, small_file):
    for weights in ("auto", "preview", str(small_file)):  # the server's
        shown = preset_values(preset, weights)
        assert make_config(preset, shown, weights) == Config.preset(preset, weights=weights)
    empty = {control.name: "" for control in all_controls() if control.name != "strength"}
    assert make_config(preset, empty) == Config.preset(preset)
    # The slider moved beats the weight of a preset, but not one that is typed.
    moved = preset_values(preset) | {"strength": 0.9, "style_weight": ""}
    assert make_config(preset, moved) == Config.preset(preset, strength=0.9)
    typed = moved | {"style_weight": "100"}
    assert make_config(preset, typed) == Config.preset(preset, style_weight=100)


def test_what_is_changed_counts():
    values = preset_values("fast") | {
        "strength": 0.7, "size": "640", "seed": 3, "style_layers": "block1_conv1:2",
        "levels": "2", "tv_weight": 0.5, "style_scale": 0.5, "color": "luminance",
    }  # fmt: skip
    wanted = Config.preset(
        "fast", strength=0.7, size=640, seed=3, style_layers={"block1_conv1": 2}, levels=2,
        tv_weight=0.5, style_scale=0.5, color="luminance",
    )  # fmt: skip
    assert make_config("fast", values) == wanted


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("weights", "/etc/passwd.npz"),
        ("init", "pictures/secret.png"),
        ("color", "green"),
        ("iterations", "many"),
        ("style_layers", "block9"),
    ],
)
def test_what_cannot_be_is_one_line_that_names_the_setting(name, value):
    with pytest.raises(ConfigError) as caught:
        make_config("fast", preset_values("fast") | {name: value})
    assert str(caught.value).startswith(name)
    assert "\n" not in str(caught.value)


def test_too_many_pixels_are_refused_by_the_header(tmp_path):
    path = tmp_path / "wide.png"
    Image.new("L", (400, 300)).save(path)
    path.write_bytes(path.read_bytes()[:60])  # its pixels are gone: they are not looked at
    with pytest.raises(InputError, match=r"400×300 px; this page accepts at most 0\.1"):
        read_upload(str(path), Limits(pixels=100_000))
    with pytest.raises(InputError, match=r"wide\.png"):
        read_upload(str(path), Limits())


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
    mask = drawn_mask({"layers": [layer(40, 60), layer(40, 60)[:, ::-1]]}, content)
    assert (mask.rgb == 255).all()  # strokes of several layers add up
    for nothing in (None, {}, {"layers": []}, {"layers": [np.zeros((9, 9, 4))]}):
        assert drawn_mask(nothing, content) is None
