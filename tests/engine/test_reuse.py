"""A painter that is used again: the same pictures, no further traces, and threads."""

import threading

import numpy as np
import pytest

from artistyle_tf import Config, Painter, stylize
from artistyle_tf.engine import painter as painting
from artistyle_tf.objective.whole import Objective


@pytest.fixture(scope="module")
def config(small_file):
    return Config(
        size=48, iterations=3, optimizer="lbfgs", weights=str(small_file), noise_amplitude=60
    )


def traces(painter):
    """How often each function was traced, of all solvers."""
    made = [pair for solvers in painter._solvers.values() for pair in solvers._made.values()]
    functions = [
        function
        for objective, minimizer, _ in made
        for function in (
            objective.value_and_gradient,
            objective._features,
            *minimizer._graphs.made.values(),
        )
    ]
    return [function.experimental_get_tracing_count() for function in functions]


def test_every_size_has_the_same_traces_and_the_picture_of_stylize(
    small_file, picture, monkeypatch
):
    loaded = []
    load = painting.load_network
    monkeypatch.setattr(painting, "load_network", lambda config: loaded.append(1) or load(config))
    settings = Config(size=0, iterations=2, optimizer="lbfgs", weights=str(small_file))
    painter = Painter(settings)
    sizes = [(48, 64), (64, 48), (50, 70)]
    made = [painter(picture(*size), picture(40, 50, 1)) for size in sizes]
    assert set(traces(painter)) == {1}
    assert len(loaded) == 1
    again = painter(picture(48, 64), picture(40, 50, 1))
    assert again.image.tobytes() == made[0].image.tobytes()
    assert again.record == made[0].record
    alone = stylize(picture(50, 70), picture(40, 50, 1), settings)
    assert alone.image.tobytes() == made[2].image.tobytes()
    assert alone.record == made[2].record
    assert [one.image.shape[:2] for one in made] == sizes


@pytest.mark.parametrize(("color", "more"), [("style", 0), ("match", 2)])
def test_a_style_is_computed_once_for_all_photos_of_a_size(
    small_file, picture, monkeypatch, color, more
):
    """Upright or not; where its colours follow the photo's, for each."""
    seen, statistics = [], Objective.statistics
    monkeypatch.setattr(Objective, "statistics", lambda *all: seen.append(1) or statistics(*all))
    config = Config(
        size=96, levels=2, iterations=2, optimizer="lbfgs", weights=str(small_file), color=color
    )
    painter, style = Painter(config), picture(40, 50, 1)
    painter(picture(64, 96), style)
    assert len(seen) == 2
    again = painter(picture(96, 64, 2), style.copy())
    assert len(seen) == 2 + more
    assert again.image.tobytes() == stylize(picture(96, 64, 2), style, config).image.tobytes()
    painter(picture(64, 96), picture(40, 50, 2))
    assert len(seen) == 6 + more


def test_masks_have_solvers_of_their_own(config, picture):
    painter, mask = Painter(config), np.full((48, 48), 255, np.uint8)
    plain = painter(picture(48, 48), picture(48, 48, 1))
    masked = painter(picture(48, 48), picture(48, 48, 1), content_masks=[mask])
    assert len(painter._solvers) == 2
    np.testing.assert_allclose(masked.image, plain.image, atol=2)


def test_threads_with_a_painter_each_or_one_together(config, picture):
    wanted = {seed: stylize(picture(48, 48, seed), picture(48, 48, 9), config) for seed in (0, 1)}
    shared, found, inside = Painter(config), {}, []

    def watch(step):
        inside.append(threading.get_ident())

    def paint(painter, seed, key):
        callback = watch if painter is shared else None
        found[key] = painter(picture(48, 48, seed), picture(48, 48, 9), callback=callback)

    jobs = [
        (shared, 0, "a"),
        (shared, 1, "b"),
        (Painter(config), 0, "c"),
    ]
    threads = [threading.Thread(target=paint, args=job) for job in jobs]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for _, seed, key in jobs:
        assert found[key].image.tobytes() == wanted[seed].image.tobytes()
    assert len(inside) == 6
    assert len(set(inside[:3])) == len(set(inside[3:])) == 1  # one waited for the other
