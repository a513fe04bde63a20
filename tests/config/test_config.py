"""Settings: bounds, immutability, presets. No TensorFlow here."""

import dataclasses
import json
import pathlib

import numpy as np
import pytest

from artistyle_tf.config.config import Config
from artistyle_tf.config.presets import PRESETS, STYLE_LAYERS
from artistyle_tf.errors import ConfigError

FIELDS = [field.name for field in dataclasses.fields(Config)]
NAN, INFINITY = float("nan"), float("inf")
ONE = (("block1_conv1", 1.0),)
PUBLISHED = {"paper", "gatys-pytorch", "neural-style", "crowson"}

GOOD = {
    "task": ("stylize", "texture", "reconstruct"),
    "size": (0, 16, 65536),
    "iterations": (1, 10**7),
    "init": ("noise", "content", "style", "grey", "some where/p.png"),
    "init_noise": (0, 0.3, 1),
    "noise_amplitude": (0, 1e-3, 255),
    "seed": (0, 2**63 - 1),
    "levels": ("auto", 1, 16),
    "coarsest": (16, 65536),
    "level_step": (1.2, 1.4142, 16),
    "finest": (0.01, 0.99),
    "finer_iterations": (0, 1, 10**7),
    "carry": ("change", "picture"),
    "tolerance": (0, 0.5),
    "optimizer": ("tfp", "lbfgs", "adam", "averaged"),
    "history": (1, 1000),
    "learning_rate": (1e-6, 1e6, 1),
    "precondition": (0, 0.25, 2),
    "settle": (0, 1, 2),
    "weights": ("auto", "imagenet", "imagenet-8bit", "preview", "some where/w.h5"),
    "pooling": ("max", "avg"),
    "padding": ("zeros", "reflect", "replicate-first"),
    "precision": ("auto", "float32", "bfloat16"),
    "tile_size": ("auto", 0, 32, 1024),
    "memory": (None, "8GB", "8 GB", "500MB", "8GiB", "1.5gb", "8000000000", 8 * 10**9, "1b"),
    "jit_compile": ("auto", "on", "off"),
    "steps_per_execution": ("auto", 1, 64),
    "content_weight": (0, 1e-30, 1e12),
    "strength": (0, 0.3, 1),
    "style_weight": (None, 0, 1e12),
    "tv_weight": (0, 1e12),
    "gamut_weight": (0, 1e12),
    "palette_weight": (0, 1e12),
    "style_scale": (0.01, 100),
    "style_blend": ((), (0.7, 0.3), [1], (0, 5)),
    "style_layers": (ONE, {"block5_conv4": 0.5}, [["block1_conv1", 0]]),
    "content_layers": (ONE, {"block4_conv2": 2}),
    "balance": (0, 0.3, 1),
    "color": ("style", "luminance", "match", "cholesky", "histogram"),
    "formula": ("mean", "paper", "neural-style", "crowson"),
    "statistics": ("gram", "w2"),
}
BAD = {
    "task": ("paint", "", None),
    "size": ((640, 480), "640x480", -1, 1, 5, 15, 65537, 64.0, "64", True, None, NAN),
    "iterations": (0, -1, 10**7 + 1, 1.5, False),
    "init": ("", "Noise", None, 0),
    "init_noise": (-0.1, 1.1, NAN, "1", None),
    "noise_amplitude": (-1, 256, NAN, "1", None),
    "seed": (-1, 2**63, 0.0, None),
    "levels": (0, 17, "Auto", "", 2.0, True, None),
    "coarsest": (0, 15, 65537, 64.0, None),
    "level_step": (1, 1.1, 17, NAN, "2", None),
    "finest": (0, 1, NAN, "0.5", None),
    "finer_iterations": (-1, 10**7 + 1, 1.5, None),
    "carry": ("image", None),
    "tolerance": (-0.01, 0.6, NAN, "0.1", None),
    "optimizer": ("sgd", "TFP", None),
    "history": (0, 1001),
    "learning_rate": (0, -1, 1e-7, 1e7, NAN, INFINITY, "1", None, True),
    "precondition": (-0.1, 2.1, NAN),
    "settle": (-0.1, 2.1, NAN),
    "weights": ("", None, 3),
    "pooling": ("mean", None),
    "padding": ("same", "", None),
    "precision": ("float16", "bf16", 32, None),
    "tile_size": (-16, 16, 40, "Auto", "", 64.0, None),
    "memory": ("8XB", "", "-1GB", "0GB", "0.1b", "8GB free", "1e9", "8ib", 0, -1, 1.5e9, True),
    "jit_compile": (True, "yes", None),
    "steps_per_execution": (0, 65, "Auto", 2.5, True, None),
    "content_weight": (-1, -1e-9, NAN, INFINITY, 1e31, "1", None, True),
    "strength": (-0.1, 1.1, NAN, "1", True, None),
    "style_weight": (-1, NAN, -INFINITY, "1", True),
    "tv_weight": (-1, NAN),
    "gamut_weight": (-1, NAN),
    "palette_weight": (-1, NAN, "1", None),
    "style_scale": (0, 0.009, 101, NAN),
    "style_blend": (5, None, "0.7,0.3", (-1, 2), (NAN,), (0, 0), ("a",)),
    "style_layers": ((), {}, None, "block1_conv1", ["block1_conv1"], ONE * 2, [("conv1_1", 1)]),
    "content_layers": ({"block4_conv2": -1}, {"block4_conv2": NAN}, {"block4_conv2": "1"}, 3),
    "balance": (-0.1, 1.1, NAN, "equal", "1", None, True),
    "color": ("content", None),
    "formula": ("sum", None),
    "statistics": ("mean", "W2", None),
}


def test_every_setting_is_tried():
    assert list(GOOD) == list(BAD) == FIELDS


@pytest.mark.parametrize("name", FIELDS)
def test_values(name):
    for value in GOOD[name]:
        kept = getattr(Config(**{name: value}), name)
        if name.endswith("_layers"):
            value = tuple((layer, weight) for layer, weight in dict(value).items())
        assert kept == (tuple(value) if name == "style_blend" else value)
    for value in BAD[name]:
        with pytest.raises(ConfigError, match=rf"\A{name}.*\Z") as caught:
            Config(**{name: value})
        assert caught.value.exit_status == 2


def test_immutable_and_hashable():
    layers = {"block1_conv1": 1}
    config = Config(style_layers=layers)
    layers["block1_conv1"] = 9
    assert config.style_layers == ONE  # the caller's dict is not kept
    with pytest.raises(dataclasses.FrozenInstanceError):
        config.size = 64
    assert hash(config) == hash(Config(style_layers=[("block1_conv1", 1.0)]))
    assert config != dataclasses.replace(config, size=64)
    with pytest.raises(ConfigError):
        dataclasses.replace(config, size=5)


def test_equal_settings_are_written_equally():
    """An int for a float, NumPy's numbers and a path are what they stand for."""
    plain = Config(size=64, content_weight=1.0, style_blend=(1.0,), weights="a/b.npz")
    other = Config(
        size=np.int64(64),
        content_weight=np.float32(1),
        style_blend=np.ones(1),
        weights=pathlib.PurePosixPath("a/b.npz"),
    )
    assert json.dumps(other.to_dict()) == json.dumps(plain.to_dict())
    assert json.dumps(Config(balance=1).to_dict()) == json.dumps(Config().to_dict())


def test_to_dict_has_all_that_determines_the_picture():
    unrecorded = {"memory", "steps_per_execution"}
    assert list(Config().to_dict()) == [name for name in FIELDS if name not in unrecorded]
    assert Config(memory="8GB", steps_per_execution=9).to_dict() == Config().to_dict()
    assert Config(**json.loads(json.dumps(Config(levels=3).to_dict()))) == Config(levels=3)


def test_memory_in_bytes():
    for memory, count in {
        None: None, "8GB": 8 * 10**9, " 8 gb ": 8 * 10**9, "8GiB": 2**33, "1.1GB": 11 * 10**8,
        "123B": 123, "123": 123, 123: 123,
    }.items():  # fmt: skip
        assert Config(memory=memory).memory_bytes == count


def test_defaults_and_presets():
    config = Config()
    ours = {"artistyle", "fast", "large"}
    assert set(PRESETS) == PUBLISHED | ours
    assert Config.preset("artistyle") == config
    assert (Config.preset("fast").optimizer, Config.preset("fast").levels) == ("lbfgs", "auto")
    for preset in PRESETS:  # nothing of ours is in what was published
        config = Config.preset(preset)
        assert (config.strength is None) == (preset in PUBLISHED)
        for name in ("balance", "palette_weight", "gamut_weight", "precondition"):
            assert (getattr(config, name) == 0) == (preset in PUBLISHED), name


def test_preset_of_the_paper():
    """Gatys et al. 2015: α/β = 1e-3, w_l = 1/5, conv1_1 … conv5_1 and conv4_2, average pooling."""
    paper = Config.preset("paper")
    assert (paper.formula, paper.pooling, paper.levels, paper.init) == ("paper", "avg", 1, "noise")
    assert paper.content_weight / paper.style_weight == pytest.approx(1e-3)
    assert paper.style_layers == tuple((name, 0.2) for name in STYLE_LAYERS)
    assert paper.content_layers == (("block4_conv2", 1.0),)
    assert paper.tv_weight == paper.precondition == 0
    assert (paper.weights, paper.gamut_weight) == ("auto", 0)


def test_preset_with_overrides():
    config = Config.preset("paper", size=64, pooling="max")
    assert config == dataclasses.replace(Config.preset("paper"), size=64, pooling="max")
    with pytest.raises(ConfigError) as caught:
        Config.preset("nope")
    assert str(caught.value) == f"preset is 'nope'; it must be one of {', '.join(PRESETS)}"
    with pytest.raises(ConfigError, match=r"^there is no setting 'sizes'$"):
        Config.preset("fast", sizes=64)


@pytest.mark.parametrize("preset", ["fast", "paper"])
def test_strength_and_the_weight_of_the_style_replace_each_other(preset):
    plain = Config.preset(preset)
    by_strength = Config.preset(preset, strength=0.25)
    by_weight = Config.preset(preset, style_weight=7)
    assert by_strength == dataclasses.replace(plain, strength=0.25, style_weight=None)
    assert by_weight == dataclasses.replace(plain, strength=None, style_weight=7)
    assert (by_strength.to_dict()["strength"], by_weight.to_dict()["style_weight"]) == (0.25, 7)
    assert Config.overridden(by_weight.to_dict(), {"strength": 0.25}) == by_strength
    assert Config.overridden(by_strength.to_dict(), {"style_weight": 7}) == by_weight
    assert Config.overridden(by_strength.to_dict(), {}) == by_strength
    with pytest.raises(ConfigError, match=r"^strength and style_weight are both given"):
        Config.preset(preset, strength=0.5, style_weight=1000)
    for name in ("strength", "style_weight"):
        with pytest.raises(ConfigError, match=r"^strength and style_weight are both None"):
            Config.preset(preset, **{name: None})


@pytest.mark.parametrize("task", ["texture", "reconstruct"])
def test_only_stylizing_starts_from_the_content_unasked(task):
    assert Config.preset("fast").init == "content"
    assert Config.preset("fast", task=task).init == "noise"
    assert Config.preset("fast", task=task, init="grey").init == "grey"
    assert Config.preset("neural-style", task=task).init == "grey"
    with pytest.raises(ConfigError, match=r"^init is 'content', .*; try init noise$"):
        Config.preset("fast", task=task, init="content")


def test_layers_are_in_the_networks_order_and_end_where_nothing_counts():
    for order in (("block4_conv2", "block1_conv1"), ("block1_conv1", "block4_conv2")):
        styles = {**dict.fromkeys(order, 1), "block5_conv1": 0}
        config = Config(style_layers=styles, content_layers={"block3_conv4": 1, order[0]: 1})
        assert config.layers == ("block1_conv1", "block3_conv4", "block4_conv2")


def test_shares_of_several_styles():
    assert Config().shares(2) == [0.5, 0.5]
    assert Config(style_blend=(3, 1)).shares(2) == [0.75, 0.25]
