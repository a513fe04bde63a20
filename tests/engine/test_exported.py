"""The exported objective: the numbers of `build_objective`, before and after a SavedModel."""

import dataclasses
import subprocess
import sys

import numpy as np
import pytest
import tensorflow as tf

from artistyle_tf import Stylizer
from artistyle_tf.config.config import Config
from artistyle_tf.engine.export import build_objective
from artistyle_tf.errors import ConfigError
from artistyle_tf.images.network_scale import to_network


@pytest.fixture(params=["gram", "w2"])
def case(small_file, picture, request):
    config = Config(
        size=48, weights=str(small_file), tv_weight=0.1, statistics=request.param,
        style_layers={"block1_conv1": 1, "block3_conv1": 1}, content_layers={"block2_conv1": 1},
    )  # fmt: skip
    pictures = picture(40, 48), picture(32, 48, 1)
    return (*pictures, config), to_network(picture(48, 48, 2))


@pytest.fixture
def plain(small_file, picture):
    config = Config(size=48, weights=str(small_file), style_layers={"block2_conv1": 1})
    return (picture(40, 48), picture(32, 48, 1), config), to_network(picture(48, 48, 2))


@pytest.mark.parametrize("jit", [False, True])
def test_the_same_numbers_as_the_objective(case, jit):
    arguments, image = case
    value, gradient = Stylizer(*arguments, jit_compile=jit).value_and_gradient(image)
    expected, slope = build_objective(*arguments)(image)
    # XLA has an eigendecomposition of its own.
    rough = 10 if jit and arguments[2].statistics == "w2" else 1
    assert float(value) == pytest.approx(float(expected), rel=1e-5 * rough)
    assert np.linalg.norm(gradient - slope) < 1e-4 * rough * np.linalg.norm(slope)


def test_exported_and_reloaded_where_the_package_is_not(plain, tmp_path):
    arguments, image = plain
    stylizer = Stylizer(*arguments)
    assert stylizer.trainable_variables == ()
    value, gradient = stylizer.value_and_gradient(image)
    tf.saved_model.save(stylizer, str(tmp_path / "saved"))
    np.save(tmp_path / "image.npy", image)
    # Another process without this package, as a server would be.
    program = (
        "import sys, numpy as np, tensorflow as tf\n"
        "sys.modules['artistyle_tf'] = None\n"
        "module = tf.saved_model.load('saved')\n"
        "value, gradient = module.value_and_gradient(tf.constant(np.load('image.npy')))\n"
        "np.savez('out.npz', value=value, gradient=gradient)\n"
    )
    subprocess.run([sys.executable, "-c", program], cwd=tmp_path, check=True, capture_output=True)
    with np.load(tmp_path / "out.npz") as out:
        assert out["value"] == value.numpy()
        assert np.array_equal(out["gradient"], gradient)
    again = tf.saved_model.load(str(tmp_path / "saved"))
    assert float(again.value_and_gradient(tf.constant(image))[0]) == float(value)


def test_tiles_are_exported_and_refused_by_xla(plain, tmp_path):
    (content, style, config), image = plain
    config = dataclasses.replace(config, tile_size=32)
    stylizer = Stylizer(content, style, config)
    value, gradient = stylizer.value_and_gradient(image)
    tf.saved_model.save(stylizer, str(tmp_path / "saved"))
    again = tf.saved_model.load(str(tmp_path / "saved"))
    reloaded, slope = again.value_and_gradient(tf.constant(image))
    assert float(reloaded) == float(value)
    assert np.array_equal(slope, gradient)
    with pytest.raises(ConfigError, match=r"^tile_size is 32; with jit_compile it must be 0 or au"):
        Stylizer(content, style, config, jit_compile=True)
