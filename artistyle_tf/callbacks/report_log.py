"""Thumbnails and losses by layer for a report, collected during a run."""

from collections.abc import Iterator

from artistyle_tf.engine.results import Step
from artistyle_tf.images.sizes import shrink
from artistyle_tf.report.charts import Moment
from artistyle_tf.report.page import THUMBNAIL


class ReportLog:
    """A callback that collects the intermediate data shown by `Result.report`.

        log = artistyle_tf.ReportLog()
        result = artistyle_tf.stylize("photo.jpg", "painting.jpg", config, callback=log)
        result.report("report.html", log)

    It takes 12 thumbnails, spread evenly over the iterations of all levels, and computes the losses
    by layer, a forward pass, at about every 16th iteration, 8 to 36 times, and at the first of each
    level. Equal runs have equal reports. The log holds one run; the next one clears it.
    """

    PICTURES, PARTS, FEWEST_PARTS, EVERY = 12, 36, 8, 16

    def __init__(self) -> None:
        self._moments: list[Moment] = []
        self._seen, self._level = 0, 0

    def __call__(self, step: Step) -> None:
        if step.iteration <= self._seen:
            self._moments, self._seen, self._level = [], 0, 0
        pictured = self._due(step, self.PICTURES)
        count = min(self.PARTS, max(self.FEWEST_PARTS, step.iterations // self.EVERY))
        parted = self._due(step, count) or step.level != self._level
        self._seen, self._level = step.iteration, step.level
        if pictured or parted:
            self._moments.append(
                Moment(
                    iteration=step.iteration,
                    level=step.level,
                    levels=step.levels,
                    evaluations=step.evaluations,
                    seconds=step.seconds,
                    objective=step.objective,
                    parts=dict(step.parts()) if parted else None,
                    picture=shrink(step.image(), THUMBNAIL) if pictured else None,
                )
            )

    def __iter__(self) -> Iterator[Moment]:
        return iter(self._moments)

    def __len__(self) -> int:
        return len(self._moments)

    def _due(self, step: Step, count: int) -> bool:
        """Whether one of `count` iterations, evenly spread over the run, has been reached."""
        most = max(1, step.iterations - 1)
        now, before = ((n - 1) * (count - 1) // most for n in (step.iteration, self._seen))
        return now > before
