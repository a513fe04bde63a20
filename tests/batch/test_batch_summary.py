"""The table, the report and the contact sheet of a batch. No TensorFlow, no Ray."""

import itertools
import json

import numpy as np
from PIL import Image

from artistyle_tf.batch.jobs import Job
from artistyle_tf.batch.pool import Outcome
from artistyle_tf.batch.run import Summary
from artistyle_tf.batch.sheet import PALE, THUMB, write_sheet

OUTCOMES = {
    "a": Outcome("done", "all 3 iterations done", 2.0, (30, 40)),
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
    assert str(ended) == "1 done, 1 skipped, 1 failed, 2 left in 12:00, 5 pictures/h"
    ended.write(str(tmp_path / "report.json"))
    report = json.loads((tmp_path / "report.json").read_text())
    assert (report["done"], report["pictures_per_hour"], report["interrupted"]) == (1, 5.0, True)
    statuses = [job["status"] for job in report["jobs"]]
    assert statuses == ["done", "skipped", "failed", "stopped", "left"]
    assert report["jobs"][0]["size"] == [30, 40]


def test_a_sheet_has_a_row_for_each_photo_and_cells_of_one_size(tmp_path):
    """Larger and smaller pictures fill a cell; those of heads are the sources'."""

    def put(name, red, scale=1):
        rgb = np.full((30 * scale, 40 * scale, 3), (red, 0, 0), np.uint8)
        Image.fromarray(rgb).save(tmp_path / name)
        return str(tmp_path / name)

    contents = [put(f"p{n}.png", 100 + n) for n in range(3)]
    styles = [(put(f"s{n}.png", 110 + n),) for n in range(2)]
    outcomes = {}
    for n, (content, style) in enumerate(itertools.product(contents, styles)):
        job = Job(content, style, put(f"o{n}.png", 200 + n, scale=1 + 9 * (n % 2)))
        outcomes[job] = Outcome("failed", "it is damaged") if n == 3 else Outcome("done")
    write_sheet(str(tmp_path / "sheet.png"), outcomes)
    sheet = np.asarray(Image.open(tmp_path / "sheet.png"))

    def place(color):
        rows, columns = np.nonzero((sheet == color).all(-1))
        assert np.ptp(columns) + 1 == THUMB
        return rows.min(), columns.min()

    found = [[place((red, 0, 0)) for red in (100 + n, 200 + 2 * n)] for n in range(3)]
    assert [photo[0] for photo, _ in found] == [painting[0] for _, painting in found]
    assert place((201, 0, 0)) == (found[0][1][0], place((111, 0, 0))[1])
    assert place((110, 0, 0))[1] == found[0][1][1]
    assert place((110, 0, 0))[0] < found[0][0][0]
    assert place(PALE)[1] == place((201, 0, 0))[1]  # the failed one
    assert (203, 0, 0) not in {*map(tuple, sheet.reshape(-1, 3))}
