"""A level's step as XLA is given it: what is an argument, what precision it asks for."""

import importlib.util
import re

import pytest

from artistyle_tf import Config
from artistyle_tf.engine.export import lower_level
from artistyle_tf.engine.plan import Level, Plan
from artistyle_tf.vgg.weights import load


def lowered(preset, file, *, kind="TPU", dtype="bfloat16", tile=0, size=(48, 64), **given):
    config = Config.preset(preset, weights=str(file), history=5, jit_compile="on", **given)
    weights = load(config.weights, config.layers[-1])
    level = Level(size, 10, Plan(tile, config.history, 0))
    return lower_level(config, weights, level, dtype, kind=kind)


@pytest.fixture
def text_of(script):
    """A function: what was lowered → its module as text."""
    if importlib.util.find_spec("jax") is None:
        pytest.skip("the extra tpu-check is not installed")
    compiler = script("compile_for_tpu")
    return lambda made: compiler.in_own_process(compiler.stablehlo, made)


def convolutions(text):
    """(those of the network, those that blur the picture for the palette's loss)"""
    found = re.findall(r"stablehlo\.convolution.*", text)
    blurs = [line for line in found if "feature_group_count = 3" in line]
    return [line for line in found if line not in blurs], blurs


@pytest.mark.parametrize("preset", ["fast", "crowson"])
def test_for_tpus_there_is_no_float64_and_gram_matrices_are_true_float32(
    text_of, preset, small_file
):
    text = text_of(lowered(preset, small_file))
    assert "f64" not in text
    products = re.findall(r"stablehlo\.dot_general .*", text)
    wide = [line for line in products if "bf16" not in line]
    assert wide
    assert all("HIGHEST" in line for line in wide)
    network, blurs = convolutions(text)
    assert network
    assert all("bf16" in line for line in network)
    assert not any("bf16" in line for line in blurs)


def test_the_step_reads_its_filters_as_arguments(small_file):
    """They are not in the module."""
    assert len(lowered("fast", small_file)) < 2e6


def test_the_objective_is_one_computation(text_of, small_file):
    """One evaluation has a convolution a layer and its gradients: the graph has no more."""
    text = text_of(lowered("fast", small_file))
    network, blurs = convolutions(text)
    assert len(network) <= 3 * 13
    assert len(blurs) == 2 * 2


def test_tiles_for_tpus_have_one_shape(text_of, small_file):
    text = text_of(lowered("fast", small_file, tile=64, size=(256, 320)))
    assert "f64" not in text
    assert "tensor<1x224x224x3xf32>" in text  # 64 px and the halo of 80 on each side


@pytest.mark.parametrize("preset", ["paper", "large", "crowson"])
def test_every_preset_becomes_a_module(text_of, preset, small_file):
    layers = {"style_layers": {"block1_conv1": 1}, "content_layers": {"block2_conv1": 1}}
    made = lowered(preset, small_file, size=(32, 32), **layers)
    assert "stablehlo.while" in text_of(made)
