"""Which jobs are done, the order of the others, and the estimates of a dry run. What is done is
known by the record in the output, whose settings and pictures must be the job's."""

import dataclasses
import hashlib
import pathlib
import shutil

import numpy as np
import pytest
from PIL import Image
from stub_workers import record_of

from artistyle_tf.batch.jobs import make_job, name_outputs
from artistyle_tf.batch.plan import NEW, in_order, make_plan, read_rates, why_paint, write_rates
from artistyle_tf.batch.pool import Outcome
from artistyle_tf.errors import InputError
from artistyle_tf.images.read import read
from artistyle_tf.images.write import write


@pytest.fixture
def job(tmp_path, picture):
    """A job whose output is there."""
    for seed, name in enumerate("ab"):
        Image.fromarray(picture(30, 40, seed)).save(tmp_path / f"{name}.png")
    row = {"content": f"{tmp_path}/a.png", "style": f"{tmp_path}/b.png", "size": 32}
    (made,) = name_outputs([make_job(row)], f"{tmp_path}")
    put(made)
    return made


def put(job, **more):
    record = record_of(job.config, read(job.content), [read(style) for style in job.styles])
    rgb = np.zeros((24, 32, 3), np.uint8 if job.depth == 8 else np.float32)
    write(job.output, rgb, record={**record, "depth": job.depth, **more}, depth=job.depth)


def changed(job, **settings):
    return dataclasses.replace(job, config=dataclasses.replace(job.config, **settings))


def test_settings_that_determine_the_picture_count(job, tmp_path):
    assert why_paint(job) is None
    assert why_paint(dataclasses.replace(job, output=f"{tmp_path}/o.png")) == NEW
    other = changed(job, iterations=7, style_layers={"block1_conv1": 1})
    assert why_paint(other) == "changed: iterations, style_layers"
    assert why_paint(changed(job, memory="4GB")) is None
    deep = dataclasses.replace(job, depth=16)
    assert why_paint(deep) == "changed: depth"
    put(deep)
    assert why_paint(deep) is None


def test_the_weight_that_followed_from_the_strength_is_no_change(job):
    put(changed(job, style_weight=7.0))
    assert why_paint(job) is None
    assert why_paint(changed(job, strength=0.7)) == "changed: strength"
    assert why_paint(changed(job, style_weight=7.0)) is None
    assert why_paint(changed(job, style_weight=8.0)) == "changed: style_weight"


def test_pictures_count_by_their_pixels_and_weights_by_their_bytes(
    job, picture, tmp_path, small_file
):
    with Image.open(job.content) as image:
        image.save(job.content, compress_level=1)
    assert why_paint(job) is None
    Image.fromarray(picture(30, 40, 9)).save(job.content)
    assert why_paint(job) == "changed: content"
    Image.fromarray(picture(30, 40, 8)).save(job.styles[0])
    masked = dataclasses.replace(job, content_masks=(job.content,))
    assert why_paint(masked) == "changed: content, style, content_mask"
    path = tmp_path / "net.npz"
    shutil.copy(small_file, path)
    own = changed(job, weights=str(path))
    put(own, weights={"kind": "file", "sha256": hashlib.sha256(path.read_bytes()).hexdigest()})
    assert why_paint(own) is None
    with np.load(small_file) as arrays:
        np.savez_compressed(path, **arrays)
    assert why_paint(own) == "changed: weights"


def test_records_may_hold_anything(job):
    for more in ({"config": 3}, {"content": 3}, {"styles": {}}, {"outcome": 3, "styles": [3]}):
        put(job, **more)
        assert why_paint(job).startswith("changed: ")
    for record in (None, {"program": "another"}):
        write(job.output, np.zeros((24, 32, 3), np.uint8), record=record)
        with pytest.raises(InputError, match=f"^{job.output} exists, and artistyle did not make"):
            why_paint(job)
        assert why_paint(job, overwrite=True).startswith(NEW if record is None else "changed")
    put(job)
    pathlib.Path(job.output).write_bytes(b"artistyle_tf, damaged")
    assert why_paint(job) == NEW


@pytest.fixture
def make(tmp_path):
    def made(name, shape=(40, 30), **more):
        path = tmp_path / name
        Image.new("RGB", shape).save(path)
        return make_job({"content": path, "style": path, "size": 32, **more})

    return made


def test_jobs_of_a_kind_come_together(make):
    others = make("b.png", seed=2), make("c.png", (30, 40))
    jobs = [make("a.png"), *others, make("d.png"), make("e.png", seed=2)]
    names = [job.content[-5] for job in in_order(jobs)]
    assert names == ["a", "d", "c", "b", "e"]


def test_a_plan_says_what_is_estimated(make, tmp_path):
    folder = f"{tmp_path}/out"
    jobs = [make(f"{n:02}.png", levels=1, weights="preview") for n in range(50)]
    jobs = name_outputs(jobs, folder)
    lines, faults = make_plan(jobs, {}, 1)
    assert faults == []
    assert lines[0] == "50 to paint with 1 set of settings, 0 already done"
    assert lines[1].startswith(f"  {folder}/00--00.png: 32×24 px, 0.")
    assert "… and 10 more" in lines[41]
    assert lines[42].startswith("memory: about 0.")
    assert lines[43] == "disk: at most 115,200 bytes"
    assert lines[44].endswith("no jobs like these were painted in this folder before")

    write_rates(folder, {jobs[0]: Outcome("done", seconds=6.0, size=(24, 32)), jobs[1]: None})
    last = make_plan(jobs, read_rates(folder), 2)[0][-1]
    assert last == "time: about 2:30 (estimated from earlier jobs in this folder)"
    longer = dataclasses.replace(
        jobs[1], config=dataclasses.replace(jobs[1].config, iterations=600)
    )
    other = make("o.png", weights="preview", optimizer="adam")
    last = make_plan([longer, *name_outputs([other], folder)], read_rates(folder), 1)[0][-1]
    assert last.startswith("time: about 0:12")
    assert last.endswith("; 1 of kinds not painted before not included)")
    for damaged in ("", "[]", '{"a": [1]}', '{"a": "xyz"}'):
        (tmp_path / "out" / ".artistyle" / "times.json").write_text(damaged)
        assert read_rates(folder) == {}
