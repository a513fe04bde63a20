"""Progress on a terminal, in a notebook and in a log, against a clock of our own. No TensorFlow."""

import io
import itertools
import os
import re
import subprocess
import sys

import pytest

from artistyle_tf.callbacks import progress as progress_module
from artistyle_tf.callbacks import views
from artistyle_tf.callbacks.progress import Progress
from artistyle_tf.engine.events import Step
from artistyle_tf.text import clock

PARTS = {"value": 1302.3, "style": 1234.5, "content": 67.8, "style/block1_conv1": 3.0}


class Terminal(io.StringIO):
    encoding = "utf-8"

    def isatty(self):
        return True

    def shown(self):
        """What stands in the terminal's lines."""
        kept = []
        for line in self.getvalue().split("\n"):
            drawn = line.split("\r")
            cells = list(drawn[0])
            for text in drawn[1:]:
                cells[: len(text)] = text
            kept.append("".join(cells).rstrip())
        return kept

    def drawn(self):
        """All that was ever drawn into a line."""
        return [text for text in re.split(r"[\r\n]", self.getvalue()) if text]


class Clock:
    """It stands still until the test sets it on, and so do timers."""

    def __init__(self):
        self.now = 1000.0
        self.timers = []

    def monotonic(self):
        return self.now

    def timer(self, seconds, function):
        self.timers.append(Timer(self.now + seconds, function))
        return self.timers[-1]

    def wait(self, seconds):
        self.now += seconds
        for timer in self.timers:
            timer.look(self.now)


class Timer:
    def __init__(self, due, function):
        self.due, self.function, self.started = due, function, False

    def start(self):
        self.started = True

    def cancel(self):
        self.started = False

    def look(self, now):
        if self.started and now >= self.due:
            self.started = False
            self.function()


@pytest.fixture
def time(monkeypatch):
    clock = Clock()
    monkeypatch.setattr(progress_module, "time", clock)
    monkeypatch.setattr(views.threading, "Timer", clock.timer)
    return clock


@pytest.fixture
def width(monkeypatch):
    """A function that sets the terminal's columns; 200 to begin with."""
    told = {"columns": 200}
    monkeypatch.setattr(views, "columns", lambda stream: told["columns"])
    return lambda columns: told.update(columns=columns)


@pytest.fixture(autouse=True)
def alone(width):
    """A terminal is wide unless a test says otherwise, and has no bar of another test."""
    yield
    views._tqdm()._instances.clear()


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
    return stream.getvalue().splitlines()


def begun(stream):
    """A progress that has seen the first step: its two seconds of quiet count from there."""
    progress = Progress(stream)
    progress(step(0))
    return progress


# Steps


def test_line(time):
    stream = io.StringIO()
    progress = begun(stream)
    time.wait(2)
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
    time.wait(2)
    progress(step(parts=lambda: parts))
    assert shown in stream.getvalue()


@pytest.mark.parametrize("kind", [io.StringIO, Terminal])
def test_no_steps_for_two_seconds(time, kind):
    stream = kind()
    progress = Progress(stream)
    time.wait(60)  # what is set up before the first step does not count
    for _ in range(19):
        progress(step(1))
        time.wait(0.1)
    assert stream.getvalue() == ""
    time.wait(0.2)
    progress(step())
    assert "iteration 12/300" in stream.getvalue()


def test_a_line_every_ten_seconds_and_the_last_in_a_log(time):
    stream = io.StringIO()
    progress = begun(stream)
    time.wait(2)
    for iteration in range(1, 301):
        progress(step(iteration))
        time.wait(0.1)
    progress.close()
    assert "\r" not in stream.getvalue()
    assert [line.split("  ")[1] for line in lines(stream)] == [
        "iteration 1/300",
        "iteration 101/300",
        "iteration 201/300",
        "iteration 300/300",
    ]
    assert stream.getvalue().endswith("evaluations\n")


def test_a_bar_on_a_terminal(time):
    stream = Terminal()
    progress = begun(stream)
    time.wait(2)
    progress(step(100, remaining=3700))
    first = stream.getvalue()
    assert first.startswith("\r 33%|███▎      | level 2/3 256×192  iteration 100/300  1:01:40 left")
    assert first.endswith("content 67.8  34 evaluations")
    time.wait(0.05)
    progress(step(101))
    assert stream.getvalue() == first  # ten times a second at the most
    time.wait(0.06)
    progress(step(9, remaining=1))
    assert stream.shown() == [
        "  3%|▎         | level 2/3 256×192  iteration 9/300  0:01 left  "
        "objective 1302  style 1.23e+03  content 67.8  34 evaluations"
    ]
    progress.close()
    progress.close()
    assert stream.shown()[1:] == [""]


def test_nothing_to_close(time):
    for stream in (Terminal(), io.StringIO()):
        Progress(stream).close()
        assert stream.getvalue() == ""


def test_as_a_context(time):
    stream = Terminal()
    with Progress(stream) as progress:
        progress(step(1))
        time.wait(2)
        progress(step())
        assert "\n" not in stream.getvalue()
    assert stream.getvalue().endswith("\n")


@pytest.mark.parametrize("columns", [8, 20, *range(30, 140)])
def test_fits_any_terminal(time, width, columns):
    """Whole fields are left out: a line that wraps would be left behind at every rewriting."""
    width(columns)
    stream = Terminal()
    progress = begun(stream)
    progress.status("computing the targets")
    time.wait(2)
    long = {
        "level": 16,
        "levels": 16,
        "size": (65536, 65536),
        "iteration": 9_999_999,
        "iterations": 10**7,
        "remaining": 360_000,
    }
    fields = "  ".join(["", *views.describe(step(), PARTS).split("  "), ""])
    for more in (long, {}):
        time.wait(1)
        progress(step(**more))
        text = re.sub(r"^ *\d+%(\|.*\|)? ?", "", stream.shown()[0])
        if not more:
            assert not text or f"  {text}  " in fields
        progress.status("tracing 65536×65536")
    progress.close()
    assert max(map(len, stream.drawn())) < columns
    if columns >= 30:
        assert "level 16/16 65536×65536" in stream.getvalue()
        assert "computing the targets" in stream.getvalue()


def test_a_terminal_that_gets_narrower(time, width):
    stream = Terminal()
    progress = begun(stream)
    time.wait(2)
    progress(step())
    wide = len(stream.getvalue())
    width(40)
    time.wait(1)
    progress(step(13))
    progress.close()
    assert all(len(text) < 40 for text in stream.getvalue()[wide:].split("\r"))


def test_columns(monkeypatch):
    monkeypatch.undo()
    assert views.columns(Terminal()) == 80  # no file descriptor to ask
    stream = Terminal()
    monkeypatch.setattr(stream, "fileno", lambda: 2, raising=False)
    for told, wanted in ((132, 132), (0, 80)):
        monkeypatch.setattr(
            os, "get_terminal_size", lambda fd, told=told: os.terminal_size((told, 24))
        )
        assert views.columns(stream) == wanted


def test_what_tqdm_reads_from_the_environment_changes_nothing(time, monkeypatch):
    for name, value in (("DISABLE", "1"), ("NCOLS", "20"), ("POSITION", "3")):
        monkeypatch.setenv(f"TQDM_{name}", value)
    stream = Terminal()
    progress = begun(stream)
    time.wait(2)
    progress(step())
    assert "34 evaluations" in stream.getvalue()


# Their parts


def test_parts_add_up_to_the_objective_of_their_line(time):
    """Older parts are shown as shares of the objective that they stand beside."""
    stream = Terminal()
    progress = begun(stream)
    time.wait(2)
    slow = {"value": 100.0, "style": 75.0, "content": 25.0}

    def parts():
        time.wait(1)
        return slow

    progress(step(objective=100.0, parts=parts))
    time.wait(1)
    progress(step(objective=40.0, parts=lambda: {"value": 40.0, "style": 1.0, "content": 39.0}))
    assert "objective 40  style 30  content 10" in stream.drawn()[-1]


def test_parts_cost_a_fiftieth(time):
    """Each computing of the parts takes half a second here: once in 25 s."""
    asked = []

    def parts():
        asked.append(time.now)
        time.wait(0.5)
        return PARTS | {"value": 1302.34, "style": len(asked)}

    stream = Terminal()
    progress = begun(stream)
    time.wait(2)
    start = time.now
    for _ in range(600):
        time.wait(0.2)
        progress(step(parts=parts))
    spent = 0.5 * len(asked)
    assert 4 <= len(asked) <= 6
    assert spent <= (time.now - start) / 50 + 0.5
    assert min(b - a for a, b in itertools.pairwise(asked)) >= 25
    shown = [line for line in stream.drawn() if "style 2  " in line]
    assert len(shown) > 50  # the old figures are shown until there are new ones


def test_the_last_line_has_new_parts(time):
    stream = io.StringIO()
    progress = begun(stream)

    def slow():
        time.wait(0.5)
        return PARTS

    time.wait(2)
    progress(step(299, parts=slow))
    progress(step(300, parts=lambda: {"value": 1302.34, "style": 5.0}))
    assert "style 5  " in lines(stream)[-1]


def test_parts_are_not_computed_for_nobody(time):
    stream = io.StringIO()
    progress = Progress(stream)

    def parts():
        raise AssertionError

    progress(step(parts=parts))
    time.wait(2)
    progress(step())
    time.wait(5)
    progress(step(parts=parts))


# Named steps and other passing texts


def test_a_status_is_on_a_terminal_at_once(time):
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
        progress(step(300))
    assert stream.shown()[0].startswith("100%|██████████| level 2/3")
    assert stream.shown()[1:] == [""]


def test_a_status_is_wiped_out_at_the_end(time):
    """What is said next, like an error, has the line to itself."""
    stream = Terminal()
    with Progress(stream) as progress:
        progress.status("reading the pictures")
    stream.write("no such file")
    assert stream.shown() == ["no such file"]


def test_a_long_status_is_cut_between_words(time, width):
    width(30)
    stream = Terminal()
    progress = Progress(stream)
    progress.status("weights: 12.5 MB of 80.1 MB from somewhere")
    assert stream.shown() == ["weights: 12.5 MB of 80.1 MB …"]


def test_a_line_above_the_bar(time):
    for stream in (Terminal(), io.StringIO()):
        progress = begun(stream)
        progress.line("first")
        time.wait(2)
        progress(step())
        progress.line("a remark")
        shown = stream.shown() if isinstance(stream, Terminal) else lines(stream)
        assert [shown[0], *(line[-10:] for line in shown[1:])] == (
            ["first", "a remark", "valuations"]
            if isinstance(stream, Terminal)
            else ["first", "valuations", "a remark"]
        )


def test_a_log_has_each_named_step_once(time):
    stream = io.StringIO()
    progress = Progress(stream)
    progress.status("reading the pictures")
    time.wait(0.5)
    progress.status("loading TensorFlow")
    time.wait(1.4)
    assert stream.getvalue() == ""
    time.wait(0.1)  # written while TensorFlow loads
    assert lines(stream) == ["loading TensorFlow"]
    time.wait(6)
    for _ in range(3):  # levels
        progress.status("computing the targets")
        progress.status("tracing")
        time.wait(30)
        progress(step())
    assert lines(stream)[:3] == ["loading TensorFlow", "computing the targets", "tracing"]
    assert all(line.startswith("level 2/3") for line in lines(stream)[3:])
    assert len(lines(stream)) == 6


def test_a_log_of_less_than_two_seconds_is_empty(time):
    stream = io.StringIO()
    with Progress(stream) as progress:
        progress.status("reading the pictures")
        time.wait(0.5)
        progress.status("loading TensorFlow")
        time.wait(1.4)
    time.wait(10)
    assert stream.getvalue() == ""


def test_a_step_comes_instead_of_a_status_that_waits(time):
    stream = io.StringIO()
    progress = Progress(stream)
    progress.status("tracing")
    time.now += 2  # the thread has not been given its turn yet
    progress(step())
    time.wait(1)
    assert len(lines(stream)) == 1


def test_figures_that_count_up_are_in_a_log_every_ten_seconds(time):
    stream = io.StringIO()
    progress = Progress(stream)
    for megabytes in range(30):
        progress.status(f"weights: {megabytes} MB of 80.5 MB")
        time.wait(1)
    assert [line.split()[1] for line in lines(stream)] == ["1", "12", "22"]


def test_a_log_that_nobody_reads_any_more(time):
    stream = io.StringIO()
    progress = Progress(stream)
    progress.status("tracing")
    stream.close()
    time.wait(2)


def test_the_thread_that_writes_a_late_status():
    """The real one, without a clock of ours: it ends with the program, and at `close`."""
    stream = io.StringIO()
    progress = Progress(stream)
    progress.status("tracing")
    timer = progress._view._timer
    assert timer.daemon
    assert 0 < timer.interval <= 2
    progress.close()
    timer.join()
    assert stream.getvalue() == ""


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
from test_progress import step
import artistyle_tf
from artistyle_tf.callbacks import views
"""

NO_WIDGETS = """
sys.modules["ipywidgets"] = None
views.QUIET = 0.0
with artistyle_tf.Progress() as progress:
    progress.status("tracing")
    progress(step())
assert not views._has_widgets()
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
views.QUIET = 0.0
with artistyle_tf.Progress() as progress:
    progress.status("tracing")
    progress(step(12))
    progress.line("a remark")
    progress(step(300))
assert views._has_widgets()
first, second = shown
assert first.closed and first.children[2].value == "tracing"
left, bar, right = second.children
assert (left.value.strip(), bar.max, bar.value, bar.bar_style) == ("100%", 300, 300, "success")
assert right.value.replace("\\u2007", " ").endswith("34 evaluations"), right.value
"""


def kernel(code):
    folder = os.path.dirname(__file__)
    done = subprocess.run(
        [sys.executable, "-c", KERNEL + code, folder],
        capture_output=True,
        env={**os.environ, "PYTHONIOENCODING": "utf-8"},
    )
    assert (done.returncode, done.stdout) == (0, b""), done.stderr.decode()
    return done.stderr.decode()


def test_a_notebook_without_widgets_has_a_bar_of_text():
    err = kernel(NO_WIDGETS)
    assert "Warning" not in err
    assert re.search(r"\r  4%\|.{10}\| level 2/3 256×192  iteration 12/300", err)


def test_a_notebook_has_tqdms_widget():
    assert kernel(WIDGETS) == "a remark\n"


# And beside


def test_stderr_by_default(time, capsys):
    progress = begun(None)
    time.wait(2)
    progress(step())
    out, err = capsys.readouterr()
    assert (out, err.count("\n")) == ("", 1)


def test_importing_it_loads_no_tqdm():
    program = "import sys, artistyle_tf.callbacks.progress; print('tqdm' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.stdout == "False\n", done.stderr


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
