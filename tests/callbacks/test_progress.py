"""Progress on a terminal, in a notebook and in a log, against a clock of our own. No TensorFlow."""

import io
import itertools
import os
import re
import subprocess
import sys

import pytest

from artistyle_tf.callbacks import progress as module
from artistyle_tf.callbacks.progress import Progress
from artistyle_tf.engine.results import Step

PARTS = {"value": 1302.3, "style": 1234.5, "content": 67.8, "style/block1_conv1": 3.0}


class Terminal(io.StringIO):
    encoding = "utf-8"

    def isatty(self):
        return True

    def shown(self):
        """What stands in the terminal's lines."""
        kept = []
        for line in self.getvalue().split("\n"):
            cells = []
            for text in line.split("\r"):
                cells[: len(text)] = text
            kept.append("".join(cells).rstrip())
        return kept

    def drawn(self):
        """All that was ever drawn into a line."""
        return [text for text in re.split(r"[\r\n]", self.getvalue()) if text]


class Clock:
    """It stands still until the test sets it on, and so does the timer."""

    def __init__(self):
        self.now, self.due = 1000.0, None

    def monotonic(self):
        return self.now

    def timer(self, seconds, function):
        self.due, self.function = self.now + seconds, function
        return self

    def start(self):
        self.started = True

    def cancel(self):
        self.due = None

    def wait(self, seconds):
        self.now += seconds
        if self.due is not None and self.now >= self.due:
            self.due = None
            self.function()


@pytest.fixture
def time(monkeypatch):
    clock = Clock()
    monkeypatch.setattr(module, "time", clock)
    monkeypatch.setattr(module.threading, "Timer", clock.timer)
    return clock


@pytest.fixture(autouse=True)
def width(monkeypatch):
    """A function that sets the terminal's columns; 200 to begin with, and no bar is left over."""
    told = {"columns": 200}
    monkeypatch.setattr(module, "_columns", lambda stream: told["columns"])
    yield lambda columns: told.update(columns=columns)
    module._tqdm()._instances.clear()


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


def begun(stream, time):
    """A progress that is past its two seconds of quiet, which count from the first step."""
    progress = Progress(stream)
    progress(step(0))
    time.wait(2)
    return progress


# Steps


def test_a_line_every_ten_seconds_and_the_last_in_a_log(time):
    stream = io.StringIO()
    progress = begun(stream, time)
    for iteration in range(1, 301):
        progress(step(iteration))
        time.wait(0.1)
    progress.close()
    lines = stream.getvalue().splitlines()
    assert lines[0] == (
        "level 2/3 256×192  iteration 1/300  1:15 left  "
        "objective 1302  style 1.23e+03  content 67.8  34 evaluations"
    )
    found = [line.split("  ")[1] for line in lines]
    assert found == [f"iteration {n}/300" for n in (1, 101, 201, 300)]


def test_a_bar_on_a_terminal(time, monkeypatch):
    for name, value in (("DISABLE", "1"), ("NCOLS", "20"), ("POSITION", "3")):
        monkeypatch.setenv(f"TQDM_{name}", value)  # which tqdm reads by itself
    stream = Terminal()
    with begun(stream, time) as progress:
        progress(step(100, remaining=3700))
        first = stream.getvalue()
        assert first.startswith(
            "\r 33%|███▎      | level 2/3 256×192  iteration 100/300  1:01:40 left"
        )
        assert first.endswith("content 67.8  34 evaluations")
        time.wait(0.05)
        progress(step(101))
        assert stream.getvalue() == first  # ten times a second at the most
        time.wait(0.06)
        progress(step(9, remaining=1))
        assert stream.shown()[0].startswith("  3%|▎         | level 2/3 256×192  iteration 9/300  ")
    progress.close()
    assert stream.shown()[1:] == [""]


@pytest.mark.parametrize("columns", [8, 71, 101])
def test_fits_any_terminal(time, width, columns):
    """Whole fields are left out: a line that wraps would be left behind at every rewriting."""
    stream = Terminal()
    progress = begun(stream, time)
    progress(step())
    wide = len(stream.getvalue())  # then the terminal gets narrower
    width(columns)
    huge = {"level": 16, "levels": 16, "size": (65536, 65536), "remaining": 360_000}
    fields = "  ".join(["", *stream.shown()[0].partition("| ")[2].split("  ")[1:], ""])
    for more in (huge, {}):
        time.wait(1)
        progress(step(**more))
        progress.status("computing the targets of 65536×65536")
    time.wait(1)
    progress(step())
    kept = re.sub(r"^ *\d+%(\|.*\|)? ?", "", stream.drawn()[-1]).rstrip().split("  ")[1:]
    assert f"  {'  '.join(kept)}  ".lstrip() in fields
    progress.close()
    drawn = re.split(r"[\r\n]", stream.getvalue()[wide:])
    assert max(map(len, drawn)) < columns
    if columns >= 30:
        assert any("level 16/16 65536×65536" in text for text in drawn)
        assert any("computing the" in text for text in drawn)


# Their parts


def test_parts_cost_a_fiftieth_and_older_ones_are_shown_as_shares(time):
    """Each computing of the parts takes half a second here: once in 25 s."""
    asked = []

    def parts():
        asked.append(time.now)
        time.wait(0.5)
        return {"value": 100.0, "style": 75.0, "content": 25.0}

    stream = Terminal()
    progress = begun(stream, time)
    start = time.now
    progress(step(objective=100.0, parts=parts))
    for _ in range(600):
        time.wait(0.2)
        progress(step(objective=40.0, parts=parts))
    assert "objective 40  style 30  content 10" in stream.drawn()[-1]
    assert 4 <= len(asked) <= 6
    assert 0.5 * len(asked) <= (time.now - start) / 50 + 0.5
    assert min(b - a for a, b in itertools.pairwise(asked)) >= 25
    progress(step(300, parts=lambda: {"value": 1302.34, "style": 5.0}))
    assert "style 5  " in stream.drawn()[-1]  # the last line has new ones


# Named steps and other passing texts


def test_a_status_is_on_a_terminal_at_once_and_wiped_out_at_the_end(time):
    stream = Terminal()
    with Progress(stream) as progress:
        progress.status("loading TensorFlow")
        assert stream.getvalue() == "\rloading TensorFlow"
        progress.status("tracing")
        assert stream.shown() == ["tracing"]
        time.wait(2)
        progress(step())
        assert stream.shown()[0].startswith("  4%|▍         | level 2/3")
        progress.status("computing the targets")
        assert stream.shown() == ["  4% computing the targets"]
        progress.line("a remark")
        assert stream.shown() == ["a remark", "  4% computing the targets"]
        progress(step(300))
    assert stream.shown()[1].startswith("100%|██████████| level 2/3")


def test_a_log_has_each_named_step_once(time):
    stream = io.StringIO()
    progress = Progress(stream)
    progress.status("reading the pictures")
    time.wait(0.5)
    progress.status("loading TensorFlow")
    time.wait(1.4)
    assert stream.getvalue() == ""
    time.wait(0.1)  # written while TensorFlow loads
    assert stream.getvalue() == "loading TensorFlow\n"
    for _ in range(3):  # levels
        progress.status("computing the targets")
        progress.status("tracing")
        time.wait(30)
        progress(step())
    progress.line("a remark")
    *lines, last = stream.getvalue().splitlines()
    assert lines[:3] == ["loading TensorFlow", "computing the targets", "tracing"]
    assert len(lines) == 6
    assert all(line.startswith("level 2/3") for line in lines[3:])
    assert last == "a remark"


# Notebooks

KERNEL = """
import sys, types, warnings
warnings.simplefilter("always")
sys.modules["ipykernel.zmqshell"] = types.ModuleType("zmqshell")
class Shell: pass
ipython = types.ModuleType("IPython")
ipython.get_ipython = Shell
sys.modules["IPython"] = ipython
sys.path.insert(0, sys.argv[1])
from test_progress import module, step
import artistyle_tf
assert "tqdm" not in sys.modules
"""

NO_WIDGETS = """
sys.modules["ipywidgets"] = None
module.QUIET = 0.0
with artistyle_tf.Progress() as progress:
    progress.status("tracing")
    progress(step())
assert not module._has_widgets()
"""

WIDGETS = """
class Widget:
    def __init__(self, children=(), **settings):
        self.value, self.bar_style, self.children = "", "", list(children)
        self.layout, self.style = types.SimpleNamespace(), types.SimpleNamespace()
        self.__dict__.update(settings)
    def close(self):
        self.closed = True
widgets = types.ModuleType("ipywidgets")
widgets.HTML = widgets.FloatProgress = widgets.HBox = Widget
sys.modules["ipywidgets"] = widgets
shown = []
display = types.ModuleType("IPython.display")
display.display = shown.append
sys.modules["IPython.display"] = display
module.QUIET = 0.0
with artistyle_tf.Progress() as progress:
    progress.status("tracing")
    progress(step(12))
    progress.line("a remark")
    progress(step(300))
assert module._has_widgets()
first, second = shown
assert first.closed and first.children[2].value == "tracing"
left, bar, right = second.children
assert (left.value.strip(), bar.max, bar.value, bar.bar_style) == ("100%", 300, 300, "success")
assert right.value.replace("\\u2007", " ").endswith("34 evaluations"), right.value
"""


def test_a_notebook_has_tqdms_widget_or_a_bar_of_text():
    text = r"\rtracing.*\r  4%\|.{10}\| level 2/3 256×192  iteration 12/300.*\n"
    for code, said in [(NO_WIDGETS, text), (WIDGETS, "a remark\n")]:
        done = subprocess.run(
            [sys.executable, "-c", KERNEL + code, os.path.dirname(__file__)],
            capture_output=True,
            env={**os.environ, "PYTHONIOENCODING": "utf-8"},
        )
        err = done.stderr.decode()
        assert (done.returncode, done.stdout) == (0, b""), err
        assert re.fullmatch(said, err, re.DOTALL), err
