"""What a run took, and what is left of it, also after a resume."""

import math

import pytest

from artistyle_tf.engine.plan import Level, Plan
from artistyle_tf.engine.state import Clock, RunState


@pytest.fixture
def now(monkeypatch):
    time = [100.0]
    monkeypatch.setattr("time.perf_counter", lambda: time[0])
    return time


class Search:
    def __init__(self, iterations):
        self.iterations = iterations
        self.evaluations = iterations


def at(done, trace=(), level=0):
    plan = Plan(0, 5, 0)
    return RunState(
        levels=(Level((10, 10), 100, plan), Level((20, 10), 50, plan)),
        level=level,
        dtype="float32",
        done=(*(100,) * level, done),
        trace=trace,
        search=Search(done),
    )


def test_seconds_and_setup(now):
    found = Clock()
    assert (found.running, found.seconds()) == (False, 0)
    now[0] += 3
    found.enter(at(0))
    now[0] += 2
    assert (found.running, found.setup, found.seconds()) == (True, 3, 2)


def test_the_time_left_counts_later_levels_by_their_pixels(now):
    """The first call, in which TensorFlow rewrites its graphs, made ten times as much of it."""
    found = Clock()
    found.enter(at(0))
    now[0] += 90
    assert math.isnan(found.remaining(at(1)))
    now[0] += 9
    assert found.remaining(at(10)) == pytest.approx(90 + 2 * 50)
    now[0] += 90
    found.enter(at(0, level=1))
    now[0] += 20
    assert found.remaining(at(1, level=1)) == pytest.approx(2 * 49)  # as long for each pixel
    now[0] += 27
    assert found.remaining(at(10, level=1)) == pytest.approx(3 * 40)


def test_after_a_resume_only_what_this_process_did_makes_the_pace(now):
    """Counting the 80 iterations of before as done in these ten seconds said a ninth of it."""
    found = Clock()
    found.enter(at(79, trace=((79, 80.0, 1.0, 10, 10),)))
    now[0] += 10
    assert math.isnan(found.remaining(at(80)))
    now[0] += 10
    assert found.seconds() == 100
    assert found.remaining(at(90)) == pytest.approx(10 + 2 * 50)
