"""The table, the report and the contact sheet of a batch. No TensorFlow, no Ray."""

import json

import numpy as np
import pytest
from PIL import Image

from artistyle_tf.batch.jobs import Job
from artistyle_tf.batch.pool import Outcome
from artistyle_tf.batch.run import THUMB, Summary, write_sheet
from artistyle_tf.errors import ConfigError

OUTCOMES = {
    "a": Outcome("done", "all 3 iterations done", 2.0, 1.0, (30, 40)),
    "b": Outcome("skipped", "already done"),
    "c": Outcome("failed", "c.jpg is empty"),
    "d": Outcome("stopped", "stopped by the callback"),
    "e": None,
}


def summary(**more):
    jobs = {
        Job(f"{name}.jpg", ("s.jpg",), f"out/{name}.png", where="jobs.csv, line 4"): outcome
        for name, outcome in OUTCOMES.items()
    }
    return Summary(jobs, 720.0, **more)


def test_the_table_and_the_report(tmp_path):
    ended = summary(interrupted=True)
    assert ended.table().splitlines() == [
        "failed: out/c.png (jobs.csv, line 4): c.jpg is empty",
        "done  skipped  failed  left   time  pictures/h",
        "   1        1       1     2  12:00           5",
    ]
    ended.write(str(tmp_path / "report.json"))
    report = json.loads((tmp_path / "report.json").read_text())
    assert (report["done"], report["pictures_per_hour"], report["interrupted"]) == (1, 5.0, True)
    statuses = [job["status"] for job in report["jobs"]]
    assert statuses == ["done", "skipped", "failed", "stopped", "left"]
    assert report["jobs"][0]["size"] == [30, 40]


def test_a_sheet_has_a_row_for_each_photo(tmp_path):
    jobs = []
    for photo in range(3):
        for style in range(2):
            path = tmp_path / f"{photo}-{style}.png"
            if (photo, style) != (1, 1):
                rgb = np.full((300, 400, 3), (10 + 40 * photo + 20 * style, 0, 0), np.uint8)
                Image.fromarray(rgb).save(path)
            jobs.append(Job(f"p{photo}.jpg", (f"s{style}.jpg",), str(path)))
    write_sheet(str(tmp_path / "sheet.png"), jobs)
    sheet = np.asarray(Image.open(tmp_path / "sheet.png"))
    places = {}
    for photo, style in {*np.ndindex(3, 2)} - {(1, 1)}:
        red = 10 + 40 * photo + 20 * style, 0, 0  # letters are grey
        rows, columns = np.nonzero((sheet == red).all(-1))
        assert (np.ptp(rows) + 1, np.ptp(columns) + 1) == (THUMB * 3 // 4, THUMB)
        places[photo, style] = rows.min(), columns.min()
    assert places[0, 0][0] == places[0, 1][0] < places[1, 0][0] < places[2, 0][0]
    assert places[0, 0][1] == places[2, 0][1] < places[0, 1][1]
    with pytest.raises(ConfigError, match=r"must end in \.png or \.jpg"):
        write_sheet(str(tmp_path / "sheet.tif"), jobs)
