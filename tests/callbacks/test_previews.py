"""Pictures on disk while a run goes on."""

import numpy as np
import pytest
from PIL import Image

from artistyle_tf import Config, Previews
from artistyle_tf.callbacks.previews import is_preview, preview_path
from artistyle_tf.config import interval
from painters import stylize


def test_names():
    assert preview_path("a/o.x.jpg", 7, 30) == "a/o.x-0007.jpg"
    assert preview_path("o.png", 7, 123456) == "o-000007.png"
    for file, meant in [
        ("o-0004.png", True), ("./o-0008.png", True), ("o-0012.png", False), ("o-0005.png", False),
        ("o-4.png", False), ("x-0004.png", False), ("a/o-0004.png", False), ("o-0000.png", False),
    ]:  # fmt: skip
        assert is_preview(file, "o.png", every=4, iterations=9) == meant


def test_a_run_leaves_every_nth_picture(small_file, picture, tmp_path):
    config = Config(size=64, levels=2, iterations=7, weights=str(small_file), optimizer="lbfgs")
    seen = {}

    def look(step):
        seen[step.iteration] = step.image()

    watchers = [look, Previews(tmp_path / "o.png", 3)]
    plain = stylize(picture(64, 64), picture(40, 40, 1), config)
    result = stylize(picture(64, 64), picture(40, 40, 1), config, callback=watchers)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["o-0003.png", "o-0006.png"]
    for iteration in (3, 6):
        with Image.open(tmp_path / f"o-000{iteration}.png") as file:
            assert np.array_equal(np.asarray(file), seen[iteration])
    assert len(seen) == 7
    assert seen[1].shape == (32, 32, 3)
    assert seen[7].shape == (64, 64, 3)
    # Who looks on changes nothing: neither pixels nor the record.
    assert np.array_equal(result.image, plain.image)
    assert result.record == plain.record


def test_by_the_clock_the_first_one_comes_early(monkeypatch):
    now = [100.0]
    monkeypatch.setattr(interval.time, "monotonic", lambda: now[0])
    cadence = interval.Cadence("60s", first=Previews.FIRST)
    now[0] += 30  # TensorFlow loads and traces
    due = []
    for iteration in range(1, 130):
        if cadence.due(iteration):
            due.append(now[0])
        now[0] += 1
    assert due == [132.0, 192.0, 252.0]


def test_where_the_clock_is_faster_there_is_no_picture_more(monkeypatch):
    now = [0.0]
    monkeypatch.setattr(interval.time, "monotonic", lambda: now[0])
    cadence = interval.Cadence("1s", first=Previews.FIRST)
    due = []
    for iteration in range(1, 10):
        now[0] += 0.5
        if cadence.due(iteration):
            due.append(now[0])
    assert due == [1.0, 2.0, 3.0, 4.0]


def test_a_preview_that_cannot_be_written_ends_no_run(small_file, picture, tmp_path, caplog):
    config = Config(size=32, iterations=6, weights=str(small_file), optimizer="lbfgs")
    watcher = Previews(tmp_path / "gone" / "o.png", 2)
    result = stylize(picture(32, 32), picture(32, 32, 1), config, callback=watcher)
    assert result.error is None
    assert len(result.trace) == 6
    assert caplog.text.count("can't write") == 3
    assert "the run continues" in caplog.text
    assert result.image.shape == (32, 32, 3)


def test_any_callback_of_a_list_ends_the_run_and_all_are_called(small_file, picture):
    config = Config(size=32, iterations=6, weights=str(small_file), optimizer="lbfgs")
    called = []
    watchers = [lambda step: step.iteration < 3, called.append]
    result = stylize(picture(32, 32), picture(32, 32, 1), config, callback=watchers)
    assert result.stop_reason == "stopped by the callback"
    assert result.error is None
    assert [step.iteration for step in called] == [1, 2, 3]


@pytest.mark.parametrize("others", [[], [lambda step: None]])
def test_an_exception_in_a_callback_is_kept_and_logged(small_file, picture, others, caplog):
    def broken(step):
        if step.iteration == 3:
            raise ZeroDivisionError("in /home/me/notebook")

    config = Config(size=64, levels=2, iterations=20, weights=str(small_file), optimizer="lbfgs")
    result = stylize(
        picture(64, 64),
        picture(32, 32, 1),
        config,
        callback=[*others, broken] if others else broken,
    )
    assert isinstance(result.error, ZeroDivisionError)
    assert len(result.trace) == 3
    assert result.image.shape == (64, 64, 3)
    assert result.record["outcome"]["stop_reason"] == "a callback raised ZeroDivisionError"
    assert "/home/me" not in str(result.record)
    (remark,) = [record for record in caplog.records if record.levelname == "ERROR"]
    assert remark.getMessage() == "a callback raised ZeroDivisionError: in /home/me/notebook"
    assert remark.exc_info[1] is result.error
