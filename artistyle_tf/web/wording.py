"""The texts about a run on the page, as HTML. No Gradio."""

import html

from artistyle_tf.text import clock
from artistyle_tf.web.job import Painting, Run

__all__ = ["fault", "figures", "state"]


def state(run: Run, before: int) -> str:
    """One line about the state of the run.

    Args:
      run: the page's run.
      before: number of runs ahead of it in the queue.
    """
    if run.stage == "over":
        if run.error and not run.painting:
            return fault(run.error)
        return _said(_outcome(run.painting), run.error)
    if run.stage == "waiting":
        others = "one other painting" if before == 1 else f"{before} other paintings"
        return _said(f"Waiting for {others} to finish: number {before} in the queue")
    if run.stopping:
        return _said("Stopping after this iteration …")
    return _said("Painting" if run.snapshot else "Setting up; the first picture takes longest")


def _outcome(painting: Painting | None) -> str:
    if painting is None:
        return "Stopped before anything was painted"
    return f"{'Stopped' if painting.stopped else 'Done'}: saved as {painting.path}"


def fault(message: str) -> str:
    """An error as one line, which screen readers announce at once."""
    return f'<p class="fault" role="alert">{html.escape(message)}</p>'


def _said(text: str, more: str | None = None) -> str:
    also = f" ({more})" if more else ""
    return f'<p role="status">{html.escape(text + also)}</p>'


def figures(run: Run) -> str:
    """The progress bar, with iterations and the remaining time."""
    shot = run.snapshot
    if shot is None:
        return ""
    height, width = shot.image.shape[:2]
    done = f"{shot.iteration} of {shot.iterations} iterations"
    level = f" · level {shot.level} of {shot.levels}" if shot.levels > 1 else ""
    left = f" · {clock(shot.remaining)} left" if run.stage == "painting" else ""
    return (
        f'<div class="figures"><progress max="{shot.iterations}" value="{shot.iteration}" '
        f'aria-label="Iterations"></progress><span>{done}{left}{level} · {width}×{height} px'
        "</span></div>"
    )
