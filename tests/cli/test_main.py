"""The command, from its flags to its exit status, what it prints and what it leaves behind."""

import dataclasses
import importlib.util
import json
import os
import re
import signal
import subprocess
import sys

import numpy as np
import pytest
import tifffile
from PIL import Image

from artistyle_tf import __version__, optimizers
from artistyle_tf.callbacks import progress
from artistyle_tf.cli import console, main
from artistyle_tf.config.config import Config
from artistyle_tf.engine import inputs, painter
from artistyle_tf.engine.checkpoints import Checkpoints
from artistyle_tf.engine.results import Result
from artistyle_tf.errors import ArtistyleError, InputError
from artistyle_tf.images.read import read, read_record
from artistyle_tf.locks import holding
from artistyle_tf.vgg.extractor import FROZEN
from commands import HANGING
from places import ROOT, SCRIPTS

COMMAND = [sys.executable, "-m", "artistyle_tf"]
SCRIPT = [sys.executable, str(SCRIPTS / "stylize.py")]
OURS = ("KERAS_BACKEND", "KERAS_HOME", *console.ENVIRONMENT)
OLD = b"an older picture by artistyle_tf"
PROGRESS = re.compile(
    r"(reading|loading|computing|tracing)[A-Za-z ]*|"
    r"level \d+/\d+ \d+×\d+  iteration \d+/\d+  ([\d:]+ left  )?"
    r"objective [\d.e+]+  style [\d.e+]+  content [\d.e+]+"
    r"(  gamut [\d.e+-]+)?(  palette [\d.e+-]+)?  \d+ evaluations"
)

pytestmark = pytest.mark.usefixtures("environment")


@pytest.fixture
def folder(tmp_path, picture):
    """Pictures, and a folder `out` with a file that a result would replace."""
    for name, shape, seed in (("c", (48, 64), 0), ("s", (40, 40), 1), ("t", (32, 48), 2)):
        Image.fromarray(picture(*shape, seed)).save(tmp_path / f"{name}.png")
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "o.png").write_bytes(OLD)
    return tmp_path


@pytest.fixture
def flags(folder, small_file):
    """A function: flags by name, "" for none → the arguments of a tiny run with those replaced."""

    def make(*more, **named):
        settings = {
            "content": folder / "c.png",
            "style": folder / "s.png",
            "output": folder / "out" / "o.png",
            "weights": small_file,
            "size": 32,
            "iterations": 4,
            "optimizer": "lbfgs",
            "style_layers": "block1_conv1",
            "content_layers": "block1_conv2",
        }
        return [f"--{name}={value}" for name, value in (settings | named).items()] + [*more]

    return make


@dataclasses.dataclass
class Done:
    status: int
    out: str
    err: str


@pytest.fixture
def run(flags, capfd):
    """The command in this process."""

    def call(*more, **named):
        capfd.readouterr()
        status = main.main(flags(*more, **named))
        return Done(status, *capfd.readouterr())

    return call


@pytest.fixture
def refused(run, folder):
    """A function: a command that can't be → its one line, nothing else printed or written."""

    def call(status, *more, **named):
        before = sorted(folder.rglob("*"))
        done = run(*more, **named)
        assert done.status == status, done.err
        assert done.out == ""
        assert re.fullmatch(r"artistyle: .*\n", done.err)
        assert sorted(folder.rglob("*")) == before
        assert (folder / "out" / "o.png").read_bytes() == OLD
        return done.err

    return call


def spawn(arguments, start=COMMAND, **environment):
    """The command as a process of its own, as the user's shell would start it."""
    kept = {name: value for name, value in os.environ.items() if name not in OURS}
    return subprocess.Popen(
        [*start, *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        encoding="utf-8",
        env={**kept, "PYTHONIOENCODING": "utf-8", **environment},
    )


def finish(process):
    with process:
        try:
            out, err = process.communicate(timeout=HANGING)
        finally:
            process.kill()  # if it hangs
    return Done(process.returncode, out, err)


def check_quiet(err):
    """Nothing but progress, which runs of more than two seconds show."""
    for line in err.splitlines():
        assert PROGRESS.fullmatch(line), err


def pixels(path):
    with Image.open(path) as image:
        return np.asarray(image)


# What can't be used


def test_files_that_can_not_be_used(refused, folder):
    """One of each kind: what else is wrong with files is in the tests of those who read them."""
    (folder / "text.h5").write_text("no HDF5")
    (folder / "notes.html").write_text("<p>mine</p>")
    Image.new("RGB", (640, 32)).save(folder / "wide.png")
    for name, path, said in [
        ("content", "a\nb.png", "a\\nb.png does not exist"),
        ("content", "wide.png", "would be 32×2 px"),
        ("output", "nowhere/o.png", "there is no folder"),
        ("output", "wide.png", "exists, and artistyle did not make it; --overwrite replaces it"),
        ("report", "notes.html", "notes.html exists, and artistyle did not make it"),
        ("tensorboard_dir", "c.png", "can't write to the folder"),
        ("weights", "text.h5", "text.h5 is not a readable HDF5 file"),
    ]:
        assert said in refused(1, **{name: folder / path}), path


def test_flags_that_can_not_be(refused, monkeypatch, folder):
    """All that `parse` refuses is in test_flags; these need a look at the machine."""
    assert "there is no device GPU:9; TensorFlow sees CPU:0" in refused(2, device="gpu:9")
    with monkeypatch.context() as patch:
        patch.setattr(main, "quiet_import", None)  # TensorFlow isn't even loaded
        said = refused(2, size=20_000, memory="8GB", device="cpu")
        assert re.search(r"--size=20000: 20000×15000 px would take .*; --size=\d{4} may fit$", said)
    find = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name: None if name == "tensorboard" else find(name)
    )
    said = refused(2, content=folder / "absent.png", tensorboard_dir=folder / "board")
    assert 'pip install "artistyle-tf[tensorboard]"' in said


def test_help_by_the_script_of_the_clone_where_letters_are_few(capfd):
    """Windows' pipes and some terminals don't know α and β."""
    done = finish(spawn(["--helpfull"], SCRIPT, PYTHONIOENCODING="ascii"))
    assert (done.status, done.err) == (0, "")
    assert "weight \\u03b1 of the content" in done.out
    assert main.main(["--version"]) == 0
    assert capfd.readouterr().out == f"artistyle {__version__}\n"


# Runs


def test_run(run, folder, small_file):
    output = folder / "out" / "o.png"
    done = run("--preset=fast")
    assert done.status == 0, done.err
    assert re.fullmatch(
        rf"{output}: 32×24 px, \d+ s after \d+ s of setting up, all 4 iterations done, "
        r"objective [\d.e+]+ \([\d.e+]+ as saved\)\n",
        done.out,
    )
    assert os.listdir(folder / "out") == ["o.png"]
    painted = pixels(output)
    assert painted.shape == (24, 32, 3)
    assert painted.std() > 5

    record = read_record(output)
    layers = {"style_layers": {"block1_conv1": 1}, "content_layers": {"block1_conv2": 1}}
    config = Config.preset("fast", weights="small.npz", size=32, iterations=4, **layers)
    assert record["config"]["style_weight"] > 0  # it follows from the strength and the pair
    made = {**config.to_dict(), "style_weight": record["config"]["style_weight"]}
    assert record["config"] == json.loads(json.dumps(made))
    assert (record["content"]["name"], record["styles"][0]["name"]) == ("c.png", "s.png")
    digests = [record["content"]["sha256"], record["styles"][0]["sha256"]]
    assert all(re.fullmatch("[0-9a-f]{64}", digest) for digest in digests)
    assert record["weights"]["name"] == "small.npz"
    assert len(record["weights"]["sha256"]) == 64
    text = json.dumps(record)
    for path in (folder, small_file.parent, ROOT):
        assert str(path) not in text
        assert str(path).encode() not in output.read_bytes()


@pytest.mark.slow
def test_equal_runs_give_equal_files(folder, flags, run):
    """In processes of their own, whatever Keras is set to, and with TensorFlow's own promise."""
    home = folder / "keras"
    home.mkdir()
    odd = {"backend": "jax", "image_data_format": "channels_first", "floatx": "float16"}
    (home / "keras.json").write_text(json.dumps(odd))
    one, two = (folder / "out" / f"{name}.png" for name in "ab")
    started = [
        spawn(flags("--preset=fast", output=one)),
        spawn(
            flags("--preset=fast", "--deterministic", output=two),
            SCRIPT,
            KERAS_BACKEND="jax",
            KERAS_HOME=str(home),
        ),
    ]
    for done in [finish(process) for process in started]:
        assert done.status == 0, done.err
        check_quiet(done.err)
    assert one.read_bytes() == two.read_bytes()
    # Here weights are not promised to be frozen: the same picture but for rounding.
    assert run("--preset=fast").status == 0
    here = pixels(folder / "out" / "o.png").astype(int)
    assert np.abs(here - pixels(one)).max() <= 2


def test_depth_of_the_output_and_of_its_previews(run, folder):
    """The previews, which are for looking at, have 8 bits."""
    output = folder / "out" / "o.tif"
    assert run("--depth=32", "--save_every=2", output=output).status == 0
    levels = tifffile.imread(output)
    assert (levels.dtype, levels.shape) == (np.float32, (24, 32, 3))
    assert len(np.unique(levels)) > 256
    assert pixels(folder / "out" / "o-0002.tif").dtype == np.uint8


def test_quiet_notes_and_progress(run, folder, monkeypatch):
    """Of a quiet run that succeeds only warnings are seen, which the record keeps."""
    monkeypatch.setattr(progress, "QUIET", 0.0)
    note = "s.png has only 20 px on its longer side and is enlarged to 32"
    Image.new("RGB", (20, 20), (9, 99, 199)).save(folder / "s.png")
    warned = run("--quiet")
    assert warned == Done(0, "", f"artistyle: {note}\n")
    assert read_record(folder / "out" / "o.png")["notes"] == [note]
    loud = run()
    assert loud.err.startswith("reading the pictures\n")
    assert f"artistyle: {note}\n" in loud.err
    assert "iteration 4/4" in loud.err
    assert "o.png: 32×24 px" in loud.out


def test_fast_is_named_where_it_is_not_used(run, monkeypatch):
    def interrupt(*arguments, **options):
        raise KeyboardInterrupt

    monkeypatch.setattr(painter, "stylize", interrupt)
    hint = "artistyle: --preset=fast takes a quarter of the time, for a crisper picture\n"
    assert hint in run(optimizer="tfp").err
    for given in ("--preset=fast", "--optimizer=adam", "--quiet"):
        assert hint not in run(given, optimizer="tfp").err


# Runs that end early


@pytest.mark.slow
def test_ctrl_c(folder, flags):
    """The best picture so far is written."""
    restored = (  # a shell that starts pytest in the background has SIGINT ignored
        "import signal, sys; signal.signal(signal.SIGINT, signal.default_int_handler);"
        "from artistyle_tf.cli.main import main; sys.exit(main())"
    )
    # L-BFGS may have converged before the first line is due.
    endless = flags(iterations=10**6, optimizer="adam")
    process = spawn(endless, [sys.executable, "-c", restored])
    said = ""
    while "/1000000" not in said:
        line = process.stderr.readline()
        assert line, said
        said += line
    process.send_signal(signal.SIGINT)
    done = finish(process)
    check_quiet(said + done.err)
    assert done.status == 130
    assert re.search(r", interrupted, objective [^\n]+ as saved\)\n$", done.out)
    assert pixels(folder / "out" / "o.png").shape == (24, 32, 3)
    assert read_record(folder / "out" / "o.png")["outcome"]["stop_reason"] == "interrupted"
    assert [path.name for path in (folder / "out").iterdir()] == ["o.png"]


def test_sigterm_ends_a_command_like_ctrl_c_and_a_second_one_at_once(capfd):
    def work(parsed):
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGTERM)
        assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL
        raise KeyboardInterrupt

    before = signal.getsignal(signal.SIGTERM)
    assert console.run_command("x", lambda arguments: arguments, work, []) == 143
    assert capfd.readouterr().err == "x: interrupted\n"
    assert signal.getsignal(signal.SIGTERM) == before


def test_a_second_ctrl_c_while_a_checkpoint_is_written(run, folder, monkeypatch):
    """The picture before it stays, and nothing half written."""

    def interrupt(*arguments):
        raise KeyboardInterrupt

    monkeypatch.setattr(progress.Progress, "__call__", interrupt)
    monkeypatch.setattr(Checkpoints, "save", interrupt)
    done = run(checkpoint_dir=folder / "run")
    assert (done.status, done.out, done.err) == (130, "", "artistyle: interrupted\n")
    assert (folder / "out" / "o.png").read_bytes() == OLD
    assert list((folder / "run").iterdir()) == []


@pytest.mark.parametrize("where", ["reading", "tracing"])
def test_ctrl_c_before_anything_is_painted(refused, monkeypatch, where):
    """The noise to start from is not worth the file that it would replace."""

    def interrupt(*args, **kwargs):
        raise KeyboardInterrupt

    if where == "reading":
        monkeypatch.setattr(inputs, "read", interrupt)
    else:
        monkeypatch.setattr(optimizers.LBFGS, "advance", interrupt)
    assert refused(130) == "artistyle: interrupted\n"


def test_not_enough_memory(refused, monkeypatch):
    import tensorflow as tf

    for error in (MemoryError(), tf.errors.ResourceExhaustedError(None, None, "OOM\nwhen")):

        def fail(*args, error=error, **kwargs):
            raise error

        monkeypatch.setattr(painter, "stylize", fail)
        assert "not enough memory; a smaller --size needs less" in refused(1)


def test_what_tensorflow_raises_before_there_is_a_picture(refused, monkeypatch):
    import tensorflow as tf

    message = (
        "Graph execution error:\n\nDetected at node Conv2D defined at (most recent call):\n"
        '  File "a.py", line 1, in f\n<stack traces unavailable>\n'
        "{{node Conv2D}} No algorithm worked!\n\t [[{{node Conv2D}}]] [Op:__inference_f_1]"
    )

    def fail(*args, **kwargs):
        raise tf.errors.NotFoundError(None, None, message)

    monkeypatch.setattr(painter, "stylize", fail)
    said = "artistyle: TensorFlow failed: NotFoundError: No algorithm worked!\n"
    assert refused(1) == said


def test_an_error_that_ended_the_run(run, folder, monkeypatch):
    """The picture is saved, and why it ended is said in one line."""

    def fail(self, step):
        raise RuntimeError("no\nmore of this")

    monkeypatch.setattr(progress.Progress, "__call__", fail)
    done = run()
    assert done.status == 1
    assert done.err == "artistyle: a callback raised RuntimeError: no more of this\n"
    assert ", a callback raised RuntimeError, objective" in done.out
    assert pixels(folder / "out" / "o.png").shape == (24, 32, 3)


def test_disk_full(refused, monkeypatch):
    """The picture can't be written in the end: one line, and the old one is still there."""

    def full(*args):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    err = refused(1)
    assert err.endswith("o.png: No space left on device\n")


def test_stderr_is_given_back(run, capfd):
    """Also when loading fails; what was held back is then shown."""

    def load(error=None):
        with console.quiet_import():
            os.write(2, b"held\n")
            if error:
                raise error

    with pytest.raises(ArtistyleError, match=r"^TensorFlow can't be loaded: no such thing$"):
        load(ImportError("no such thing"))
    assert capfd.readouterr().err == "held\n"
    with pytest.raises(KeyboardInterrupt):
        load(KeyboardInterrupt())
    load()
    os.write(2, b"shown\n")
    assert capfd.readouterr().err == "shown\n"


def test_previews_and_tensorboard_beside_the_result(run, folder, monkeypatch):
    """Keras' backend is TensorFlow, whatever the user set; other variables stay."""
    monkeypatch.setenv("KERAS_BACKEND", "jax")
    board = folder / "board"
    done = run(save_every=2, tensorboard_dir=board, device="cpu")
    assert done.status == 0, done.err
    names = {path.name for path in (folder / "out").iterdir()}
    assert names == {"o.png", "o-0002.png", "o-0004.png"}
    assert any("tfevents" in path.name for path in board.iterdir())
    record = read_record(folder / "out" / "o.png")
    # What does not determine pixels is not in the record.
    assert not {"save_every", "tensorboard_dir", "device"} & record["config"].keys()
    assert (os.environ[FROZEN], os.environ["KERAS_BACKEND"]) == ("0", "tensorflow")


def test_rerun_paints_the_same_with_single_settings_replaced(run, folder, small_file):
    first, again = folder / "out" / "first.png", folder / "out" / "again.png"
    assert run(output=first).status == 0
    record = read_record(first)
    named = {"content": folder / "c.png", "style": folder / "s.png", "weights": small_file}

    def rerun(**more):
        settings = named | {"rerun": first, "output": again} | more
        return main.main([f"--{name}={value}" for name, value in settings.items()])

    assert rerun() == 0
    assert read_record(again) == record
    np.testing.assert_array_equal(read(again).rgb, read(first).rgb)
    done = run(rerun=first, output=again, content=folder / "t.png")
    assert read_record(again)["config"] == record["config"]
    assert "artistyle: t.png: not the content that first.png was made from\n" in done.err
    assert "not the style" not in done.err


def test_an_output_that_fails_at_the_end_is_saved_elsewhere(run, folder, monkeypatch):
    """The disk was there when the run began."""
    monkeypatch.chdir(folder)
    write, meant = Result.save, folder / "out" / "o.png"

    def full(result, path, depth):
        if str(path) == str(meant):
            raise InputError(f"can't write {path}: No space left on device")
        write(result, path, depth)

    monkeypatch.setattr(Result, "save", full)
    done = run("--depth=16")
    assert done.status == 1
    assert f"can't write {meant}: No space left on device; it is in {folder}" in done.err
    (saved,) = folder.glob("artistyle-*-o.png")
    assert pixels(saved).shape == (24, 32, 3)
    assert read(saved).rgb.dtype == np.float32
    assert done.out.startswith(f"{saved}: ")


def test_the_second_run_on_one_output_is_told(run, folder):
    (folder / "out" / "o.png").write_bytes(b"another program's")
    with holding(str(folder / "out" / "o.png")):
        done = run("--overwrite")
    assert done.status == 0
    assert "another run writes" in done.err
