"""What a worker does with a job, in this process, with a painter that paints nothing."""

import dataclasses
import gc
import os

import fsspec
import pytest
from PIL import Image
from stub_workers import plain, stub

from artistyle_tf.batch.jobs import make_job, name_outputs
from artistyle_tf.batch.pool import Options
from artistyle_tf.batch.worker import Worker, checkpoint_folder
from artistyle_tf.errors import InputError
from artistyle_tf.images.read import read_record


@pytest.fixture
def make(tmp_path, picture):
    """A function: settings → a job of two pictures that are there."""
    for seed, name in enumerate("ab"):
        Image.fromarray(picture(30, 40, seed)).save(tmp_path / f"{name}.png")

    def made(folder=f"{tmp_path}/out", **more):
        row = {"content": f"{tmp_path}/a.png", "style": f"{tmp_path}/b.png", "size": 32, **more}
        return name_outputs([make_job(row)], folder)[0]

    gc.freeze()  # as in a real worker, which collects after every job
    yield made
    gc.unfreeze()


def test_painted_once_and_then_skipped(make):
    worker, job = plain(Options()), make()
    first, second = worker.paint(job), worker.paint(job)
    assert (first.status, first.size) == ("done", (30, 40))
    assert first.resident_bytes > 2**20
    assert (second.status, second.reason) == ("skipped", "already done")
    again = worker.paint(make(seed=7))
    assert (again.status, again.notes) == ("done", ("changed: seed",))
    deep = worker.paint(make(seed=7, depth=16))
    assert (deep.status, deep.notes) == ("done", ("changed: depth",))
    assert read_record(job.output)["depth"] == 16
    assert worker.paint(make(seed=7, depth=16)).status == "skipped"
    assert os.listdir(os.path.dirname(job.output)) == ["a--b.png"]


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (InputError("a.jpg is empty"), "a.jpg is empty"),
        (MemoryError(), "out of memory"),
        (RuntimeError("odd\nmore"), "RuntimeError: odd more"),
        (None, "broken off: gone"),
    ],
)
def test_failures_have_a_reason_and_no_output(make, error, reason):
    """Raised by the painter, or None: handed back in its result."""

    def painter(config):
        def paint(*pictures, **options):
            if error:
                raise error
            result = stub(config)(*pictures, **options)
            return dataclasses.replace(result, error=OSError("gone"), stop_reason="broken off")

        return paint

    job = make()
    outcome = Worker(Options(), painter).paint(job)
    assert (outcome.status, outcome.reason) == ("failed", reason)
    assert not os.path.exists(os.path.dirname(job.output))


def test_checkpoints_of_another_run_are_forgotten(make):
    """Of a job with other settings, whose output had the same name."""
    seen = []

    def painter(config):
        def paint(*pictures, checkpoints, **options):
            seen.append(checkpoints.resume)
            if checkpoints.resume:
                raise InputError("it is of another run: iterations")
            return stub(config)(*pictures, **options)

        return paint

    job = make()
    os.makedirs(checkpoint_folder(job))
    with open(os.path.join(checkpoint_folder(job), "artistyle-00000004-000001.npz"), "wb"):
        pass
    assert Worker(Options(), painter).paint(job).status == "done"
    assert seen == [True, False]
    assert not os.path.exists(checkpoint_folder(job))


def test_outputs_and_pictures_at_urls(make, tmp_path):
    system = fsspec.filesystem("memory")
    system.pipe("/in/photo.png", (tmp_path / "a.png").read_bytes())
    job = make("memory://results", content="memory://in/photo.png")
    worker = plain(Options())
    assert worker.paint(job).status == "done"
    assert worker.paint(job).status == "skipped"
    assert [one["name"] for one in system.ls("/results")] == ["/results/photo--b.png"]
    (tmp_path / "back.png").write_bytes(system.cat("/results/photo--b.png"))
    assert read_record(tmp_path / "back.png")["content"]["name"] == "photo.png"
    assert not os.path.exists(checkpoint_folder(job))
