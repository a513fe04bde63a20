"""The summary of a batch: counts, a table, a report as JSON. No TensorFlow, no Ray."""

import collections
import dataclasses
import json
from collections.abc import Mapping
from typing import Any

from artistyle_tf import files
from artistyle_tf.batch.jobs import Job
from artistyle_tf.batch.outcome import Outcome, Status
from artistyle_tf.text import clock, one_line

__all__ = ["Summary"]


@dataclasses.dataclass(frozen=True)
class Summary:
    """All jobs of a batch with their outcomes, in the order requested."""

    outcomes: Mapping[Job, Outcome | None]
    """None: not started when the user stopped the batch."""
    seconds: float
    """Duration of the whole batch."""
    interrupted: bool = False

    @property
    def counts(self) -> dict[str, int]:
        """Number of jobs by status; "left": stopped or not started."""
        found: collections.Counter[str] = collections.Counter(
            "left" if outcome is None or outcome.status == "stopped" else outcome.status
            for outcome in self.outcomes.values()
        )
        return {name: found[name] for name in ("done", "skipped", "failed", "left")}

    @property
    def rate(self) -> float:
        """Painted pictures per hour."""
        return self.counts["done"] * 3600 / self.seconds if self.seconds else 0.0

    def having(self, status: Status) -> list[Job]:
        """The jobs with this status."""
        return [job for job, one in self.outcomes.items() if one and one.status == status]

    def table(self) -> str:
        """Text for people: the failed jobs with their reasons, then the counts."""
        lines = []
        for job in self.having("failed"):
            outcome = self.outcomes[job]
            assert outcome is not None
            where = f" ({job.where})" if job.where else ""
            lines.append(f"failed: {one_line(job.output)}{where}: {outcome.reason}")
        counts = self.counts
        names = [name for name in counts if name != "left" or counts[name]]
        head = [*names, "time", "pictures/h"]
        row = [*(str(counts[name]) for name in names), clock(self.seconds), f"{self.rate:.0f}"]
        widths = [max(map(len, column)) for column in zip(head, row, strict=True)]
        for cells in (head, row):
            pairs = zip(cells, widths, strict=True)
            lines.append("  ".join(cell.rjust(width) for cell, width in pairs))
        return "\n".join(lines)

    def to_dict(self) -> dict[str, Any]:
        """The report as plain values for JSON."""
        return {
            "program": "artistyle-batch",
            **self.counts,
            "interrupted": self.interrupted,
            "seconds": round(self.seconds, 3),
            "pictures_per_hour": round(self.rate, 2),
            "jobs": [_row(job, outcome) for job, outcome in self.outcomes.items()],
        }

    def write(self, path: str) -> None:
        """Writes the report as JSON. InputError if it can't be written."""
        text = json.dumps(self.to_dict(), indent=1, ensure_ascii=False)
        files.write_bytes(path, f"{text}\n".encode())


def _row(job: Job, outcome: Outcome | None) -> dict[str, Any]:
    row: dict[str, Any] = {
        "output": job.output,
        "content": job.content,
        "styles": list(job.styles),
        "where": job.where,
        "status": outcome.status if outcome else "left",
    }
    if outcome is not None:
        row |= {
            "reason": outcome.reason,
            "seconds": round(outcome.seconds, 3),
            "painting_seconds": round(outcome.painting, 3),
            "size": list(outcome.size) if outcome.size else None,
            "tries": outcome.tries,
            "resident_bytes": outcome.resident,
            "pid": outcome.pid,
            "notes": list(outcome.notes),
        }
    return row
