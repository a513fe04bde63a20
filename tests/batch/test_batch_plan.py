"""The order of jobs, and the estimates of a dry run. No TensorFlow, no Ray."""

import pytest
from PIL import Image

from artistyle_tf.batch.job_files import texts
from artistyle_tf.batch.jobs import make_job, placed
from artistyle_tf.batch.pace import Pace, work
from artistyle_tf.batch.plan import in_order, plan_lines, result_size


@pytest.fixture
def make(tmp_path):
    def made(name, shape=(40, 30), **more):
        path = tmp_path / name
        Image.new("RGB", shape).save(path)
        row = {"content": str(path), "style": str(path), "size": 32, **more}
        return make_job(texts(row))

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
    texture = make_job(texts({"task": "texture", "style": "x.png", "size": "64x48"}))
    assert result_size(texture) == (48, 64)
    missing = make_job(texts({"content": "none.png", "style": "x.png"}))
    assert result_size(missing) is None
    exif = Image.Exif()
    exif[0x0112] = 6
    turned = make("c.png")
    Image.new("RGB", (40, 30)).save(tmp_path / "t.jpg", exif=exif)
    turned = make_job(texts({"content": f"{tmp_path}/t.jpg", "style": "x.png", "size": 32}))
    assert result_size(turned) == (32, 24)


def test_work_is_pixels_times_iterations(make):
    job = make("a.png", size=256, iterations=10, levels=2, finest=0.7)
    assert work(job, (256, 256)) == pytest.approx((3 * 128**2 + 7 * 256**2) / 1e6)


def test_pace_is_learnt_and_kept(make, tmp_path):
    pace, path = Pace(), str(tmp_path / "x" / "pace.json")
    job, bigger = make("a.png", levels=1), make("b.png", levels=1, iterations=600)
    assert pace.seconds(job, (32, 32)) is None
    pace.learn(job, (32, 32), seconds=20.0, painting=4.0)
    assert pace.seconds(job, (32, 32)) == pytest.approx(20)
    pace.learn(job, (32, 32), seconds=6.0, painting=4.0)  # nothing to load any more
    assert pace.seconds(job, (32, 32)) == pytest.approx(6)
    assert pace.seconds(bigger, (32, 32)) == pytest.approx(10)
    pace.write(path)
    assert Pace.read(path).seconds(bigger, (32, 32)) == pytest.approx(10)
    assert pace.seconds(make("c.png", optimizer="adam"), (32, 32)) is None
    for damaged in ("", "[]", '{"a": 3}', '{"a": [1]}', '{"a": "xyz"}'):
        (tmp_path / "damaged.json").write_text(damaged)
        assert Pace.read(str(tmp_path / "damaged.json")).to_dict() == {}


def test_a_plan_says_what_is_estimated(make):
    jobs = placed([make(f"{n}.png", weights="preview") for n in range(50)], "out")
    pace = Pace()
    lines = plan_lines(jobs, 3, pace, 1)
    assert lines[0] == "50 to paint with 1 set of settings, 3 already done"
    assert lines[1].startswith("  out/0--0.png: 32×24 px, 0.")
    assert "… and 10 more" in lines[41]
    assert "memory: about 0." in lines[-2]
    assert "estimated" in lines[-2]
    assert lines[-1].endswith("no jobs like these were painted in this folder before")
    pace.learn(jobs[0], (24, 32), seconds=6.0, painting=4.0)
    last = plan_lines(jobs, 3, pace, 2)[-1]
    assert last.startswith("time: about 2:30 (estimated from earlier jobs in this folder")
    assert plan_lines([], 3, pace, 1) == ["0 to paint with 0 sets of settings, 3 already done"]


def test_a_plan_names_what_can_not_be(make):
    (huge,) = placed([make("a.png", size=4096, memory="1GB", weights="preview")], "out")
    assert "--size=" in plan_lines([huge], 0, Pace(), 1)[1]
    (missing,) = placed([make_job(texts({"content": "none.png", "style": "x.png"}))], "out")
    assert "size unknown before painting" in plan_lines([missing], 0, Pace(), 1)[1]
