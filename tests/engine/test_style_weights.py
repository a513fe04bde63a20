"""How strongly the style counts is found once, of the photo at the first level, and kept."""

import numpy as np
import pytest
import tensorflow as tf

from artistyle_tf import Checkpoints, Config, stylize
from artistyle_tf.engine.export import build_objective
from artistyle_tf.engine.problem import Problem
from artistyle_tf.engine.provenance import read_rerun
from artistyle_tf.images.network_scale import to_network
from artistyle_tf.images.sizes import resize
from artistyle_tf.objective.whole import Objective

pytestmark = pytest.mark.usefixtures("unfrozen")


@pytest.fixture
def config(small_file):
    return Config.preset(
        "fast", size=64, levels=2, finest=0.6, iterations=6, weights=str(small_file),
        precision="float32", init="noise", coarsest=32, strength=0.6,
    )  # fmt: skip


@pytest.fixture
def pictures(picture):
    return picture(64, 64), picture(40, 50, 1)


@pytest.fixture
def noted(monkeypatch):
    """[photo, the weights found for it], and what each level was given."""
    found, given = [], []
    find, targets = Objective.find_style_weights, Problem.targets

    def noting(objective, photo, goal):
        found.append((photo.numpy(), find(objective, photo, goal)))
        return found[-1][1]

    def made(problem, objective, size):
        goal = targets(problem, objective, size)

        class Noting(type(goal)):
            def with_weights(self, weights):
                given.append((size, weights))
                return goal.with_weights(weights)

        return Noting(*goal)

    monkeypatch.setattr(Objective, "find_style_weights", noting)
    monkeypatch.setattr(Problem, "targets", made)
    return found, given


def test_by_the_photo_once_for_all_levels(config, pictures, noted):
    """Though the run starts from noise."""
    found, given = noted
    result = stylize(*pictures, config)
    ((photo, weights),) = found
    sizes = [tuple(level[:2]) for level in result.record["levels"]]
    assert len(sizes) == 2
    assert [size for size, _ in given] == sizes
    assert all(one == weights for _, one in given)
    np.testing.assert_allclose(photo, to_network(resize(pictures[0], sizes[0])), atol=1e-4)
    assert result.record["config"]["style_weight"] == weights.beta
    assert result.record["config"]["strength"] == 0.6
    other = stylize(*pictures, Config(**{**config.to_dict(), "init": "content"}))
    assert other.record["config"]["style_weight"] == weights.beta
    image = np.random.default_rng(0).normal(size=(1, 64, 64, 3)).astype(np.float32)
    bound = build_objective(*pictures, config)
    for name, one in bound.targets.weights.items():
        np.testing.assert_allclose(one, weights.by_layer[name], rtol=1e-4)
    assert np.isfinite(float(bound(tf.constant(image))[0]))


@pytest.mark.parametrize("count", [1, 5])
def test_kept_when_a_run_goes_on(config, pictures, noted, tmp_path, count):
    found, given = noted
    stylize(
        *pictures, config, callback=lambda step: step.iteration < count,
        checkpoints=Checkpoints(tmp_path),
    )  # fmt: skip
    result = stylize(*pictures, config, checkpoints=Checkpoints(tmp_path, resume=True))
    ((_, weights),) = found
    assert len(given) >= 3
    assert all(one == weights for _, one in given)
    assert result.record["config"]["style_weight"] == weights.beta


def test_a_rerun_at_another_size_keeps_the_weight(config, pictures, tmp_path):
    result = stylize(*pictures, config)
    result.save(tmp_path / "a.png")
    weight = result.record["config"]["style_weight"]
    again = read_rerun(tmp_path / "a.png", size=96, weights=config.weights).config
    assert (again.strength, again.style_weight) == (0.6, weight)
    assert stylize(*pictures, again).record["config"]["style_weight"] == weight
    other = read_rerun(tmp_path / "a.png", weights=config.weights, strength=0.6).config
    assert other == config
