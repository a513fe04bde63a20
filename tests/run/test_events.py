"""The progress line, on a terminal and elsewhere, against a clock of our own. No TensorFlow."""

import dataclasses
import io
import itertools
import os

import pytest

from artistyle_tf.run import events
from artistyle_tf.run.events import Step
from artistyle_tf.text import clock
from artistyle_tf.watch.progress import Progress

PARTS = {"value": 1302.3, "style": 1234.5, "content": 67.8, "style/block1_conv1": 3.0}


class Terminal(io.StringIO):
    def isatty(self):
        return True


@pytest.fixture
def time(monkeypatch):
    """A clock that stands still until the test sets it on: time.now."""

    class Clock:
        now = 1000.0

        def monotonic(self):
            return self.now

    clock = Clock()
    monkeypatch.setattr(events, "time", clock)
    return clock


@pytest.fixture(autouse=True)
def wide(monkeypatch):
    """A terminal of 200 columns."""
    monkeypatch.setattr(events, "_columns", lambda stream: 200)


def step(iteration=12, parts=lambda: PARTS, **more):
    return Step(
        **{
            "level": 2,
            "levels": 3,
            "size": (192, 256),
            "iteration": iteration,
            "iterations": 300,
            "evaluations": 34,
            "objective": 1302.34,
            "seconds": 5.0,
            "remaining": 75.2,
            "parts": parts,
            "image": lambda: None,
            "unclipped": lambda: None,
        }
        | more
    )


def lines(stream):
    return [line.rstrip() for line in stream.getvalue().replace("\r", "\n").split("\n") if line]


def begun(stream):
    """A progress that has seen the first step: its two seconds of quiet count from there."""
    progress = Progress(stream)
    progress(step(0))
    return progress


def test_line(time):
    stream = io.StringIO()
    progress = begun(stream)
    time.now += 2
    assert progress(step()) is None  # False would end the run
    assert stream.getvalue() == (
        "level 2/3 256×192  iteration 12/300  1:15 left  "
        "objective 1302  style 1.23e+03  content 67.8  34 evaluations\n"
    )


@pytest.mark.parametrize(
    ("parts", "shown"),
    [
        ({"value": 1302.34, "style": 1302.34, "content": 0.0}, "objective 1302  style 1.3e+03  34"),
        (
            {"value": 2.0, "content": 1.5, "total_variation": 0.5},
            "content 977  total_variation 326",
        ),
        ({"value": 0.0, "style": 0.0, "content": 0.0}, "objective 1302  34"),
    ],
)
def test_parts_that_count(time, parts, shown):
    stream = io.StringIO()
    progress = begun(stream)
    time.now += 2
    progress(step(parts=lambda: parts))
    assert shown in stream.getvalue()


@pytest.mark.parametrize("kind", [io.StringIO, Terminal])
def test_quiet_for_two_seconds(time, kind):
    stream = kind()
    progress = Progress(stream)
    time.now += 60  # what is set up before the first step does not count
    for _ in range(19):
        progress(step(iteration=300))
        time.now += 0.1
    assert stream.getvalue() == ""
    time.now += 0.2
    progress(step())
    assert "iteration 12/300" in stream.getvalue()


def test_a_line_every_ten_seconds_and_the_last_in_a_file(time):
    stream = io.StringIO()
    progress = begun(stream)
    time.now += 2
    for iteration in range(1, 301):
        progress(step(iteration))
        time.now += 0.1
    progress.close()
    assert "\r" not in stream.getvalue()
    assert [line.split("  ")[1] for line in lines(stream)] == [
        "iteration 1/300",
        "iteration 101/300",
        "iteration 201/300",
        "iteration 300/300",
    ]
    assert stream.getvalue().endswith("evaluations\n")


def test_rewritten_on_a_terminal(time):
    stream = Terminal()
    progress = begun(stream)
    time.now += 2
    progress(step(100, remaining=3700))
    first = stream.getvalue()
    assert first.startswith("\rlevel 2/3")
    time.now += 0.05
    progress(step(101))
    assert stream.getvalue() == first  # ten times a second at the most
    time.now += 0.06
    progress(step(9, remaining=1))
    second = stream.getvalue()[len(first) :]
    assert second.startswith("\rlevel 2/3 256×192  iteration 9/300  0:01 left")
    assert len(second) == len(first)  # padded: nothing of the longer line is left
    assert "\n" not in stream.getvalue()
    progress.close()
    progress.close()
    assert stream.getvalue() == first + second + "\n"


def test_nothing_to_close(time):
    stream = Terminal()
    Progress(stream).close()
    assert stream.getvalue() == ""


def test_cut_to_the_terminal(time, monkeypatch):
    """A line that wraps would be left behind at every rewriting."""
    monkeypatch.setattr(events, "_columns", lambda stream: 60)
    stream = Terminal()
    progress = begun(stream)
    time.now += 2
    progress(step())
    # The next field, the objective, would not fit.
    assert stream.getvalue() == "\rlevel 2/3 256×192  iteration 12/300  1:15 left"


def test_parts_add_up_to_the_objective_of_their_line(time):
    """Older parts are shown as shares of the objective that they stand beside."""
    stream = Terminal()
    progress = begun(stream)
    time.now += 2
    slow = {"value": 100.0, "style": 75.0, "content": 25.0}

    def parts():
        time.now += 1
        return slow

    progress(step(objective=100.0, parts=parts))
    time.now += 1
    progress(step(objective=40.0, parts=lambda: {"value": 40.0, "style": 1.0, "content": 39.0}))
    assert "objective 40  style 30  content 10" in lines(stream)[-1]


def test_columns(monkeypatch):
    monkeypatch.undo()
    assert events._columns(Terminal()) == 80  # no file descriptor to ask
    stream = Terminal()
    monkeypatch.setattr(stream, "fileno", lambda: 2, raising=False)
    for told, columns in ((132, 132), (0, 80)):
        monkeypatch.setattr(
            os, "get_terminal_size", lambda fd, told=told: os.terminal_size((told, 24))
        )
        assert events._columns(stream) == columns


def test_parts_cost_a_fiftieth(time):
    """Each computing of the parts takes half a second here: once in 25 s."""
    asked = []

    def parts():
        asked.append(time.now)
        time.now += 0.5
        return PARTS | {"value": 1302.34, "style": len(asked)}

    stream = Terminal()
    progress = begun(stream)
    time.now += 2
    start = time.now
    for _ in range(600):
        time.now += 0.2
        progress(step(parts=parts))
    spent = 0.5 * len(asked)
    assert 4 <= len(asked) <= 6
    assert spent <= (time.now - start) / 50 + 0.5
    assert min(b - a for a, b in itertools.pairwise(asked)) >= 25
    shown = [line for line in lines(stream) if "style 2  " in line]
    assert len(shown) > 50  # the old figures are shown until there are new ones


def test_the_last_line_has_new_parts(time):
    stream = io.StringIO()
    progress = begun(stream)

    def slow():
        time.now += 0.5
        return PARTS

    time.now += 2
    progress(step(299, parts=slow))
    progress(step(300, parts=lambda: {"value": 1302.34, "style": 5.0}))
    assert "style 5  " in lines(stream)[-1]


def test_parts_are_not_computed_for_nobody(time):
    stream = io.StringIO()
    progress = Progress(stream)

    def parts():
        raise AssertionError

    progress(step(parts=parts))
    time.now += 2
    progress(step())
    time.now += 5
    progress(step(parts=parts))


def test_status(time):
    stream = io.StringIO()
    progress = Progress(stream)
    for megabytes in range(20):
        progress.status(f"{megabytes} MB")
        time.now += 1
    assert lines(stream) == ["0 MB", "10 MB"]
    stream = Terminal()
    progress = Progress(stream)
    progress.status("10 MB")
    progress.status("9 MB")
    progress.close()
    assert stream.getvalue() == "\r10 MB\r9 MB \n"


def test_stderr_by_default(time, capsys):
    progress = begun(None)
    time.now += 2
    progress(step())
    out, err = capsys.readouterr()
    assert (out, err.count("\n")) == ("", 1)


def test_steps_cant_be_changed():
    with pytest.raises(dataclasses.FrozenInstanceError):
        step().iteration = 5


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0:00"),
        (0.4, "0:00"),
        (9.5, "0:10"),
        (59.6, "1:00"),
        (75.2, "1:15"),
        (3599.7, "1:00:00"),
        (3700, "1:01:40"),
        (90061, "25:01:01"),
    ],
)
def test_clock(seconds, text):
    assert clock(seconds) == text
