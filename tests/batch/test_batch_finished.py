"""What is done is known by the record in the output, whose settings and pictures must be the
job's. No TensorFlow, no Ray."""

import dataclasses
import hashlib

import numpy as np
import pytest
from PIL import Image
from stub_workers import record_of

from artistyle_tf.batch.finished import NEW, why_paint, with_depth
from artistyle_tf.batch.jobs import make_job, name_outputs
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
    write(job.output, rgb, record={**with_depth(record, job.depth), **more}, depth=job.depth)


def changed(job, **settings):
    return dataclasses.replace(job, config=dataclasses.replace(job.config, **settings))


def test_done_and_new(job, tmp_path):
    assert why_paint(job) is None
    assert why_paint(dataclasses.replace(job, output=f"{tmp_path}/o.png")) == NEW


def test_settings_that_determine_the_picture_count(job):
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


def test_pictures_count_by_their_pixels(job, picture):
    with Image.open(job.content) as image:
        image.save(job.content, compress_level=1)
    assert why_paint(job) is None
    Image.fromarray(picture(30, 40, 9)).save(job.content)
    assert why_paint(job) == "changed: content"
    Image.fromarray(picture(30, 40, 8)).save(job.styles[0])
    assert why_paint(job) == "changed: content, style"
    masked = dataclasses.replace(job, content_masks=(job.content,))
    assert why_paint(masked) == "changed: content, style, content_mask"


def test_weights_count_by_their_bytes(job, tmp_path):
    path = tmp_path / "net.npz"
    path.write_bytes(b"filters")
    own = changed(job, weights=str(path))
    put(own, weights={"kind": "file", "sha256": hashlib.sha256(b"filters").hexdigest()})
    assert why_paint(own) is None
    path.write_bytes(b"others")
    assert why_paint(own) == "changed: weights"


@pytest.mark.parametrize("ended", ["interrupted", "stopped by the callback"])
def test_what_was_stopped_is_not_done(job, ended):
    put(job, outcome={"stop_reason": ended})
    assert why_paint(job) == "the earlier run was stopped"


@pytest.mark.parametrize("record", [None, {"program": "another"}])
def test_a_picture_of_somebody_else_is_left_alone(job, record):
    write(job.output, np.zeros((24, 32, 3), np.uint8), record=record)
    with pytest.raises(InputError, match="exists, but has no record of being made by artistyle"):
        why_paint(job)


def test_records_may_hold_anything(job):
    for more in ({"config": 3}, {"content": 3}, {"styles": {}}, {"outcome": 3, "styles": [3]}):
        put(job, **more)
        assert why_paint(job).startswith("changed: ")
