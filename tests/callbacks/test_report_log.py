"""What is collected for a report, and how often that costs something."""

import numpy as np
import pytest

from artistyle_tf import ReportLog
from artistyle_tf.engine.events import Step


def make_step(iteration, iterations, level=1, levels=1, counts=None, size=(300, 500)):
    counts = {"parts": 0, "image": 0} if counts is None else counts

    def parts():
        counts["parts"] += 1
        return {"value": 1.0 * iteration, "style/block1_conv1": 0.5}

    def image():
        counts["image"] += 1
        return np.full((*size, 3), iteration % 256, np.uint8)

    return Step(
        level=level,
        levels=levels,
        size=size,
        iteration=iteration,
        iterations=iterations,
        evaluations=2 * iteration,
        objective=1.0 * iteration,
        seconds=0.1 * iteration,
        remaining=0.0,
        parts=parts,
        image=image,
        unclipped=image,
    )


@pytest.mark.parametrize(("iterations", "most"), [(40, 8), (300, 18), (870, 36), (10**4, 36)])
def test_few_of_many_iterations_evenly_and_both_ends(iterations, most):
    log, counts = ReportLog(), {"parts": 0, "image": 0}
    for iteration in range(1, iterations + 1):
        level = 1 + 3 * iteration // (iterations + 1)
        log(make_step(iteration, iterations, level, 3, counts))
    pictured = [moment.iteration for moment in log if moment.picture is not None]
    parted = [moment.iteration for moment in log if moment.parts is not None]
    assert len(pictured) == counts["image"] == 12
    assert most <= len(parted) == counts["parts"] <= most + 2
    for found in (pictured, parted):
        assert (found[0], found[-1]) == (1, iterations)
    gaps = np.diff(pictured)
    assert max(gaps) - min(gaps) <= 1
    assert {moment.level for moment in log if moment.parts} == {1, 2, 3}


@pytest.mark.parametrize("iterations", [1, 2, 5, 8])
def test_all_of_few(iterations):
    log = ReportLog()
    for iteration in range(1, iterations + 1):
        log(make_step(iteration, iterations))
    assert [moment.iteration for moment in log] == list(range(1, iterations + 1))
    assert all(moment.picture is not None and moment.parts for moment in log)


def test_steps_that_are_not_told_one_by_one():
    log = ReportLog()
    for iteration in range(7, 301, 7):
        log(make_step(iteration, 300))
    pictured = [moment.iteration for moment in log if moment.picture is not None]
    assert len(pictured) == 11  # the last one, due at 300, was not told
    assert pictured[0] == 7


def test_thumbnails_are_small_and_the_values_those_of_the_step():
    log = ReportLog()
    log(make_step(3, 9, 2, 4))
    (moment,) = log
    assert moment.picture.shape == (144, 240, 3)
    assert moment.picture.dtype == np.uint8
    assert (moment.level, moment.levels, moment.evaluations, moment.objective) == (2, 4, 6, 3.0)
    assert moment.parts["value"] == 3.0
    log = ReportLog()
    log(make_step(1, 9, size=(20, 30)))
    assert next(iter(log)).picture.shape == (20, 30, 3)


def test_another_run_begins_anew():
    log = ReportLog()
    for _ in range(2):
        for iteration in (1, 2, 3):
            log(make_step(iteration, 3))
    assert [moment.iteration for moment in log] == [1, 2, 3]
    assert len(log) == 3
