"""Updates of the page during a run and after it, for Gradio."""

import contextlib
import os
import shutil
import tempfile
from collections.abc import Iterator
from typing import Any

import gradio as gr
import numpy as np

from artistyle_tf.errors import ArtistyleError
from artistyle_tf.images.sizes import fit, resize
from artistyle_tf.web import wording
from artistyle_tf.web.chart import curves
from artistyle_tf.web.desk import Desk
from artistyle_tf.web.job import Painting, Run

__all__ = ["Updates", "Views", "refused"]

Updates = dict[str, Any]
"""Name of a part of the page → its update."""

SHOWN = 1600
"""Longer side in px of pictures on the page; the download has the full size."""


class Views:
    """Follows runs. `workspace` is the folder for files to download."""

    def __init__(self, workspace: str):
        self._workspace = workspace

    def followed(self, desk: Desk, run: Run) -> Iterator[Updates]:
        """Updates of the page until the run is over."""
        shown = None
        for _ in run.updates():
            if desk.run is not run:  # replaced by another run, which has its own updates
                return
            going = run.stage != "over"
            updates: Updates = {
                "state": wording.state(run, desk.studio.place(run)),
                "figures": wording.figures(run),
                "paint": gr.update(interactive=not going),
                "stop": gr.update(visible=going),
                "go_on": gr.update(visible=not going and desk.painting is not None),
                "change": gr.update(visible=desk.painting is not None or run.snapshot is not None),
            }
            if run.snapshot is not shown and run.snapshot:
                shown = run.snapshot
                updates["canvas"] = gr.update(value=_small(shown.image), visible=True)
                updates["compare"] = gr.update(visible=False)
                updates["curves"] = curves(run.moments)
            if run.painting:
                updates |= self._finished(run.painting)
            yield updates
        if run.painting and desk.run is run:
            yield self._reported(run.painting)  # separately, since it takes a while

    def large(self, desk: Desk, run: Run) -> Iterator[Updates]:
        """The same for the part for large paintings."""
        for _ in run.updates():
            over = run.stage == "over"
            said = wording.state(run, desk.studio.place(run)) + wording.figures(run)
            updates: Updates = {
                "large_state": said,
                "large": gr.update(interactive=over),
                "large_stop": gr.update(visible=not over),
            }
            if run.painting:
                file = self.copied(run.painting.path)
                updates["large_download"] = gr.update(value=file, visible=True)
            yield updates

    def _finished(self, painting: Painting) -> Updates:
        image, content = painting.result.image, painting.order.content
        updates: Updates = {
            "download": gr.update(value=self.copied(painting.path), visible=True),
            "report": gr.update(visible=False),
            "large_box": gr.update(visible=True),
        }
        small = _small(image)
        if content is None:
            updates["canvas"] = gr.update(value=small, visible=True)
        else:
            before = np.clip(np.rint(resize(content.rgb, small.shape[:2])), 0, 255)
            pair = before.astype(np.uint8), small
            updates["canvas"] = gr.update(visible=False)
            updates["compare"] = gr.update(value=pair, visible=True)
        return updates

    def _reported(self, painting: Painting) -> Updates:
        path = os.path.splitext(self.copied(painting.path))[0] + ".html"
        with contextlib.suppress(ArtistyleError):  # a missing package
            painting.result.report(path, painting.log)
            return {"report": gr.update(value=path, visible=True)}
        return {}

    def copied(self, path: str) -> str:
        """A copy in the workspace. Only that is served: the folder has other users' paintings."""
        place = tempfile.mkdtemp(dir=self._workspace)
        return shutil.copy(path, place)


def refused(error: ArtistyleError) -> Updates:
    """Updates of the page after an invalid order."""
    return {"state": wording.fault(str(error)), "paint": gr.update(interactive=True)}


def _small(image: np.ndarray) -> np.ndarray:
    height, width = image.shape[:2]
    return resize(image, fit(height, width, min(SHOWN, max(height, width))))
