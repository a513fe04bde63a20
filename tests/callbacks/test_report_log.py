"""What is collected for a report, and how often that costs something."""

import numpy as np
import pytest

from artistyle_tf import ReportLog
from artistyle_tf.engine.results import Step


def make_step(iteration, iterations, level=1, size=(300, 500), counts=None):
    counts = {"parts": 0, "image": 0} if counts is None else counts

    def parts():
        counts["parts"] += 1
        return {"value": 1.0 * iteration, "style/block1_conv1": 0.5}

    def image():
        counts["image"] += 1
        return np.full((*size, 3), iteration % 256, np.uint8)

    return Step(
        level=level,
        levels=3,
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


def logged(iterations, counts=None):
    log = ReportLog()
    for iteration in range(1, iterations + 1):
        level = 1 + 3 * iteration // (iterations + 1)
        log(make_step(iteration, iterations, level, counts=counts))
    return log


@pytest.mark.parametrize(("iterations", "most"), [(40, 8), (300, 18)])
def test_few_of_many_iterations_evenly_and_both_ends(iterations, most):
    counts = {"parts": 0, "image": 0}
    log = logged(iterations, counts)
    pictured = [moment.iteration for moment in log if moment.picture is not None]
    parted = [moment.iteration for moment in log if moment.parts is not None]
    assert len(pictured) == counts["image"] == 12
    assert most <= len(parted) == counts["parts"] <= most + 2
    for found in (pictured, parted):
        assert (found[0], found[-1]) == (1, iterations)
    assert np.ptp(np.diff(pictured)) <= 1
    assert {moment.level for moment in log if moment.parts} == {1, 2, 3}


def test_thumbnails_are_small_and_another_run_begins_anew():
    log = ReportLog()
    log(make_step(3, 9, 2))
    (moment,) = log
    assert moment.picture.shape == (144, 240, 3)
    assert moment.picture.dtype == np.uint8
    assert (moment.level, moment.levels, moment.evaluations, moment.objective) == (2, 3, 6, 3.0)
    assert moment.parts["value"] == 3.0
    log(make_step(1, 9, size=(20, 30)))
    (moment,) = log
    assert moment.picture.shape == (20, 30, 3)
