"""Controls of the page and the settings they stand for."""

import dataclasses

import pytest

from artistyle_tf import Config
from artistyle_tf.config.presets import PRESETS
from artistyle_tf.errors import ConfigError
from artistyle_tf.web.controls import MAIN, all_controls, make_config, preset_values


def test_every_setting_has_a_control():
    names = [control.name for control in all_controls()]
    assert names == [field.name for field in dataclasses.fields(Config)]
    assert set(MAIN) < set(names)
    groups = {field.name: field.metadata["group"] for field in dataclasses.fields(Config)}
    assert {control.name: control.group for control in all_controls()} == groups


@pytest.mark.parametrize("preset", PRESETS)
def test_what_a_preset_shows_is_the_preset(preset):
    assert make_config(preset, preset_values(preset)) == Config.preset(preset)
    shown = preset_values(preset, "preview")
    assert make_config(preset, shown, "preview") == Config.preset(preset, weights="preview")
    empty = {control.name: "" for control in all_controls() if control.name != "strength"}
    assert make_config(preset, empty) == Config.preset(preset)


def test_what_is_changed_counts():
    values = preset_values("fast") | {
        "strength": 0.7, "size": "640", "seed": 3, "style_layers": "block1_conv1:2",
        "levels": "2", "memory": "8GB", "style_scale": 0.5, "color": "luminance",
    }  # fmt: skip
    wanted = Config.preset(
        "fast", strength=0.7, size=640, seed=3, style_layers={"block1_conv1": 2}, levels=2,
        memory="8GB", style_scale=0.5, color="luminance",
    )  # fmt: skip
    assert make_config("fast", values) == wanted


@pytest.mark.parametrize("preset", PRESETS)
def test_the_slider_moved_beats_the_weight_of_a_preset_but_not_one_that_is_typed(preset):
    values = preset_values(preset)
    assert values["strength"] == 0.5
    values |= {"strength": 0.9, "style_weight": ""}
    assert make_config(preset, values) == Config.preset(preset, strength=0.9)
    values["style_weight"] = "100"
    assert make_config(preset, values) == Config.preset(preset, style_weight=100)


def test_a_texture_does_not_start_from_the_photo_unasked():
    values = preset_values("fast") | {"task": "texture", "size": "64x48"}
    config = make_config("fast", values)
    assert (config.task, config.init, config.size) == ("texture", "noise", (64, 48))


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("weights", "/etc/passwd.npz"),
        ("weights", "imagenet"),
        ("init", "/home/someone/picture.png"),
        ("color", "green"),
        ("size", "8"),
        ("style_scale", 1000),
        ("seed", -1),
        ("iterations", "many"),
        ("style_blend", "a,b"),
    ],
)
def test_what_cannot_be_is_one_line_that_names_the_setting(name, value):
    with pytest.raises(ConfigError) as caught:
        make_config("fast", preset_values("fast") | {name: value})
    assert str(caught.value).startswith(name)
    assert "\n" not in str(caught.value)


def test_the_network_that_the_server_was_started_with_may_be_chosen(small_file):
    values = preset_values("fast", str(small_file))
    assert values["weights"] == str(small_file)
    assert make_config("fast", values, str(small_file)).weights == str(small_file)
    assert (
        make_config("fast", values | {"weights": "preview"}, str(small_file)).weights == "preview"
    )
