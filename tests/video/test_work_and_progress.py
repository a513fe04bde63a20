"""The folder of finished frames, and what is shown while a clip is painted."""

import logging
import os
import types

import numpy as np
import pytest

import clips
from artistyle_tf.errors import InputError
from artistyle_tf.video import progress
from artistyle_tf.video.progress import ClipProgress
from artistyle_tf.video.survey import Shot, Survey
from artistyle_tf.video.work import Work

FOUND = Survey((Shot((0, 1)), Shot((2,))), {0: 0, 1: 512, 2: 1024}, "it is broken")


def work_of(folder):
    return Work(str(folder / "out.mp4"), {"a": 1})


def test_a_survey_is_kept_for_runs_that_resume(tmp_path):
    work = work_of(tmp_path)
    assert work.survey is None
    work.keep(FOUND)
    assert work.survey == work_of(tmp_path).survey == FOUND
    work.discard()
    assert os.listdir(tmp_path) == []
    assert work_of(tmp_path).survey is None


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", '{"shots": 3, "times": [], "broken": null}'])
def test_a_survey_that_is_no_survey_is_refused(tmp_path, text):
    work = work_of(tmp_path)
    with open(os.path.join(work.folder, "survey.json"), "w") as file:
        file.write(text)
    with pytest.raises(InputError, match=r"^can't read .*survey\.json; remove it$"):
        _ = work.survey


def test_passes_have_frames_of_their_own(tmp_path):
    work, picture = work_of(tmp_path), clips.texture(24, 32)
    first, second = work.of_pass(1), work.of_pass(2)
    first.write(5, picture)
    assert (first.has(5), second.has(5), work.has(5)) == (True, False, False)
    np.testing.assert_array_equal(work_of(tmp_path).of_pass(1).read(5), picture)
    first.remove([4, 5])
    assert not first.has(5)
    first.write(5, picture)
    work.discard()
    assert os.listdir(tmp_path) == []


def test_frames_keep_their_levels(tmp_path):
    work = work_of(tmp_path)
    deep = np.random.default_rng(0).integers(0, 65536, (24, 32, 3), dtype=np.uint16)
    work.write(0, deep)
    found = work.read(0)
    assert found.dtype == np.uint16
    np.testing.assert_array_equal(found, deep)


def test_a_broken_frame_is_named(tmp_path):
    work = work_of(tmp_path)
    with open(os.path.join(work.folder, "00000007.png"), "wb") as file:
        file.write(b"no picture")
    with pytest.raises(InputError, match=r"^can't read .*00000007\.png; remove it$"):
        work.read(7)


def test_a_file_in_place_of_the_folder_is_refused(tmp_path):
    (tmp_path / "out.mp4.frames").write_text("mine")
    with pytest.raises(InputError, match=r"^can't use the folder .*out\.mp4\.frames: "):
        work_of(tmp_path)
    assert (tmp_path / "out.mp4.frames").read_text() == "mine"


def step(iteration):
    return types.SimpleNamespace(iteration=iteration, iterations=10)


@pytest.fixture
def said(caplog, monkeypatch):
    """A function: what was logged since it was called last. `said.now`: the time in seconds."""
    caplog.set_level(logging.DEBUG, "artistyle_tf")

    def take():
        found = [record.getMessage() for record in caplog.records]
        caplog.clear()
        return found

    take.now = 0.0
    monkeypatch.setattr(progress, "time", types.SimpleNamespace(monotonic=lambda: take.now))
    return take


def test_the_frame_and_the_time_left_are_shown(said):
    shown = ClipProgress()
    said.now = 100.0  # before painting begins, it takes no part
    shown.begin(4, 1)
    shown(step(1))
    shown(step(2))
    said.now = 130.0
    shown(step(1))
    said.now = 150.0
    shown(step(5))
    assert said() == [
        "frame 1 of 4, iteration 1 of 10",
        "frame 1 of 4, iteration 2 of 10",
        "frame 2 of 4, iteration 1 of 10, about 1:30 left",
        "frame 2 of 4, iteration 5 of 10, about 2:30 left",
    ]


def test_passes_and_workers_are_shown(said):
    shown = ClipProgress()
    shown.begin(40, 5)
    shown(step(1))
    shown.finished(40)
    said.now = 60.0
    shown.finished(30)
    shown.finished(0)
    assert said() == [
        "painting of 5 passes, 1 of 40, iteration 1 of 10",
        "painting of 5 passes, 0 of 40",
        "painting of 5 passes, 10 of 40, about 3:00 left",
        "painting of 5 passes, 40 of 40, about 0:00 left",
    ]


def test_what_every_frame_says_is_shown_once(said):
    logger = logging.getLogger("artistyle_tf")
    shown = ClipProgress()
    shown.begin(2, 1)
    with shown:
        for _ in range(2):
            logger.warning("the style is %s", "small")
            shown(step(1))
            shown.finished(2)
        logger.warning("the style is large")
    assert said() == [
        "the style is small",
        "frame 1 of 2, iteration 1 of 10",
        "frame 0 of 2",
        "frame 2 of 2, iteration 1 of 10, about 0:00 left",
        "frame 0 of 2",
        "the style is large",
    ]
    for _ in range(2):
        logger.warning("the style is small")
    assert len(said()) == 2
