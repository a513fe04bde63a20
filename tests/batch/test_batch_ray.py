"""Batches with real workers of Ray: killed, poisoned, interrupted, two at once, a thousand jobs.

Each is a process of its own, as users' are; all of them see one CPU.
"""

import contextlib
import json
import os
import pathlib
import signal
import sys
import time

import psutil
import pytest
from PIL import Image

from artistyle_tf.images.read import read_record
from commands import HANGING, children
from places import ROOT, TESTS

pytestmark = pytest.mark.slow

HERE = pathlib.Path(__file__).parent


@pytest.fixture
def desk(tmp_path, picture):
    for name, seed in (("photo", 0), ("painting", 1)):
        Image.fromarray(picture(48, 64, seed)).save(tmp_path / f"{name}.png")
    return tmp_path


@pytest.fixture
def start(desk):
    """A function: words after `python` → the process; all that it starts is gone after the test."""
    paths = os.pathsep.join(map(str, (ROOT, TESTS, HERE)))
    environment = {**os.environ, "PYTHONPATH": paths, "RAY_USAGE_STATS_ENABLED": "0"}
    environment.pop("RAY_ADDRESS", None)
    with children() as run:

        def begin(*words):
            with open(desk / "messages.txt", "ab") as messages:
                return run(
                    [sys.executable, *map(str, words)],
                    env=environment,
                    cwd=desk,
                    stdout=messages,
                    stderr=messages,
                    # A shell that starts pytest in the background has SIGINT ignored.
                    preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
                )

        yield begin


def drive(desk, count, make, report="report.json"):
    return HERE / "drive.py", desk, count, make, desk / report


def until(condition, process=None):
    """What the condition gives once it gives something."""
    end = time.monotonic() + HANGING
    while not (found := condition()):
        assert time.monotonic() < end
        assert process is None or process.poll() is None, "it ended before"
        time.sleep(0.05)
    return found


def worker_of(driver):
    """The process of its worker, by the name that Ray gives to it."""
    with contextlib.suppress(psutil.Error):
        for process in psutil.Process(driver.pid).children(recursive=True):
            with contextlib.suppress(psutil.Error):
                if "ray::_Actor" in " ".join(process.cmdline()):
                    return process
    return None


def report_of(desk, name="report.json"):
    return json.loads((desk / name).read_text())


def done(desk):
    return sorted(path.name for path in (desk / "out").glob("*.png"))


def newest(desk):
    """The name of the newest checkpoint of any job."""
    return max((path.name for path in (desk / "out" / ".artistyle").glob("*/*.npz")), default=None)


def painting(small_file, desk, iterations):
    """The command with a real painter."""
    return (
        "-m", "artistyle_tf.batch", f"--content={desk}/photo.png", f"--style={desk}/painting.png",
        f"--output_dir={desk}/out", f"--weights={small_file}", "--optimizer=adam", "--levels=1",
        "--size=64", f"--iterations={iterations}", "--save_every=10", "--steps_per_execution=1",
        f"--report={desk}/report.json",
    )  # fmt: skip


def test_a_killed_workers_job_goes_on_from_its_checkpoint(desk, start, small_file):
    driver = start(*painting(small_file, desk, 400))
    until(lambda: newest(desk), driver)
    worker_of(driver).kill()
    assert driver.wait(HANGING) == 0
    (job,) = report_of(desk)["jobs"]
    assert (job["status"], job["tries"]) == ("done", 2)
    assert job["notes"] == ["resumed from its checkpoint"]
    record = read_record(desk / "out" / "photo--painting.png")
    assert record["outcome"]["stop_reason"] == "all 400 iterations done"
    assert newest(desk) is None


def test_ctrl_c_keeps_a_checkpoint_and_says_how_to_go_on(desk, start, small_file):
    driver = start(*painting(small_file, desk, 100_000))
    until(lambda: newest(desk), driver)
    driver.send_signal(signal.SIGINT)
    assert driver.wait(HANGING) == 130
    messages = (desk / "messages.txt").read_text()
    assert "run the same command again to resume" in messages
    assert "Traceback" not in messages
    assert newest(desk) is not None
    assert done(desk) == []
    assert report_of(desk)["left"] == 1


def test_a_poisoned_job_is_given_up_and_the_others_are_done(desk, start):
    assert start(*drive(desk, 4, "poisoned")).wait(HANGING) == 0
    report = report_of(desk)
    assert (report["done"], report["failed"]) == (3, 1)
    (bad,) = [job for job in report["jobs"] if job["status"] == "failed"]
    assert bad["output"].endswith("poison.png")
    assert bad["tries"] == 3
    assert bad["reason"].startswith("given up: 3 workers died painting it (its process ended")
    assert done(desk) == ["0000.png", "0002.png", "0003.png"]


def test_a_killed_batch_begun_again_skips_what_is_done(desk, start):
    driver = start(*drive(desk, 8, "slow"))
    until(lambda: len(done(desk)) >= 2 if (desk / "out").exists() else None, driver)
    worker = worker_of(driver)
    driver.kill()
    driver.wait()
    assert not (desk / "report.json").exists()
    before = {name: (desk / "out" / name).stat().st_mtime_ns for name in done(desk)}
    assert 2 <= len(before) < 8
    assert start(*drive(desk, 8, "slow")).wait(HANGING) == 0
    report = report_of(desk)
    assert (report["done"] + report["skipped"], report["failed"]) == (8, 0)
    assert report["skipped"] >= len(before)
    for name, stamp in before.items():
        assert (desk / "out" / name).stat().st_mtime_ns == stamp
    until(lambda: not worker.is_running() or worker.status() == psutil.STATUS_ZOMBIE)


def test_two_batches_at_once_paint_each_picture_once(desk, start):
    both = [start(*drive(desk, 10, "slow", f"{name}.json")) for name in "ab"]
    assert [driver.wait(HANGING) for driver in both] == [0, 0]
    first, second = (report_of(desk, f"{name}.json") for name in "ab")
    assert first["done"] + second["done"] == 10
    assert first["failed"] + second["failed"] == 0
    assert len(done(desk)) == 10


def test_a_thousand_jobs_take_no_more_memory_than_ten(desk, start):
    assert start(*drive(desk, 1000, "plain")).wait(HANGING) == 0
    report = report_of(desk)
    assert (report["done"], len(done(desk))) == (1000, 1000)
    assert {job["pid"] for job in report["jobs"]} == {report["jobs"][0]["pid"]}
    worker = [job["resident_bytes"] for job in report["jobs"]]
    assert worker[-1] - worker[10] < 30 * 2**20
    driver = report["driver_resident"]
    assert driver[-1] - driver[1] < 50 * 2**20
