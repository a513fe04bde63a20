"""Killed and resumed runs, and checkpoints that are not what they should be."""

import dataclasses
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time

import numpy as np
import pytest

from artistyle_tf import Checkpoints, Config, InputError
from artistyle_tf.engine import checkpoints as kept
from artistyle_tf.engine.checkpoints import Saved
from artistyle_tf.engine.problem import Problem
from artistyle_tf.errors import ConfigError
from commands import children, command_line, file_flags, put_pictures
from painters import stylize


@pytest.fixture(scope="module")
def settings(small_file):
    def make(**overrides):
        defaults = {"size": 64, "iterations": 9, "levels": 2, "weights": str(small_file)}
        return Config(**{**defaults, **overrides})

    return make


def number(name):
    """The running number in a checkpoint's name."""
    return int(name.removesuffix(".npz").split("-")[2])


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def stop_after(count):
    return lambda step: step.iteration < count


@pytest.mark.parametrize(
    ("optimizer", "count"),
    [("lbfgs", 1), ("lbfgs", 6), ("tfp", 6), ("averaged", 6)],
)
def test_a_resumed_run_writes_the_same_bytes(settings, picture, tmp_path, optimizer, count):
    """Stopped in the first level and in the second, by another process's eyes: a fresh object."""
    config = settings(optimizer=optimizer, finest=0.6)
    pictures = picture(64, 64), picture(50, 40, 1)
    stylize(*pictures, config).save(tmp_path / "whole.png")
    folder = tmp_path / "checkpoints"
    stylize(*pictures, config, callback=stop_after(count), checkpoints=Checkpoints(folder))
    seen = []
    again = Checkpoints(folder, resume=True)
    result = stylize(
        *pictures, config, callback=lambda step: seen.append(step.iteration), checkpoints=again
    )
    result.save(tmp_path / "resumed.png")
    assert seen == list(range(count + 1, 10))
    assert len(result.trace) == 9
    assert [row[1] for row in result.trace] == sorted(row[1] for row in result.trace)
    assert (tmp_path / "whole.png").read_bytes() == (tmp_path / "resumed.png").read_bytes()


ATTEMPT = 12
# The command, which stops short after so many iterations of its own and waits to be killed: so it
# can't come to its end before the blow, however slow the one that strikes it is.
WAITING = f"""
import sys
import artistyle_tf
from artistyle_tf.cli.main import main
begun = []
def watch(progress, step):
    begun.append(step.iteration)
    if step.iteration == begun[0] + {ATTEMPT - 1}:
        sys.exit(sys.stdin.read())  # which ends if the tests are killed
artistyle_tf.Progress.__call__ = watch
sys.exit(main())
"""


@pytest.mark.slow
def test_killed_at_random_and_resumed(small_file, picture, tmp_path):
    """SIGKILL at any moment after the first new checkpoint, then at any moment of the start."""
    put_pictures(tmp_path, picture, 72, 96)
    kills = 2
    iterations = 10 + ATTEMPT * kills  # more than so many attempts can do
    flags = ["--size=96", "--levels=2", f"--iterations={iterations}", "--precision=float32"]
    plain = command_line(tmp_path, small_file, *flags, output="whole.png")
    subprocess.run(plain, check=True, capture_output=True)
    folder, chance = tmp_path / "checkpoints", random.Random(kills)
    flags += ["--resume", f"--checkpoint_dir={folder}", "--save_every=10"]
    again = command_line(tmp_path, small_file, *flags, output="resumed.png")
    files = file_flags(tmp_path, small_file, output="resumed.png")
    attempt = [sys.executable, "-c", WAITING, *files, *flags]

    def checkpoints():
        return set(folder.glob("*.npz")) if folder.is_dir() else set()

    reached, setting_up = [], 0.0
    for index in range(kills):
        before, began = checkpoints(), time.monotonic()
        with children() as start:
            pipes = {"stdin": subprocess.PIPE, "stderr": subprocess.PIPE}
            process = start(attempt, stdout=subprocess.DEVNULL, **pipes)
            if index % 2:
                time.sleep(chance.uniform(0, setting_up))
            else:
                while not checkpoints() - before:
                    assert process.poll() is None, process.stderr.read()
                    time.sleep(0.005)
                setting_up = time.monotonic() - began
                time.sleep(chance.uniform(0, 0.2))
        assert process.returncode == -signal.SIGKILL
        reached.append(max((path.name for path in checkpoints()), key=number))
    print("reached:", *reached)
    assert reached == sorted(reached)  # the iterations
    assert reached == sorted(reached, key=number)
    assert len(set(reached)) >= kills // 2
    subprocess.run(again, check=True, capture_output=True)
    assert (tmp_path / "whole.png").read_bytes() == (tmp_path / "resumed.png").read_bytes()
    assert len(list(folder.iterdir())) <= 2  # nor is a file left that was being written


NEWEST = "artistyle-00000006-000003.npz"


@pytest.fixture(scope="module")
def stopped_once(settings, picture, tmp_path_factory):
    config, folder = settings(optimizer="lbfgs"), tmp_path_factory.mktemp("stopped")
    pictures = picture(64, 64), picture(50, 40, 1)
    stylize(*pictures, config, callback=stop_after(6), checkpoints=Checkpoints(folder, every=2))
    assert names(folder) == ["artistyle-00000004-000002.npz", NEWEST]
    return config, pictures, folder


@pytest.fixture
def stopped(stopped_once, tmp_path):
    """A run stopped after six iterations with its checkpoints; (config, pictures, folder)."""
    config, pictures, folder = stopped_once
    shutil.copytree(folder, tmp_path, dirs_exist_ok=True)
    return config, pictures, tmp_path


def resumed(config, pictures, folder):
    """The iterations that a resumed run makes."""
    seen = []
    stylize(
        *pictures,
        config,
        callback=lambda step: seen.append(step.iteration),
        checkpoints=Checkpoints(folder, resume=True),
    )
    return seen


@pytest.mark.parametrize(
    "harm", ["cut", "flipped", "empty", "pickled", "other levels", "fewer arrays"]
)
def test_a_broken_checkpoint_is_passed_over(stopped, harm, caplog):
    config, pictures, folder = stopped
    newest = folder / NEWEST
    data = bytearray(newest.read_bytes())
    if harm == "cut":
        data = data[: len(data) // 2]
    elif harm == "flipped":
        data[len(data) // 2] ^= 1
    elif harm == "pickled":
        np.savez(newest, header=np.array([{"identity": {}}], object), a000000=np.zeros(3))
        data = newest.read_bytes()
    elif harm == "empty":
        data = b""
    else:
        with np.load(newest) as file:
            arrays = {name: file[name] for name in file.files}
        if harm == "fewer arrays":
            del arrays["a000003"]
        else:
            header = json.loads(arrays["header"].tobytes()) | {"level": 7}
            arrays["header"] = np.frombuffer(json.dumps(header).encode(), np.uint8)
        np.savez(newest, **arrays)
        data = newest.read_bytes()
    newest.write_bytes(bytes(data))
    assert resumed(config, pictures, folder) == [5, 6, 7, 8, 9]
    assert f"{NEWEST} can't be used: " in caplog.text


@pytest.mark.parametrize(
    ("change", "difference"),
    [
        ({"style_weight": 70.0}, "config.style_weight was None, and is 70.0 now"),
        ({"size": 80}, "config.size was 64, and is 80 now"),
        ({"seed": 1}, "config.seed was 0, and is 1 now"),
    ],
)
def test_another_configuration_is_refused(stopped, change, difference):
    config, pictures, folder = stopped
    other = dataclasses.replace(config, **change)
    with pytest.raises(InputError, match=f"is of another run: {difference}"):
        stylize(*pictures, other, checkpoints=Checkpoints(folder, resume=True))


def test_other_pictures_and_weights_are_refused(stopped, picture, small_arrays, tmp_path):
    config, (content, style), folder = stopped
    for pictures, name in (((style, style), "content"), ((content, content), "styles")):
        with pytest.raises(InputError, match=f"is of another run: {name} was "):
            stylize(*pictures, config, checkpoints=Checkpoints(folder, resume=True))
    other = tmp_path / "other.npz"
    arrays = {f"{layer}/kernel": kernel * 2 for layer, (kernel, _) in small_arrays.items()}
    np.savez(other, **arrays, **{f"{n}/bias": pair[1] for n, pair in small_arrays.items()})
    config = dataclasses.replace(config, weights=str(other))
    with pytest.raises(InputError, match="is of another run: weights was "):
        stylize(content, style, config, checkpoints=Checkpoints(folder, resume=True))


def test_without_resume_checkpoints_that_are_there_are_not_touched(stopped):
    folder = stopped[2]
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    with pytest.raises(InputError, match=r"000003.npz exists already; --resume continues"):
        Checkpoints(folder)
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before


def test_resuming_from_an_empty_folder_begins_at_the_beginning(stopped, tmp_path, caplog):
    config, pictures, _ = stopped
    checkpoints = Checkpoints(tmp_path / "new", resume=True)
    assert len(stylize(*pictures, config, checkpoints=checkpoints).trace) == 9
    assert "there is no checkpoint in" in caplog.text


def test_what_a_killed_run_was_writing_goes(tmp_path):
    ours, others = tmp_path / ".artistyle-checkpoint-0a.tmp", tmp_path / ".artistyle-0a.tmp"
    for path in (ours, others):
        path.write_bytes(b"half")
    checkpoints = Checkpoints(tmp_path)
    checkpoints.begin({})
    checkpoints.close()
    assert list(tmp_path.iterdir()) == [others]  # which may be of a run that writes its picture


@pytest.mark.parametrize("moment", ["periodic", "interrupted"])
def test_a_disk_that_is_full_costs_no_picture(
    settings, picture, tmp_path, monkeypatch, moment, caplog
):
    """Of two checkpoints the second can't be written: the run goes on, and the third is."""
    config, pictures = settings(optimizer="lbfgs"), (picture(64, 64), picture(50, 40, 1))
    whole = stylize(*pictures, config)
    folder, sync = tmp_path / "checkpoints", os.fsync

    def full(descriptor):
        raise OSError(28, "No space left on device")

    def watch(step):
        monkeypatch.setattr(os, "fsync", full if step.iteration >= 4 else sync)
        if moment == "interrupted" and step.iteration == 7:
            raise KeyboardInterrupt

    result = stylize(*pictures, config, callback=watch, checkpoints=Checkpoints(folder, every=2))
    assert "can't write checkpoints in" in caplog.text
    assert "No space left on device; the run continues" in caplog.text
    assert names(folder) == ["artistyle-00000002-000001.npz"]
    if moment == "periodic":
        assert result.image.tobytes() == whole.image.tobytes()
    else:
        assert result.stop_reason == "interrupted"
        assert len(result.trace) == 7


def test_broken_off_while_a_level_is_set_up(settings, picture, tmp_path, monkeypatch):
    """The last state of the level before is saved; going on from it gives the same bytes."""
    config, pictures = settings(optimizer="lbfgs"), (picture(64, 64), picture(50, 40, 1))
    whole = stylize(*pictures, config)
    made = Problem.targets

    def broken(problem, objective, size):
        if size == problem.canvas:
            raise KeyboardInterrupt
        return made(problem, objective, size)

    monkeypatch.setattr(Problem, "targets", broken)
    first = len(whole.trace) - whole.record["levels"][-1][2]
    result = stylize(*pictures, config, checkpoints=Checkpoints(tmp_path, every=1000))
    assert result.stop_reason == "interrupted"
    assert names(tmp_path) == [f"artistyle-{first:08}-000001.npz"]
    monkeypatch.undo()
    again = stylize(*pictures, config, checkpoints=Checkpoints(tmp_path, resume=True))
    assert again.image.tobytes() == whole.image.tobytes()
    assert again.record == whole.record
    assert len(again.trace) == len(whole.trace)


def test_a_checkpoint_is_due_by_iterations_or_by_time(tmp_path, monkeypatch):
    assert [n for n in range(1, 10) if Checkpoints(tmp_path, every=3).due(n)] == [3, 6, 9]
    for wrong in (0, "x", "0s", "s", -1, 2.5):
        with pytest.raises(ConfigError, match=r"every is .*; it must be a whole number of iter"):
            Checkpoints(tmp_path, every=wrong)
    clock = [1000.0]
    monkeypatch.setattr(time, "monotonic", lambda: clock[0])
    seconds = Checkpoints(tmp_path, every="20s")
    for wait, due in ((19, False), (1, True), (19.5, False), (1, True)):
        clock[0] += wait
        assert seconds.due(1) == due
    timed = Checkpoints(tmp_path)
    clock[0] += 59
    assert not timed.due(5)
    clock[0] += 1
    assert timed.due(5)
    timed._cost = 10.0  # seconds that the last one took: a fiftieth of the run at the most
    assert not timed.due(5)
    timed._last = clock[0]
    clock[0] += 501
    assert timed.due(5)


def test_what_is_saved_is_read(tmp_path):
    arrays = [np.arange(6.0).reshape(2, 3), np.float32(3), np.zeros((0, 4), np.int32)]
    Checkpoints(tmp_path).save(3, {"level": 1}, arrays)
    reader = Checkpoints(tmp_path, resume=True)
    saved = reader.begin({})
    reader.close()
    assert isinstance(saved, Saved)
    assert saved.header["level"] == 1
    for one, other in zip(saved.arrays, arrays, strict=True):
        np.testing.assert_array_equal(one, other)
        assert one.dtype == np.asarray(other).dtype


def test_a_folder_that_another_run_uses_is_refused(tmp_path):
    first = Checkpoints(tmp_path)
    first.begin({})
    with pytest.raises(InputError, match="another run keeps its checkpoints in"):
        Checkpoints(tmp_path).begin({})
    first.close()
    first.begin({})
    first.close()


def written(folder, *iterations, identity=None, **options):
    """A run's checkpoints after those iterations."""
    checkpoints = Checkpoints(folder, **options)
    checkpoints.begin(identity or {})
    for iteration in iterations:
        checkpoints.save(iteration, {"at": iteration}, [np.arange(50.0)])
    checkpoints.close()


def spoil(path):
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)


def test_the_last_written_stay_and_not_the_highest(tmp_path):
    """A broken one of iteration 300 costs no good one of a lower iteration; then it goes."""
    written(tmp_path, 240, 300)
    spoil(tmp_path / "artistyle-00000300-000002.npz")
    checkpoints = Checkpoints(tmp_path, resume=True)
    assert checkpoints.begin({}).header["at"] == 240
    assert len(names(tmp_path)) == 2  # nothing goes before a newer one is written
    checkpoints.save(250, {"at": 250}, [])
    assert names(tmp_path) == ["artistyle-00000240-000001.npz", "artistyle-00000250-000003.npz"]
    checkpoints.save(260, {"at": 260}, [])
    assert names(tmp_path) == ["artistyle-00000250-000003.npz", "artistyle-00000260-000004.npz"]
    checkpoints.close()
    assert checkpoints.begin({}).header["at"] == 260
    checkpoints.close()


def test_an_object_serves_one_run_after_another(tmp_path):
    checkpoints = Checkpoints(tmp_path / "run", resume=True)
    assert checkpoints.begin({"seed": 1}) is None
    assert len(checkpoints.notes) == 1
    checkpoints.save(9, {"at": 9}, [])
    with pytest.raises(InputError, match="another run keeps its checkpoints"):
        checkpoints.begin({"seed": 2})  # the first has not ended, and keeps its lock
    checkpoints.save(10, {"at": 10}, [])
    checkpoints.close()
    assert checkpoints.begin({"seed": 1}).header["at"] == 10
    assert checkpoints.notes == []
    checkpoints.close()
    with pytest.raises(InputError, match="is of another run: seed was 1"):
        checkpoints.begin({"seed": 2})
    written(tmp_path / "run", 11, resume=True, identity={"seed": 1})  # the lock was given back


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes")
def test_what_is_no_file_is_passed_over(tmp_path):
    """A read of a pipe would wait for ever: so in a process that can be ended."""
    os.mkfifo(tmp_path / "artistyle-00000009-000009.npz")
    (tmp_path / "artistyle-00000008-000008.npz").mkdir()
    (tmp_path / ".artistyle-checkpoint-0a.tmp").mkdir()
    code = """
import sys
from artistyle_tf import Checkpoints
Checkpoints(sys.argv[1])
checkpoints = Checkpoints(sys.argv[1], resume=True)
assert checkpoints.begin({}) is None
checkpoints.save(1, {}, [])
checkpoints.save(2, {}, [])
checkpoints.save(3, {}, [])
"""
    command = [sys.executable, "-c", code, str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    assert names(tmp_path) == [
        ".artistyle-checkpoint-0a.tmp",
        "artistyle-00000002-000002.npz",
        "artistyle-00000003-000003.npz",
        "artistyle-00000008-000008.npz",
        "artistyle-00000009-000009.npz",
    ]


def test_a_worker_that_does_not_write_leaves_the_folder_as_it_is(tmp_path):
    folder = tmp_path / "run"
    worker = Checkpoints(folder, every=1, resume=True)
    assert worker.begin({}, writes=False) is None
    assert not worker.due(1)
    worker.save(1, {}, [])
    worker.close()
    assert not folder.exists()
    chief = Checkpoints(folder, every=1)
    chief.begin({"seed": 1})
    chief.save(1, {"at": 1}, [])
    (folder / ".artistyle-checkpoint-0a.tmp").write_bytes(b"the chief writes")
    before = names(folder)
    assert worker.begin({"seed": 1}, writes=False).header["at"] == 1
    assert worker.notes == []
    worker.save(2, {}, [])
    worker.close()
    assert names(folder) == before
    chief.save(2, {}, [])  # its lock was not taken away
    chief.close()
    worker.begin({"seed": 1})
    assert worker.due(1)  # and a later run of the same object may be the chief
    worker.close()


def test_a_checkpoint_that_its_writer_removes_meanwhile_is_no_news(tmp_path, monkeypatch):
    written(tmp_path, 1, 2)
    real = kept._read

    def gone(path, identity):
        if "00000002" in path:
            raise FileNotFoundError(2, "No such file or directory")
        return real(path, identity)

    monkeypatch.setattr("artistyle_tf.engine.checkpoints._read", gone)
    worker = Checkpoints(tmp_path, resume=True)
    assert worker.begin({}, writes=False).header["at"] == 1
    assert worker.notes == []
