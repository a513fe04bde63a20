"""Killed and resumed runs, and checkpoints that are not what they should be."""

import dataclasses
import json
import os
import random
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
from PIL import Image

from artistyle_tf import Checkpoints, Config, InputError, stylize
from artistyle_tf.checkpoint import Saved
from artistyle_tf.errors import ConfigError
from artistyle_tf.flags import parse
from artistyle_tf.locks import holding


@pytest.fixture
def settings(small_file):
    def make(**overrides):
        defaults = {"size": 64, "iterations": 9, "levels": 2, "weights": str(small_file)}
        return Config(**{**defaults, **overrides})

    return make


def stop_after(count):
    return lambda step: step.iteration < count


@pytest.mark.parametrize(
    ("optimizer", "count"),
    [("lbfgs", 1), ("lbfgs", 3), ("lbfgs", 6), ("tfp", 6), ("adam", 6)],
)
def test_a_resumed_run_writes_the_same_bytes(settings, picture, tmp_path, optimizer, count):
    """Stopped in the first level and in the second, by another process's eyes: a fresh object."""
    config = settings(optimizer=optimizer, balance="equal", finest=0.6)
    pictures = picture(48, 64), picture(50, 40, 1)
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


def command(folder, small_file, *more):
    return [
        sys.executable,
        "-m",
        "artistyle_tf",
        f"--content={folder}/photo.png",
        f"--style={folder}/painting.png",
        f"--weights={small_file}",
        "--size=96",
        "--levels=2",
        "--optimizer=lbfgs",
        "--iterations=700",
        "--precision=float32",
        *more,
    ]


@pytest.mark.slow
@pytest.mark.parametrize("kills", [3, 50])
def test_killed_at_random_and_resumed(small_file, picture, tmp_path, kills):
    """SIGKILL, again and again over one run, and then to the end."""
    if kills > 3 and not os.environ.get("ARTISTYLE_LONG_TESTS"):
        pytest.skip("takes ten minutes; set ARTISTYLE_LONG_TESTS=1")
    for name, seed in (("photo", 0), ("painting", 1)):
        Image.fromarray(picture(72, 96, seed)).save(tmp_path / f"{name}.png")
    plain = command(tmp_path, small_file, f"--output={tmp_path}/whole.png")
    subprocess.run(plain, check=True, capture_output=True)
    folder, chance = tmp_path / "checkpoints", random.Random(kills)
    flags = ["--resume", f"--checkpoint_dir={folder}", f"--output={tmp_path}/resumed.png"]
    again = [*command(tmp_path, small_file, *flags), "--save_every=25"]
    killed = 0
    for _ in range(kills):
        before = set(folder.glob("*.npz")) if folder.is_dir() else set()
        process = subprocess.Popen(again, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        deadline = time.monotonic() + 60  # some work is done, then the blow falls
        while process.poll() is None and time.monotonic() < deadline:
            if folder.is_dir() and set(folder.glob("*.npz")) - before:
                break
            time.sleep(0.005)
        time.sleep(chance.uniform(0, 0.1))
        process.send_signal(signal.SIGKILL)
        killed += process.wait() == -signal.SIGKILL
    assert killed >= min(kills, 3) - 1  # it may have come to its end before
    subprocess.run(again, check=True, capture_output=True)
    assert (tmp_path / "whole.png").read_bytes() == (tmp_path / "resumed.png").read_bytes()
    assert len(list(folder.glob("*.npz"))) <= 2


@pytest.fixture
def stopped(settings, picture, tmp_path):
    """A run stopped after six iterations with its checkpoints; (config, pictures, folder)."""
    config = settings(optimizer="lbfgs")
    pictures = picture(48, 64), picture(50, 40, 1)
    stylize(*pictures, config, callback=stop_after(6), checkpoints=Checkpoints(tmp_path, every=2))
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "artistyle-00000004.npz",
        "artistyle-00000006.npz",
    ]
    return config, pictures, tmp_path


@pytest.mark.parametrize("harm", ["cut", "flipped", "empty", "text", "pickled"])
def test_a_broken_checkpoint_is_passed_over(stopped, harm, caplog):
    config, pictures, folder = stopped
    newest = folder / "artistyle-00000006.npz"
    data = bytearray(newest.read_bytes())
    if harm == "cut":
        data = data[: len(data) // 2]
    elif harm == "flipped":
        data[len(data) // 2] ^= 1
    elif harm == "pickled":
        np.savez(newest, header=np.array([{"identity": {}}], object), a000000=np.zeros(3))
        data = newest.read_bytes()
    else:
        data = b"" if harm == "empty" else b"no checkpoint at all" * 9
    newest.write_bytes(bytes(data))
    seen = []
    stylize(
        *pictures,
        config,
        callback=lambda step: seen.append(step.iteration),
        checkpoints=Checkpoints(folder, resume=True),
    )
    assert seen == [5, 6, 7, 8, 9]
    assert "artistyle-00000006.npz can't be used: " in caplog.text


@pytest.mark.parametrize(
    ("change", "difference"),
    [
        ({"style_weight": 70.0}, "config.style_weight was 60.0, and is 70.0 now"),
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


def test_without_resume_old_checkpoints_go_and_an_empty_folder_is_said(stopped, caplog):
    config, pictures, folder = stopped
    old = Checkpoints(folder)
    old.begin({})
    old.close()
    assert list(folder.iterdir()) == []
    stylize(*pictures, config, checkpoints=Checkpoints(folder, resume=True))
    assert "there is no checkpoint in" in caplog.text


def test_a_checkpoint_is_due_by_iterations_or_by_time(tmp_path, monkeypatch):
    assert [n for n in range(1, 10) if Checkpoints(tmp_path, every=3).due(n)] == [3, 6, 9]
    clock = [1000.0]
    monkeypatch.setattr(time, "monotonic", lambda: clock[0])
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


def test_folders_that_cannot_be(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match=r"can't make checkpoints in .*file"):
        Checkpoints(tmp_path / "file" / "below")


def test_a_write_that_fails_leaves_the_one_before(stopped, monkeypatch):
    folder = stopped[2]
    before = {path.name: path.read_bytes() for path in folder.iterdir()}

    def full(*arguments):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(InputError, match=r"can't write checkpoints in .*: No space left"):
        Checkpoints(folder, resume=True).save(8, {}, [np.zeros(10)])
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before


def test_flags(tmp_path):
    files = ["--content=a.png", "--style=b.png", "--output=c.png"]
    found = parse([*files, f"--checkpoint_dir={tmp_path}", "--resume"])
    assert (found.checkpoint_dir, found.resume) == (str(tmp_path), True)
    assert not parse(files).resume
    for flags, told in (
        (["--resume"], "--resume needs --checkpoint_dir=FOLDER"),
        (["--checkpoint_dir="], "--checkpoint_dir is empty"),
    ):
        with pytest.raises(ConfigError, match=told):
            parse([*files, *flags])
    json.dumps(found.config.to_dict())


def test_a_folder_that_another_run_uses_is_refused(tmp_path):
    first = Checkpoints(tmp_path)
    first.begin({})
    with pytest.raises(InputError, match="another run keeps its checkpoints in"):
        Checkpoints(tmp_path).begin({})
    first.close()
    first.begin({})
    first.close()


def test_a_lock_goes_with_its_process(tmp_path):
    code = "import sys, time; from artistyle_tf.locks import hold; f = hold(sys.argv[1]);"
    code += "print(f is not None, flush=True); time.sleep(60)"
    process = subprocess.Popen(
        [sys.executable, "-c", code, str(tmp_path / "x")], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout.readline() == "True\n"
    with holding(str(tmp_path / "x")) as alone:
        assert not alone
    with holding(str(tmp_path / "y")) as alone:
        assert alone
    process.kill()
    process.communicate()
    with holding(str(tmp_path / "x")) as alone:
        assert alone
