"""A batch of stubs in a process of its own: python drive.py FOLDER COUNT MAKE REPORT.

FOLDER has photo.png and painting.png; COUNT jobs paint them into FOLDER/out with different seeds.
"""

import json
import os
import sys

import stub_workers

from artistyle_tf.batch.crew import RayCrew
from artistyle_tf.batch.driver import run
from artistyle_tf.batch.jobs import make_job, placed
from artistyle_tf.batch.outcome import Options
from artistyle_tf.engine.plan import peak_bytes, resident_bytes


def main(folder, count, make, report):
    pictures = {kind: [f"{folder}/{name}.png"] for kind, name in NAMES.items()}
    names = [f"{number:04}.png" for number in range(int(count))]
    if make == "poisoned":
        names[1] = "poison.png"
    jobs = [
        make_job({**pictures, "output": [name], "seed": ["3"], "size": ["32"]}) for name in names
    ]
    jobs = placed(jobs, f"{folder}/out")
    memory = []

    def tell(job, outcome):
        if len(memory) < 2 or len(memory) == len(jobs) - 1:
            memory.append(resident_bytes())
        else:
            memory.append(memory[-1])

    crew = RayCrew(Options(), 1, make=getattr(stub_workers, make))
    summary = run(jobs, lambda: crew, tell)
    driver = {"driver_resident": memory, "driver_peak": peak_bytes(), "pid": os.getpid()}
    with open(report, "w") as file:
        json.dump({**summary.to_dict(), **driver}, file)


NAMES = {"content": "photo", "style": "painting"}

if __name__ == "__main__":
    main(*sys.argv[1:])
