"""Batches with real workers of Ray: killed, poisoned, interrupted, next to another batch."""

import contextlib
import json
import os
import signal
import threading

import psutil
import pytest
import stub_workers
from PIL import Image

from artistyle_tf.batch import main as command
from artistyle_tf.batch import pool
from artistyle_tf.batch import run as running
from artistyle_tf.batch.jobs import make_job, name_outputs
from artistyle_tf.engine.plan import resident_bytes
from artistyle_tf.images.read import read_record
from artistyle_tf.locks import hold
from places import ROOT

pytestmark = pytest.mark.slow

MANY = 100


@pytest.fixture(scope="module")
def _ray():
    """Started as a batch starts it, once for all tests."""
    here = os.path.dirname(stub_workers.__file__)  # Ray's processes import it
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", os.pathsep.join([str(ROOT), here]))
        patch.setenv("RAY_worker_niceness", "0")  # of 15, workers starve on a busy machine
        patch.delenv("RAY_ADDRESS", raising=False)
        with pool._connect(None, 1):
            yield


@pytest.fixture
def desk(_ray, tmp_path, picture):
    for name, seed in (("photo", 0), ("painting", 1)):
        Image.fromarray(picture(48, 64, seed)).save(tmp_path / f"{name}.png")
    return tmp_path


def test_the_others_are_painted(desk, monkeypatch):
    """One job kills every worker, and two are locked by another batch, one of them for ever."""
    names = ["free.png", "locked.png", "poison.png", *(f"{n:03}.png" for n in range(MANY))]
    files = {"content": f"{desk}/photo.png", "style": f"{desk}/painting.png", "size": 32}
    jobs = name_outputs([make_job({**files, "output": name}) for name in names], f"{desk}/out")
    locks = [hold(job.output) for job in jobs[:2]]
    told, memory = [], []

    def tell(job, outcome):
        told.append(os.path.basename(job.output))
        memory.append((outcome.resident_bytes, resident_bytes()))
        if len(told) == 1:
            locks[0].release()

    monkeypatch.setattr(running, "Worker", stub_workers.poisoned)
    monkeypatch.setattr(pool, "PATIENCE", 4)
    try:
        summary = running.paint_all(jobs, workers=1, tell=tell)
    finally:
        locks[1].release()
    assert told[0] == "poison.png"
    assert sorted(told) == sorted(names)
    free, locked, poison, *rest = summary.outcomes.values()
    assert {one.status for one in rest} == {free.status} == {"done"}
    assert (locked.status, locked.reason) == ("skipped", "another run is painting it")
    assert poison.status == "failed"
    assert poison.reason.startswith("given up: 3 workers died painting it")

    workers, drivers = zip(*memory[11 : MANY + 1], strict=True)
    assert workers[-1] - workers[0] < 10 * 2**20
    assert drivers[-1] - drivers[0] < 20 * 2**20

    for job in jobs[1:3]:
        assert not os.path.exists(job.output)
    again = running.paint_all([job for job in jobs if os.path.exists(job.output)])
    assert again.counts == {"done": 0, "skipped": MANY + 1, "failed": 0, "left": 0}


def kill_worker():
    for process in psutil.Process().children(recursive=True):
        with contextlib.suppress(psutil.Error):
            if "ray::_Actor" in " ".join(process.cmdline()):  # the name that Ray gives to it
                process.kill()


def test_the_command_survives_a_killed_worker_and_keeps_a_checkpoint_on_ctrl_c(
    desk, small_file, capfd
):
    (desk / "jobs.csv").write_text(
        "content,style,output,iterations\n"
        "photo.png,painting.png,short.png,500\n"
        "photo.png,painting.png,long.png,100000\n"
    )

    def has_checkpoint(name):
        return any((desk / "out" / ".artistyle").glob(f"{name}*/*.npz"))

    def disturb():
        while not has_checkpoint("short") and not ended.wait(0.05):
            pass
        kill_worker()
        while not has_checkpoint("long") and not ended.wait(0.05):
            pass
        if not ended.is_set():
            os.kill(os.getpid(), signal.SIGINT)

    # A shell that starts pytest in the background has SIGINT ignored.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    ended, disturber = threading.Event(), threading.Thread(target=disturb)
    disturber.start()
    try:
        status = command.main(
            [
                f"--jobs={desk}/jobs.csv", f"--output_dir={desk}/out", f"--weights={small_file}",
                "--optimizer=adam", "--levels=1", "--size=32", "--save_every=50",
                "--steps_per_execution=1", f"--report={desk}/report.json", "--workers=1",
                "--style_layers=block1_conv1", "--content_layers=block1_conv2",
            ]
        )  # fmt: skip
    finally:
        ended.set()
        disturber.join()
        signal.signal(signal.SIGINT, before)
    assert status == 130
    short, long = json.loads((desk / "report.json").read_text())["jobs"]
    assert (short["status"], long["status"]) == ("done", "stopped")
    assert short["notes"] == ["resumed from its checkpoint"]
    record = read_record(desk / "out" / "short.png")
    assert record["outcome"]["stop_reason"] == "all 500 iterations done"
    assert not has_checkpoint("short")
    assert has_checkpoint("long")
    assert not (desk / "out" / "long.png").exists()
    said = capfd.readouterr().err
    assert "run the same command again to resume" in said
    assert "Traceback" not in said
    assert "raylet" not in said
