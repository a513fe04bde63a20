"""Whatever ends a run, the best picture comes back, and a checkpoint stays."""

import itertools

import pytest
import tensorflow as tf

from artistyle_tf import ArtistyleError, Checkpoints, Config
from artistyle_tf.engine import optimize, painter
from artistyle_tf.engine.problem import Problem
from artistyle_tf.engine.solvers import Solvers
from artistyle_tf.objective.whole import Objective
from artistyle_tf.optimizers import LBFGS
from painters import stylize


def exhausted():
    return tf.errors.ResourceExhaustedError(None, None, "OOM when allocating")


def internal():
    return tf.errors.InternalError(None, None, "a kernel failed")


@pytest.fixture
def run(small_file, picture, tmp_path):
    """Runs two levels of 3 + 3 iterations with checkpoints; what comes back."""
    config = Config(
        size=64,
        levels=2,
        finest=0.5,
        iterations=6,
        optimizer="lbfgs",
        weights=str(small_file),
        noise_amplitude=60,
    )

    number = itertools.count()

    def painted(callback=None):
        kept = Checkpoints(tmp_path / f"kept{next(number)}", every=100)
        pictures = picture(64, 64), picture(50, 40, 1)
        return stylize(*pictures, config, callback=callback, checkpoints=kept)

    return painted


def fail_at_size(monkeypatch, place, name, error, size=64):
    """The function raises as soon as it has to do with that size."""
    own = getattr(place, name)

    def failing(*arguments, **options):
        told = [one for one in arguments if isinstance(one, tuple)]
        shapes = [one.here.size for one in arguments if hasattr(one, "here")]
        if (size, size) in [*told, *shapes]:
            raise error
        return own(*arguments, **options)

    monkeypatch.setattr(place, name, failing)


@pytest.mark.parametrize(
    ("place", "name", "error"),
    [
        (optimize, "_iterate", exhausted()),
        (Problem, "targets", internal()),
        (optimize, "resample", MemoryError()),
    ],
    ids=["advance", "targets", "resample"],
)
def test_an_error_at_the_second_level(run, monkeypatch, tmp_path, caplog, place, name, error):
    fail_at_size(monkeypatch, place, name, error)
    result = run()
    assert len(result.trace) == 3
    assert result.image.shape == (64, 64, 3)
    assert result.image.std() > 5
    assert result.error is error
    out = not isinstance(error, tf.errors.InternalError)
    wanted = "memory ran out" if out else "InternalError was raised"
    assert result.stop_reason == wanted == result.record["outcome"]["stop_reason"]
    assert wanted in caplog.text
    assert result.objective == pytest.approx(min(row[2] for row in result.trace), rel=1e-4)
    assert list((tmp_path / "kept0").glob("*.npz"))


def test_memory_that_runs_out_in_the_smallest_tiles(run, monkeypatch):
    """Every tile fails from the fourth iteration on."""
    advance = LBFGS.advance

    def greedy(minimizer, state, *arguments, **options):
        if int(state.iterations) >= 1 and state.position.shape[0] == 64 * 64 * 3:
            raise exhausted()
        return advance(minimizer, state, *arguments, **options)

    monkeypatch.setattr(LBFGS, "advance", greedy)
    result = run()
    assert (len(result.trace), result.stop_reason) == (4, "memory ran out")
    assert result.record["plans"][1]["tile"] in (0, 64)
    assert isinstance(result.error, tf.errors.ResourceExhaustedError)


def test_ctrl_c_while_the_parts_are_computed(run, monkeypatch):
    """The run is done, and its picture is not lost."""

    def interrupt(*arguments):
        raise KeyboardInterrupt

    monkeypatch.setattr(painter, "named_parts", interrupt)
    result = run()
    assert result.stop_reason == "all 6 iterations done"
    assert result.image.std() > 5


def test_parts_that_fail_in_a_callback(run, monkeypatch):
    error = exhausted()

    def failing(*arguments):
        raise error

    def watch(step):
        if step.iteration == 4:
            monkeypatch.setattr(Objective, "parts", failing)
            step.parts()

    result = run(watch)
    assert len(result.trace) == 4
    assert result.image.std() > 5
    assert result.error is error
    assert result.stop_reason == f"a callback raised {type(error).__name__}"


def test_a_replanning_that_finds_no_room(run, monkeypatch, tmp_path):
    """bfloat16 gives way to float32, which doesn't fit."""
    planned = Solvers.planned

    def made(solvers, levels, dtype):
        if len(levels) == 1:
            raise ArtistyleError("64×64 px would take about 9 GB of memory")
        return planned(solvers, levels, dtype)

    def stuck(config, state):
        return state.level == 1 and state.iterations == 4

    monkeypatch.setattr(optimize, "_may_widen", stuck)
    monkeypatch.setattr(optimize, "_stalls", stuck)
    monkeypatch.setattr(Solvers, "planned", made)
    result = run()
    assert len(result.trace) == 4
    assert isinstance(result.error, ArtistyleError)
    assert result.stop_reason == "ArtistyleError was raised"
    assert list((tmp_path / "kept0").glob("*.npz"))


def test_before_there_is_a_picture_the_error_itself_comes(run, monkeypatch):
    fail_at_size(monkeypatch, Problem, "targets", internal(), size=32)
    with pytest.raises(tf.errors.InternalError, match="a kernel failed"):
        run()


def test_the_last_resampling_may_fail(run, monkeypatch):
    """Broken off at the coarse level, and no memory to enlarge it: then it comes as it is."""

    def stop(step):
        return step.iteration < 2

    def failing(*arguments):
        raise MemoryError

    monkeypatch.setattr(painter, "resample", failing)
    result = run(stop)
    assert result.image.shape == (32, 32, 3)
