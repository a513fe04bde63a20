"""What the page's parts become while a run goes and when it is over: updates for Gradio."""

import contextlib
import os
import shutil
import tempfile
from collections.abc import Iterator
from typing import Any

import gradio as gr
import numpy as np

from artistyle_tf.errors import ArtistyleError
from artistyle_tf.pictures.sizes import fit, resize
from artistyle_tf.web import wording
from artistyle_tf.web.chart import curves
from artistyle_tf.web.desk import Desk
from artistyle_tf.web.job import Painting, Run

__all__ = ["Updates", "Views", "refused"]

Updates = dict[str, Any]
"""Name of a part of the page → what becomes of it."""

SHOWN = 1600
"""Longer side in px of the pictures that are shown; the download has all of them."""


class Views:
    """Looks at runs; `workspace` is the folder for files to be downloaded."""

    def __init__(self, workspace: str):
        self._workspace = workspace

    def followed(self, desk: Desk, run: Run) -> Iterator[Updates]:
        """The page, again and again, until the run is over."""
        shown = None
        for _ in run.updates():
            if desk.run is not run:  # another took its place, which is followed elsewhere
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
            yield self._reported(run.painting)  # apart: it takes a while

    def large(self, desk: Desk, run: Run) -> Iterator[Updates]:
        """The part for large paintings, likewise."""
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
        with contextlib.suppress(ArtistyleError):  # what it needs is not installed
            painting.result.report(path, painting.log)
            return {"report": gr.update(value=path, visible=True)}
        return {}

    def copied(self, path: str) -> str:
        """The file in the workspace, which alone is served: the folder has others' paintings."""
        place = tempfile.mkdtemp(dir=self._workspace)
        return shutil.copy(path, place)


def refused(error: ArtistyleError) -> Updates:
    """The page after an order that can't be."""
    return {"state": wording.fault(str(error)), "paint": gr.update(interactive=True)}


def _small(image: np.ndarray) -> np.ndarray:
    height, width = image.shape[:2]
    return resize(image, fit(height, width, min(SHOWN, max(height, width))))
