"""Runs and sessions, with painters that only pretend, and one that paints; large paintings."""

import dataclasses
import os
import threading
import time
import types

import numpy as np
import pytest

from artistyle_tf import Config
from artistyle_tf.engine.plan import Room
from artistyle_tf.errors import ArtistyleError, InputError
from artistyle_tf.images import read, write
from artistyle_tf.web import studio as studio_module
from artistyle_tf.web.form import Limits
from artistyle_tf.web.messages import describe_progress, describe_state
from artistyle_tf.web.studio import (
    DRAFT,
    Order,
    Run,
    Session,
    Studio,
    enlarged,
    estimate,
    make_painter,
)

CONFIG = Config(size=32, iterations=3, optimizer="lbfgs")
LONG = 600
"""Seconds after which something hangs."""


class Pretender:
    """Paints until it is stopped, or `steps` times; `made` are the configs of its painters."""

    def __init__(self, steps=10**6):
        self.steps, self.painted, self.made = steps, 0, []
        self.fault = None

    def __call__(self, config):
        self.made.append(config)
        return self.paint

    def paint(self, *pictures, callback, checkpoints, content_masks):
        self.painted += 1
        if self.fault:
            raise self.fault
        image = np.full((24, 32, 3), self.painted, np.uint8)
        pause = threading.Event()
        for iteration in range(1, self.steps + 1):
            step = types.SimpleNamespace(
                image=lambda: image, iteration=iteration, iterations=self.steps, level=1,
                levels=1, evaluations=1, objective=1.0, seconds=0.0, remaining=1.0,
                parts=lambda: {"style/a": 1.0},
            )  # fmt: skip
            if False in [each(step) for each in callback]:
                break
            pause.wait(0.001)
        return types.SimpleNamespace(
            image=image, error=None, stop_reason="", save=lambda path: write.write(path, image)
        )


@pytest.fixture
def made(tmp_path):
    """A function: a painter → a studio with it; all are closed in the end."""
    studios = []

    def make(painter):
        studios.append(Studio(str(tmp_path / "results"), str(tmp_path), painter))
        return studios[-1]

    yield make
    for studio in studios:
        studio.close()


@pytest.fixture
def order(picture):
    return Order(CONFIG, read(picture(24, 32)), read(picture(24, 32, 1)))


def going(run):
    """Waits until it is painted."""
    for _ in run.updates(0.01):
        if run.step:
            return run
    raise AssertionError(run.error)


def test_one_paints_and_the_others_wait_in_line(made, order, monkeypatch):
    studio = made(Pretender())
    first, second, third = (studio.submit(order) for _ in range(3))
    going(first)
    assert [studio.place(run) for run in (first, second, third)] == [0, 1, 2]
    monkeypatch.setattr(studio_module, "LONGEST_QUEUE", 2)
    with pytest.raises(InputError, match="already waiting"):
        studio.submit(order)
    second.stop()
    assert second.wait(LONG)
    assert (second.result, second.error, studio.place(third)) == (None, None, 1)
    first.stop()
    going(third)
    assert first.unfinished
    assert studio.place(third) == 0
    waiting = studio.submit(order)
    studio.close()
    assert studio.saved == [("", first.path), ("", third.path)]
    assert waiting.over
    with pytest.raises(InputError, match="stopping"):
        studio.submit(order)


def test_what_the_page_says_of_a_run(order):
    run = Run(order)
    assert "Setting up" in describe_state(run, 0)
    assert "Waiting for one other run" in describe_state(run, 1)
    run.future.set_running_or_notify_cancel()
    run.step = types.SimpleNamespace(
        iteration=20, iterations=200, level=1, levels=2, remaining=75.0
    )
    said = "20 of 200 iterations · 1:15 left · level 1 of 2 · 32×24 px"
    assert said in describe_progress(run)
    run.error = "<script>"
    run.future.set_result(None)
    assert describe_state(run, 0) == '<p class="fault" role="alert">&lt;script&gt;</p>'


def test_what_goes_wrong_is_one_line_and_the_next_is_painted(made, order, tmp_path):
    painter = Pretender(steps=1)
    studio = made(painter)
    for fault, said in [
        (InputError("it is no picture"), "it is no picture"),
        (MemoryError(), "there is not enough memory; a smaller size needs less"),
        (RuntimeError("two\nlines"), "the run failed: two lines"),
    ]:
        painter.fault = fault
        run = studio.submit(order)
        assert run.wait(LONG)
        assert (run.error, run.result) == (said, None)
    painter.fault = None
    (tmp_path / "results").write_text("")  # the result is not lost
    run = studio.submit(order)
    assert run.wait(LONG)
    assert "Done: the server can&#x27;t save it in its folder" in describe_state(run, 0)
    assert read(run.path).rgb.shape == (24, 32, 3)
    (tmp_path / "results").unlink()
    run = studio.submit(order)
    assert run.wait(LONG)
    assert (run.error, studio.saved[1]) == (None, ("", run.path))


def test_a_page_goes_on_from_its_picture_and_ends_its_run_when_it_is_closed(
    made, order, tmp_path, monkeypatch
):
    """Its files go soon after, not at once: updates and downloads may be under way."""
    painter = Pretender(steps=2)
    monkeypatch.setattr(studio_module, "LINGER", 0.3)
    session = Session(made(painter), str(tmp_path))
    with pytest.raises(InputError, match="no result yet"):
        session.go_on()
    first = session.start(order)
    assert first.wait(LONG)
    again = session.go_on()
    assert again.wait(LONG)
    assert (again.order.config.init, again.order.config.levels) == (first.path, 1)
    assert session.painted is again

    painter.steps = 10**6
    run = going(session.start(order))
    changed = session.change(Order(Config(size=32, seed=5), order.content, order.style))
    assert run.unfinished
    assert (changed.order.config.init, changed.order.config.seed) == (run.path, 5)

    session.leave()
    assert changed.over
    assert os.path.isdir(session.folder)
    until = time.monotonic() + LONG
    while os.path.exists(session.folder) and time.monotonic() < until:
        time.sleep(0.05)
    assert not os.path.exists(session.folder)

    painter.steps = 50
    large = session.start(dataclasses.replace(order, lasting=True))
    session.leave()
    assert large.wait(LONG)
    assert not large.unfinished


def test_a_draft_is_what_a_painter_paints_and_yields_to_a_painting(made, order, tmp_path):
    content, style = order.content, order.style
    studio = made(make_painter)
    studio.warm()
    session = Session(studio, str(tmp_path))
    other = dataclasses.replace(DRAFT, strength=0.9, style_scale=1.5, color="luminance")
    quick = dataclasses.replace(order, config=dataclasses.replace(other, iterations=3))
    drafted = studio.submit(dataclasses.replace(quick, draft=True))
    assert drafted.wait(LONG)
    whole = studio.submit(quick)
    assert whole.wait(LONG)
    np.testing.assert_array_equal(drafted.result.image, whole.result.image)
    assert [path for _, path in studio.saved] == [whole.path]  # no draft is
    first = going(session.sketch(content, style, other))
    second = session.sketch(content, style, DRAFT)
    assert first.wait(LONG)
    assert first.unfinished
    run = session.start(quick)
    assert second.wait(LONG)
    assert (studio.place(run), session.draft) == (0, None)
    assert session.sketch(content, style, DRAFT) is None


ROOM, LIMITS = Room(8 * 10**9), Limits(10**10)
SMALL = Config.preset("fast", size=64, iterations=10, weights="preview", seed=3, history=7)


def painted(trace):
    """A run with a painting."""
    content = read(np.zeros((48, 64, 3), np.uint8))
    run = Run(Order(SMALL, content, content))
    run.result = types.SimpleNamespace(trace=trace, record={"convolutions": "float32"})
    return run


def test_a_large_painting_is_estimated_by_pace_and_pixels():
    run = painted([(i, 1.0 + i, 1.0, 48, 64) for i in range(10)])  # a second an iteration
    order = enlarged(run, "128", LIMITS)
    seconds, plan = estimate(run, order, ROOM)
    assert (order.size, seconds) == ((96, 128), pytest.approx(10 * 4))
    assert plan.estimate > 350 * 2**20
    seconds, larger = estimate(run, enlarged(run, "1024", LIMITS), ROOM)
    assert larger.estimate > plan.estimate
    # 256 and 512 px have 90 hundredths of ten iterations, 1024 px the rest.
    assert seconds == pytest.approx(4 * 16 + 4 * 64 + 2 * 256)
    with pytest.raises(ArtistyleError, match="--size"):  # not enough memory
        estimate(run, enlarged(run, "65536", LIMITS), ROOM)
    with pytest.raises(InputError, match="the result has 1024×768 px"):
        enlarged(run, "1024", Limits(10**5))
