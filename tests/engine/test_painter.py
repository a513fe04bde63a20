"""The run as a whole, on a small network and small pictures."""

import dataclasses
import json

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

import artistyle_tf
from artistyle_tf import ArtistyleError, Config, ConfigError, InputError, optimizers
from artistyle_tf.engine import solvers
from artistyle_tf.engine.export import build_objective
from artistyle_tf.images.network_scale import to_network
from artistyle_tf.images.picture import Picture
from artistyle_tf.images.read import read_record
from artistyle_tf.objective.whole import Objective
from artistyle_tf.optimizers import LBFGS
from painters import stylize


@pytest.fixture
def settings(small_file):
    def make(**overrides):
        defaults = {"size": 48, "iterations": 6, "optimizer": "lbfgs", "weights": str(small_file)}
        return Config(**{**defaults, **overrides})

    return make


@pytest.mark.parametrize(("size", "expected"), [(48, (36, 48)), (53, (40, 53)), (0, (60, 80))])
def test_the_result_has_the_asked_size_and_the_contents_aspect(settings, picture, size, expected):
    result = stylize(picture(60, 80), picture(50, 40, 1), settings(size=size))
    assert result.image.shape == (*expected, 3)
    assert result.image.dtype == np.uint8


@pytest.fixture(scope="module")
def judge(small_file, picture):
    """The objective of two pictures, traced once."""
    config = Config(size=48, weights=str(small_file))
    return build_objective(picture(48, 48), picture(48, 48, 1), config)


@pytest.mark.parametrize("optimizer", ["lbfgs", "adam", "averaged"])
def test_every_minimizer_lowers_the_objective(settings, picture, judge, optimizer):
    config = settings(optimizer=optimizer, init="noise", iterations=20)
    result = stylize(picture(48, 48), picture(48, 48, 1), config)
    objectives = [row[2] for row in result.trace]
    assert len(result.trace) == 20
    assert np.isfinite(objectives).all()
    assert min(objectives) < 0.5 * objectives[0]
    assert result.stop_reason == "all 20 iterations done"
    # The float image's objective, but for rounding to eight bits and clipping.
    value, _ = judge(to_network(result.image))
    start, _ = judge(np.zeros((1, 48, 48, 3), np.float32))
    assert float(value) < float(start)


def test_levels_share_one_trace_and_the_iterations(settings, picture, monkeypatch):
    seen = []

    class Watched(LBFGS):
        def __init__(self, *args, **kwargs):
            super().__init__(*args, **kwargs)
            seen.append(self)

    monkeypatch.setattr(optimizers, "LBFGS", Watched)
    result = artistyle_tf.stylize(
        picture(100, 140), picture(50, 40, 1), settings(size=140, levels=3, iterations=12)
    )
    sizes = [tuple(row[3:]) for row in result.trace]
    assert sorted(set(sizes)) == [(32, 48), (48, 64), (112, 144)]
    assert len(sizes) == 12
    assert sizes == sorted(sizes)
    assert result.image.shape == (100, 140, 3)
    assert len(seen) == 1
    graphs = seen[0]._graphs.made.values()
    assert {graph.experimental_get_tracing_count() for graph in graphs} == {1}
    evaluations, seconds = zip(*[row[:2] for row in result.trace], strict=True)
    assert list(evaluations) == sorted(evaluations)
    assert list(seconds) == sorted(seconds)


def test_the_callback_sees_every_step_and_can_stop(settings, picture):
    steps = []

    def callback(step):
        steps.append(step)
        parts = step.parts()
        kinds = ("content", "style", "total_variation", "gamut", "palette")
        total = sum(parts[kind] for kind in kinds)
        assert parts["value"] == pytest.approx(total, rel=1e-5)
        assert parts["value"] == pytest.approx(step.objective, rel=1e-3)
        layers = [value for name, value in parts.items() if name.startswith("style/")]
        assert sum(layers) == pytest.approx(parts["style"], rel=1e-5)
        assert step.image().shape == (*step.size, 3)
        raw = step.unclipped()
        assert raw.dtype == np.float32
        np.testing.assert_array_equal(np.clip(np.rint(raw), 0, 255), step.image())
        return step.iteration < 4

    result = stylize(
        picture(60, 80), picture(50, 40, 1), settings(iterations=50), callback=callback
    )
    assert [step.iteration for step in steps] == [1, 2, 3, 4]
    assert result.stop_reason == "stopped by the callback"
    assert result.image.shape == (36, 48, 3)
    np.testing.assert_array_equal(np.clip(np.rint(result.unclipped), 0, 255), result.image)
    first = steps[0]
    assert (first.level, first.levels, first.size, first.iterations) == (1, 1, (48, 48), 50)
    assert steps[-1].remaining > 0
    assert result.record["outcome"]["iterations"] == 4


@pytest.mark.parametrize("level", [1, 2])
def test_ctrl_c_keeps_what_there_is_at_the_asked_size(settings, picture, level):
    def callback(step):
        if step.level == level:
            raise KeyboardInterrupt

    config = settings(size=100, levels=2, iterations=10)
    result = stylize(picture(80, 100), picture(50, 40, 1), config, callback=callback)
    assert result.stop_reason == "interrupted"
    assert result.image.shape == (80, 100, 3)
    assert np.std(result.image) > 1


def test_an_error_in_the_callback_ends_the_run_with_its_picture(settings, picture, caplog):
    def callback(step):
        if step.iteration == 3:
            raise RuntimeError("mine")

    result = stylize(picture(48, 48), picture(48, 48, 1), settings(), callback=callback)
    assert isinstance(result.error, RuntimeError)
    assert result.stop_reason == "a callback raised RuntimeError"
    assert len(result.trace) == 3
    assert result.image.shape == (48, 48, 3)
    assert "a callback raised RuntimeError: mine" in caplog.text


def test_the_record_holds_what_determines_the_pixels(settings, picture, tmp_path):
    content, path = picture(60, 80), tmp_path / "content.png"
    Image.fromarray(content).save(path)
    config = settings(style_blend=(3, 1))
    result = stylize(path, [picture(50, 40, 1), picture(50, 40, 2)], config)
    result.save(tmp_path / "out.png")
    record = read_record(tmp_path / "out.png")
    assert record == json.loads(json.dumps(result.record))
    assert record["config"]["style_blend"] == [3.0, 1.0]
    assert record["config"]["weights"] == "small.npz"
    assert record["content"] == {
        "name": "content.png",
        "sha256": Picture(content, None, "content.png", ()).digest,
    }
    assert len(record["styles"]) == 2
    assert record["weights"]["name"] == "small.npz"
    assert record["levels"] == [[48, 48, 6]]
    assert record["outcome"]["stop_reason"] == result.stop_reason
    assert record["outcome"]["objective"]["value"] == pytest.approx(result.trace[-1][2], rel=1e-3)
    assert str(tmp_path) not in json.dumps(record)


def test_two_styles_lie_between_their_own_results(settings, picture):
    """All of one style in a blend is that style alone."""
    styles = [picture(50, 40, 1), picture(60, 60, 2)]
    config = settings(style_blend=(1, 0))
    both = stylize(picture(48, 48), styles, config)
    alone = stylize(picture(48, 48), styles[0], settings())
    np.testing.assert_array_equal(both.image, alone.image)


def test_what_the_user_should_know_is_logged_and_recorded(settings, picture, caplog):
    result = stylize(picture(24, 32), picture(40, 30, 1), settings(size=48))
    wanted = ["array has only 32 px on its longer side and is enlarged to 48"]
    assert wanted[0] in result.record["notes"]
    assert any("has only 40 px" in note for note in result.record["notes"])
    assert [record.getMessage() for record in caplog.records] == result.record["notes"]


def test_alpha_comes_back(settings, picture, tmp_path):
    rgba = np.dstack([picture(60, 80), np.full((60, 80), 255, np.uint8)])
    rgba[:30, :, 3] = 0
    result = stylize(rgba, picture(50, 40, 1), settings())
    result.save(tmp_path / "out.png")
    alpha = np.asarray(Image.open(tmp_path / "out.png"))[..., 3]
    assert alpha.shape == (36, 48)
    assert alpha[:14].max() == 0
    assert alpha[22:].min() == 255


def test_an_objective_that_is_not_finite_is_an_error_not_a_picture(
    settings, picture, small_arrays, tmp_path
):
    arrays = {}
    for layer, (kernel, bias) in small_arrays.items():
        arrays[f"{layer}/kernel"], arrays[f"{layer}/bias"] = kernel * np.float32(1e5), bias
    np.savez(tmp_path / "huge.npz", **arrays)
    config = settings(weights=str(tmp_path / "huge.npz"))
    with pytest.raises(ArtistyleError, match="not finite at the start"):
        stylize(picture(48, 48), picture(48, 48, 1), config)


def test_settings_are_checked_before_any_file_is_opened(settings):
    for callback in ("print", [print, None], 3):
        with pytest.raises(ConfigError, match="it must be a function of a Step, or a list"):
            stylize("missing.jpg", "missing.jpg", settings(), callback=callback)
    with pytest.raises(ConfigError, match="one share for each style"):
        stylize("missing.jpg", "missing.jpg", settings(style_blend=(1, 2)))
    with pytest.raises(InputError, match=r"missing\.jpg"):
        stylize("missing.jpg", "missing.jpg", settings())


def test_iterations_that_a_level_leaves_go_to_the_next(settings, picture):
    """From the style's own pixels there is nothing to gain on the coarse level."""
    grey = np.full((64, 64, 3), 128, np.uint8)
    config = settings(size=64, levels=2, iterations=10, init="content")
    result = stylize(grey, grey, config)
    # Where rounding leaves a gradient of 1e-8, no step along it is any better.
    assert result.stop_reason.startswith(("converged", "the line search failed"))
    assert result.record["levels"] == [[32, 32, 0], [64, 64, 0]]


def test_a_search_that_ends_leaves_no_infinite_value_behind(settings, picture):
    """A restart is evaluated before anybody sees it, and only iterations that moved count."""
    steps = []
    config = settings(init="content", iterations=60)
    style = picture(48, 48)
    result = stylize(style, style, config, callback=steps.append)
    assert np.isfinite([row[2] for row in result.trace]).all()
    assert np.isfinite([step.objective for step in steps]).all()
    assert result.record["outcome"]["iterations"] == len(result.trace)


def test_tensor_float_32_is_put_back(settings, picture):
    before = tf.config.experimental.tensor_float_32_execution_enabled()
    inside = []

    def callback(step):
        inside.append(tf.config.experimental.tensor_float_32_execution_enabled())

    stylize(picture(48, 48), picture(48, 48, 1), settings(), callback=callback)
    assert inside
    assert not any(inside)
    assert tf.config.experimental.tensor_float_32_execution_enabled() == before


class Greedy(Objective):
    """What TensorFlow does where memory runs out, at every evaluation of the whole picture."""

    def _value_and_gradient(self, image, targets):
        def run_out():
            raise MemoryError

        with tf.control_dependencies([tf.py_function(run_out, [], [])]):
            return super()._value_and_gradient(tf.identity(image), targets)


def test_memory_that_runs_out_makes_the_tiles_smaller(settings, picture, monkeypatch, caplog):
    config = settings(size=128, levels=1, iterations=2, noise_amplitude=60)
    wanted = stylize(
        picture(96, 128), picture(50, 40, 1), dataclasses.replace(config, tile_size=64)
    )
    monkeypatch.setattr(solvers, "Objective", Greedy)
    result = artistyle_tf.stylize(picture(96, 128), picture(50, 40, 1), config)
    assert "memory ran out; continuing in tiles of 64 px" in caplog.text
    assert result.record["plans"] == [{"tile": 64, "history": config.history}]
    # The targets had been computed whole, so rounded elsewhere.
    np.testing.assert_allclose(result.unclipped, wanted.unclipped, atol=0.01)


def test_tiles_paint_the_same_picture(settings, picture):
    config = settings(
        size=128,
        levels=2,
        iterations=4,
        tv_weight=0.01,
        precision="float32",
    )
    whole = stylize(picture(84, 128), picture(50, 40, 1), config)
    tiled = stylize(picture(84, 128), picture(50, 40, 1), dataclasses.replace(config, tile_size=48))
    assert [plan["tile"] for plan in tiled.record["plans"]] == [48, 48]
    assert tiled.trace[-1][2] == pytest.approx(whole.trace[-1][2], rel=1e-3)
    assert np.abs(tiled.unclipped - whole.unclipped).mean() < 0.2
