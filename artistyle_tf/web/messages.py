"""What the page says of a run, as HTML. No Gradio."""

import html
import math
import os

from artistyle_tf.text import clock
from artistyle_tf.web.studio import Run


def describe_state(run: Run, ahead: int) -> str:
    """HTML: the run's state, with the number of runs ahead in the queue."""
    if run.over and run.error and not run.result:
        return show_error(run.error)
    if run.order.draft:
        return show_note("A draft, small and quick. Paint makes the real one.")
    if run.over and run.result:
        name = os.path.basename(run.path)
        text = f"{'Stopped' if run.unfinished else 'Done'}: {run.error or f'saved as {name}'}"
    elif run.over:
        text = "Stopped before anything was painted"
    elif ahead and not run.future.running():
        others = "one other run" if ahead == 1 else f"{ahead} other runs"
        text = f"Waiting for {others} to finish: number {ahead} in the queue"
    elif run.stopping:
        text = "Stopping after this iteration …"
    else:
        text = "Painting" if run.step else "Setting up; the first picture takes longest"
    return show_note(text)


def show_error(message: str) -> str:
    """HTML: an error as one line, which screen readers announce at once."""
    return f'<p class="fault" role="alert">{html.escape(message)}</p>'


def show_note(text: str) -> str:
    """HTML: a line, which screen readers announce when they are done."""
    return f'<p role="status">{html.escape(text)}</p>'


def describe_progress(run: Run) -> str:
    """HTML: the progress bar, with iterations and the remaining time."""
    now = run.step
    if now is None:
        return ""
    height, width = run.order.size
    done = f"{now.iteration} of {now.iterations} iterations"
    level = f" · level {now.level} of {now.levels}" if now.levels > 1 else ""
    unknown = run.over or math.isnan(now.remaining)
    left = "" if unknown else f" · {clock(now.remaining)} left"
    return (
        f'<div class="figures"><progress max="{now.iterations}" value="{now.iteration}" '
        f'aria-label="Iterations"></progress><span>{done}{left}{level} · {width}×{height} px'
        "</span></div>"
    )
