"""The order of jobs, and the estimates of a dry run. No TensorFlow, no Ray."""

import pytest
from PIL import Image

from artistyle_tf.batch.jobs import make_job, name_outputs
from artistyle_tf.batch.plan import Durations, in_order, plan_lines, result_size


@pytest.fixture
def make(tmp_path):
    def made(name, shape=(40, 30), **more):
        path = tmp_path / name
        Image.new("RGB", shape).save(path)
        return make_job({"content": path, "style": path, "size": 32, **more})

    return made


def test_jobs_of_a_kind_come_together(make):
    jobs = [
        make("a.png"),
        make("b.png", seed=2),
        make("c.png", (30, 40)),
        make("d.png"),
        make("e.png", seed=2),
    ]
    names = [job.content[-5] for job in in_order(jobs)]
    assert names == ["a", "d", "c", "b", "e"]
    assert in_order([]) == []


def test_sizes_are_those_of_the_results(make, tmp_path):
    assert result_size(make("a.png", (40, 30))) == (24, 32)
    assert result_size(make("b.png", (40, 30), size=0)) == (30, 40)
    assert result_size(make_job({"task": "texture", "style": "x.png", "size": "64x48"})) == (48, 64)
    assert result_size(make_job({"content": "none.png", "style": "x.png"})) is None
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.new("RGB", (40, 30)).save(tmp_path / "t.jpg", exif=exif)
    turned = make_job({"content": f"{tmp_path}/t.jpg", "style": "x.png", "size": 32})
    assert result_size(turned) == (32, 24)


def test_durations_are_learnt_and_kept(make, tmp_path):
    folder, file = str(tmp_path / "out"), tmp_path / "out" / ".artistyle" / "times.json"
    durations = Durations(folder)
    job, longer = make("a.png", levels=1), make("b.png", levels=1, iterations=600)
    assert durations.estimate(job, (32, 32)) is None
    durations.learn(job, (32, 32), seconds=20.0, painting=4.0)
    assert durations.estimate(job, (32, 32)) == pytest.approx(20)
    durations.learn(job, (32, 32), seconds=6.0, painting=4.0)  # nothing to load any more
    assert durations.estimate(job, (32, 32)) == pytest.approx(6)
    assert durations.estimate(longer, (32, 32)) == pytest.approx(10)
    assert durations.estimate(longer, (64, 32)) == pytest.approx(18)
    durations.save()
    assert Durations(folder).estimate(longer, (32, 32)) == pytest.approx(10)
    assert durations.estimate(make("c.png", optimizer="adam"), (32, 32)) is None
    for damaged in ("", "[]", '{"a": 3}', '{"a": [1]}', '{"a": "xyz"}'):
        file.write_text(damaged)
        assert Durations(folder).estimate(job, (32, 32)) is None


def test_a_plan_says_what_is_estimated(make, tmp_path):
    jobs = name_outputs([make(f"{n}.png", weights="preview") for n in range(50)], "out")
    durations = Durations(str(tmp_path))
    lines = plan_lines(jobs, 3, durations, 1)
    assert lines[0] == "50 to paint with 1 set of settings, 3 already done"
    assert lines[1].startswith("  out/0--0.png: 32×24 px, 0.")
    assert "… and 10 more" in lines[41]
    assert "memory: about 0." in lines[-2]
    assert "estimated" in lines[-2]
    assert lines[-1].endswith("no jobs like these were painted in this folder before")
    durations.learn(jobs[0], (24, 32), seconds=6.0, painting=4.0)
    last = plan_lines(jobs, 3, durations, 2)[-1]
    assert last.startswith("time: about 2:30 (estimated from earlier jobs in this folder")
    assert plan_lines([], 3, durations, 1) == ["0 to paint with 0 sets of settings, 3 already done"]
    huge = make("a.png", size=4096, memory="1GB", weights="preview")
    missing = make_job({"content": "none.png", "style": "x.png"})
    lines = plan_lines(name_outputs([huge, missing], "out"), 0, durations, 1)
    assert "--size=" in lines[1]
    assert "size unknown before painting" in lines[2]
