"""The studio and its desks, with painters that only pretend, and one that paints."""

import threading
import types

import numpy as np
import pytest

from artistyle_tf import Config
from artistyle_tf.errors import InputError
from artistyle_tf.images import read, read_record, write
from artistyle_tf.web import studio as studio_module
from artistyle_tf.web import wording
from artistyle_tf.web.desk import Desk, Desks
from artistyle_tf.web.job import Order, Run
from artistyle_tf.web.studio import Studio

CONFIG = Config(size=32, iterations=3, optimizer="lbfgs")
LONG = 60
"""Seconds after which something hangs."""


class Pretender:
    """Paints until it is stopped, or `steps` times; `painted` are the configs, in order."""

    def __init__(self, steps=10**6):
        self.steps, self.painted, self.made = steps, [], []
        self.fault = None

    def __call__(self, config):
        self.made.append(config)
        return lambda *pictures, **options: self.paint(config, **options)

    def paint(self, config, callback, checkpoints, content_masks):
        self.painted.append((config, checkpoints))
        if self.fault:
            raise self.fault
        image = np.full((24, 32, 3), len(self.painted), np.uint8)
        pause = threading.Event()
        for iteration in range(1, self.steps + 1):
            step = types.SimpleNamespace(
                image=lambda: image, iteration=iteration, iterations=self.steps, level=1,
                levels=1, evaluations=1, objective=1.0, seconds=0.0,
                remaining=1.0, parts=lambda: {"style/a": 1.0},
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
        studios.append(Studio(str(tmp_path / "paintings"), painter))
        return studios[-1]

    yield make
    for studio in studios:
        studio.close(LONG)


@pytest.fixture
def order(picture):
    return Order(CONFIG, read(picture(24, 32)), read(picture(24, 32, 1)))


def going(run):
    """Waits until it is painted."""
    for _ in run.updates(0.01):
        if run.snapshot:
            return run
    raise AssertionError(run.error)


def test_one_paints_and_the_others_wait_in_line(made, order):
    studio = made(Pretender())
    first, second, third = (studio.submit(order) for _ in range(3))
    going(first)
    assert [studio.place(run) for run in (first, second, third)] == [0, 1, 2]
    assert "one other painting" in wording.state(second, 1)
    assert "2 other paintings" in wording.state(third, 2)
    studio.stop(second)
    assert second.wait(LONG)
    assert (second.painting, second.error, studio.place(third)) == (None, None, 1)
    studio.stop(first)
    going(third)
    assert first.painting.stopped
    assert studio.place(third) == 0


def test_the_line_has_an_end(made, order, monkeypatch):
    monkeypatch.setattr(studio_module, "LONGEST_LINE", 1)
    studio = made(Pretender())
    studio.submit(order)
    studio.submit(order)
    with pytest.raises(InputError, match="already waiting"):
        studio.submit(order)


def test_paintings_are_saved_under_names_of_their_own(made, order, tmp_path):
    studio = made(Pretender(steps=2))
    runs = [studio.submit(order) for _ in range(3)]
    assert all(run.wait(LONG) for run in runs)
    paths = [run.painting.path for run in runs]
    assert len(set(paths)) == 3
    assert sorted(paths) == sorted(str(path) for path in (tmp_path / "paintings").iterdir())
    assert [read(path).rgb[0, 0, 0] for path in paths] == [1, 2, 3]
    assert not any(run.painting.stopped for run in runs)
    assert "Done: saved as" in wording.state(runs[0], 0)


def test_a_painter_is_kept_for_its_settings(made, order):
    painter = Pretender(steps=1)
    studio = made(painter)
    assert all(studio.submit(order).wait(LONG) for _ in range(2))
    assert painter.made == [CONFIG]


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        (InputError("it is no picture"), "it is no picture"),
        (MemoryError(), "there is not enough memory; a smaller size needs less"),
        (RuntimeError("two\nlines"), "the run failed: two lines"),
    ],
)
def test_what_goes_wrong_is_one_line_and_the_next_is_painted(made, order, fault, said):
    painter = Pretender(steps=1)
    painter.fault = fault
    studio = made(painter)
    run = studio.submit(order)
    assert run.wait(LONG)
    assert (run.error, run.painting) == (said, None)
    assert f'role="alert">{said}<' in wording.state(run, 0)
    painter.fault = None
    after = studio.submit(order)
    assert after.wait(LONG)
    assert after.painting


def test_a_folder_that_cannot_be_is_said(order, tmp_path):
    (tmp_path / "file").write_text("")
    studio = Studio(str(tmp_path / "file" / "paintings"), Pretender(steps=1))
    run = studio.submit(order)
    assert run.wait(LONG)
    assert run.error.startswith("can't make ")
    studio.close(LONG)


def test_a_studio_that_closes_saves_what_is_painted(made, order):
    studio = made(Pretender())
    run, waiting = going(studio.submit(order)), studio.submit(order)
    studio.close(LONG)
    assert studio.saved == [run.painting.path]
    assert waiting.stage == "over"
    with pytest.raises(InputError, match="stopping"):
        studio.submit(order)


def test_a_page_that_is_closed_ends_its_run_and_no_other(made, order, tmp_path):
    studio = made(Pretender())
    desks = Desks(studio, str(tmp_path))
    mine, other = desks.of("mine"), desks.of("other")
    assert desks.of("mine") is mine
    run = going(mine.start(order))
    next_one = other.start(order)
    desks.leave("mine")
    assert run.stage == "over"
    assert studio.saved == [run.painting.path]
    going(next_one)
    desks.leave("never seen")
    assert desks.of("mine") is not mine
    other.stop()


def test_a_large_one_goes_on_when_its_page_is_closed(made, order, tmp_path):
    studio = made(Pretender(steps=50))
    desk = Desk(studio, str(tmp_path))
    with pytest.raises(InputError, match="no painting yet"):
        desk.paint_large(CONFIG)
    desk.start(order).wait(LONG)
    large = desk.paint_large(Config(size=64))
    with pytest.raises(InputError, match="already"):
        desk.paint_large(CONFIG)
    desk.leave()
    assert large.wait(LONG)
    assert not large.painting.stopped
    assert large.order.config == Config(size=64)


def test_a_finished_one_goes_on_from_its_picture(made, order, tmp_path):
    painter = Pretender(steps=1)
    desk = Desk(made(painter), str(tmp_path))
    with pytest.raises(InputError, match="no painting yet"):
        desk.go_on()
    first = desk.start(order)
    assert first.wait(LONG)
    again = desk.go_on()
    assert again.wait(LONG)
    assert again.order.config.init == first.painting.path
    assert again.order.config.levels == 1
    assert desk.painting is again.painting


def test_new_settings_go_on_from_the_picture_of_a_run_that_is_ended_for_them(made, order, tmp_path):
    painter = Pretender()
    desk = Desk(made(painter), str(tmp_path))
    run = going(desk.start(order))
    changed = desk.change(Order(Config(size=32, seed=5), order.content, order.style))
    assert run.painting.stopped
    assert (changed.order.config.init, changed.order.config.seed) == (run.painting.path, 5)
    desk.leave()


def test_a_stopped_run_goes_on_as_if_it_had_not_been(
    made, order, small_file, tmp_path, monkeypatch
):
    """By a real painter: to the same pixels, and the folder of its checkpoint goes in the end."""
    config = Config(size=32, iterations=8, optimizer="lbfgs", weights=str(small_file))
    order = Order(config, order.content, order.style)
    studio = made(studio_module._painter)
    whole = studio.submit(order)
    workspace = tmp_path / "workspace"
    workspace.mkdir()
    desk = Desk(studio, str(workspace))
    assert whole.wait(LONG), "it hangs"
    begun = Run.__call__
    monkeypatch.setattr(
        Run, "__call__", lambda run, step: run.stop() if step.iteration == 3 else begun(run, step)
    )
    run = desk.start(order)
    assert run.wait(LONG)
    monkeypatch.undo()
    stopped = len(run.painting.result.trace)
    after = desk.go_on()
    assert after.wait(LONG)
    assert stopped < len(after.painting.result.trace) == 8
    np.testing.assert_array_equal(after.painting.result.image, whole.painting.result.image)
    assert read_record(after.painting.path)["config"]["iterations"] == 8
    assert list(workspace.iterdir())
    desk.leave()
    assert not list(workspace.iterdir())
