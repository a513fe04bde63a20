"""Several iterations in one call of the device, and levels compiled by XLA."""

import numpy as np
import pytest

from artistyle_tf import Config, Painter
from artistyle_tf.callbacks.previews import Previews
from artistyle_tf.config.presets import PRESETS
from artistyle_tf.engine.checkpoints import Checkpoints
from painters import stylize


@pytest.fixture
def settings(small_file):
    return {
        "size": 32,
        "weights": str(small_file),
        "init": "content",
        "optimizer": "lbfgs",
        "precision": "float32",
        "iterations": 12,
    }


def seen(trace):
    """A trace without the seconds."""
    return [(row[0], *row[2:]) for row in trace]


@pytest.mark.parametrize("optimizer", ["lbfgs", "averaged"])
def test_the_bytes_are_those_of_single_iterations(settings, picture, optimizer):
    content, style = picture(64, 64, 1), picture(64, 64, 2)
    settings |= {"optimizer": optimizer, "size": 64, "levels": 2, "finest": 0.5}
    one = stylize(content, style, Config(**settings))
    iterations = []
    many = Painter(Config(**settings, steps_per_execution=5))(
        content, style, callback=lambda step: iterations.append(step.iteration)
    )
    assert iterations == [5, 6, 11, 12]  # never beyond the end of a level
    np.testing.assert_array_equal(many.image, one.image)
    assert seen(many.trace) == seen(one.trace)
    seconds = [row[1] for row in many.trace]
    assert seconds == sorted(seconds)
    assert many.record == one.record  # it is not what is painted


def test_what_became_due_within_a_call_is_done_after_it(settings, picture, tmp_path):
    content, style = picture(32, 32, 1), picture(32, 32, 2)
    previews = Previews(tmp_path / "out.png", 5)
    iterations = []

    def look(step):
        iterations.append(step.iteration)

    checkpoints = Checkpoints(tmp_path / "kept", every=6)
    config = Config(**settings, steps_per_execution=4)
    stylize(content, style, config, callback=[previews, look], checkpoints=checkpoints)
    assert iterations == [4, 8, 12]
    assert sorted(path.name for path in tmp_path.glob("*.png")) == ["out-0008.png", "out-0012.png"]
    names = sorted(path.name for path in (tmp_path / "kept").glob("*.npz"))
    assert [name[10:18] for name in names] == ["00000008", "00000012"]


def test_a_checkpoint_goes_on_in_other_steps(settings, picture, tmp_path):
    content, style = picture(32, 32, 1), picture(32, 32, 2)
    whole = stylize(content, style, Config(**settings))
    config = Config(**settings, steps_per_execution=4)
    folder = tmp_path / "kept"

    def stop(step):
        return step.iteration < 8

    broken = stylize(content, style, config, callback=stop, checkpoints=Checkpoints(folder))
    assert len(broken.trace) == 8
    resumed = stylize(
        content, style, Config(**settings), checkpoints=Checkpoints(folder, resume=True)
    )
    np.testing.assert_array_equal(resumed.image, whole.image)


def quick(preset):
    """What makes a preset quick to compile: few iterations, and the first blocks alone."""
    given = {"iterations": 4, "size": 32, "history": 5, "precision": "float32"}
    given |= {"style_layers": {"block1_conv1": 1}, "content_layers": {"block2_conv1": 1}}
    if PRESETS[preset].get("finer_iterations"):
        given["finer_iterations"] = 2
    return given


@pytest.mark.parametrize("preset", ["large"])
def test_every_preset_is_compiled_by_xla(small_file, picture, preset):
    content, style = picture(32, 32, 1), picture(32, 32, 2)
    given = {**quick(preset), "weights": str(small_file)}
    plain = stylize(content, style, Config.preset(preset, **given))
    compiled = stylize(content, style, Config.preset(preset, **given, jit_compile="on"))
    assert [row[0] for row in compiled.trace] == [row[0] for row in plain.trace]
    values = [[row[2] for row in result.trace] for result in (compiled, plain)]
    np.testing.assert_allclose(*values, rtol=2e-3)
    assert compiled.record["config"]["jit_compile"] == "on"
