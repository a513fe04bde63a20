"""What happens when something on the page is pressed or chosen, and what the page then shows."""

import html
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import gradio as gr
import numpy as np

from artistyle_tf import samples
from artistyle_tf.errors import ArtistyleError, InputError
from artistyle_tf.images.picture import Picture
from artistyle_tf.images.sizes import resize
from artistyle_tf.report.charts import draw_losses
from artistyle_tf.report.page import shrink
from artistyle_tf.text import clock, gigabytes
from artistyle_tf.web import controls
from artistyle_tf.web.run import Order, Run, Studio
from artistyle_tf.web.session import Estimate, Session, estimate, large_config, room_now
from artistyle_tf.web.uploads import Limits, check_output, drawn_mask, read_upload

__all__ = ["Events", "Updates", "describe_progress", "describe_state", "show_error"]

Updates = dict[str, Any]
"""Name of an output of the page → its update."""

SHOWN, BRUSHED = 1600, 768
"""Longer sides in px of pictures on the page, and of the photo under the brush; the download has
the full size."""


class Events:
    """The event handlers of the page, for all sessions.

    Args:
      studio: paints.
      limits: limits for pictures.
      weights: the `--weights` of the server.
      workspace: folder for files to download and for checkpoints.
    """

    def __init__(self, studio: Studio, limits: Limits, weights: str, workspace: str):
        self._studio, self._limits = studio, limits
        self._weights, self._workspace = weights, workspace
        self._sessions: dict[str, Session] = {}

    def paint(self, request: gr.Request, *given: Any) -> Iterator[Updates]:
        """Starts a new painting. `given`: photo, style, mask editor, preset, then all controls."""
        return self._run(request, lambda session: session.start(self._order(*given)))

    def change(self, request: gr.Request, *given: Any) -> Iterator[Updates]:
        """Paints with the current controls, starting from the current picture."""
        return self._run(request, lambda session: session.change(self._order(*given)))

    def go_on(self, request: gr.Request) -> Iterator[Updates]:
        """Continues the saved painting with the same settings."""
        return self._run(request, Session.go_on)

    def stop(self, request: gr.Request) -> None:
        """Stops the run and saves the current picture."""
        run = self._session(request).run
        if run:
            run.stop()

    def leave(self, request: gr.Request) -> None:
        """Called when the page is closed or reloaded."""
        session = self._sessions.pop(str(request.session_hash), None)
        if session:
            session.leave()

    def preset(self, name: str) -> list[Any]:
        """The values of all controls for a preset."""
        return list(controls.preset_values(name, self._weights).values())

    def samples(self) -> list[str]:
        """The sample photo and the sample painting."""
        return [self._serve(str(path)) for path in (samples.content(), samples.style())]

    def brush(self, photo: str | None) -> Any:
        """A small copy of the photo to draw a mask on."""
        try:
            picture = self._picture(photo, "photo")
        except ArtistyleError as error:
            gr.Warning(str(error))
            return None
        return {"background": shrink(picture.rgb, BRUSHED), "layers": [], "composite": None}

    def brush_once(self, photo: str | None, editor: Mapping[str, Any] | None) -> Any:
        """The same, unless the editor already has a picture, on which a mask may be drawn."""
        there = editor and editor.get("background") is not None
        return gr.skip() if there else self.brush(photo)

    def check(self, path: str | None) -> str:
        """An error message for a picture just uploaded; "" if it is valid."""
        try:
            if path:
                read_upload(path, self._limits)
        except ArtistyleError as error:
            return show_error(str(error))
        return ""

    def estimate_large(self, request: gr.Request, longer: str) -> Iterator[Updates]:
        """Shows an estimate for a large painting, and then enables its button."""
        try:
            painted = self._session(request).require_painted()
            config = large_config(painted, longer)
            check_output(config, painted.order.content, self._limits)
            told = _describe_estimate(estimate(painted, config, room_now()))
        except ArtistyleError as error:
            yield {"large_state": show_error(str(error)), "large": gr.update(interactive=False)}
        else:
            yield {"large_state": f"<p>{told}</p>", "large": gr.update(interactive=True)}

    def large(self, request: gr.Request, longer: str) -> Iterator[Updates]:
        """Paints a large picture in the background."""
        session = self._session(request)
        try:
            painted = session.require_painted()
            config = large_config(painted, longer)
            check_output(config, painted.order.content, self._limits)
            run = session.paint_large(config)
        except ArtistyleError as error:
            yield {"large_state": show_error(str(error))}
            return
        for _ in run.updates():
            said = describe_state(run, self._studio.place(run)) + describe_progress(run)
            updates: Updates = {
                "large_state": said,
                "large": gr.update(interactive=run.over),
                "large_stop": gr.update(visible=not run.over),
            }
            if run.result:
                updates["large_download"] = gr.update(value=self._serve(run.path), visible=True)
            yield updates

    def large_stop(self, request: gr.Request) -> None:
        """Stops the large painting and saves it as it is."""
        run = self._session(request).large
        if run:
            run.stop()

    def _session(self, request: gr.Request) -> Session:
        new = Session(self._studio, self._workspace)
        return self._sessions.setdefault(str(request.session_hash), new)

    def _order(
        self,
        photo: str | None,
        style: str | None,
        editor: Mapping[str, Any] | None,
        preset: str,
        *values: Any,
    ) -> Order:
        names = [control.name for control in controls.all_controls(self._weights)]
        named = dict(zip(names, values, strict=True))
        config = controls.make_config(preset, named, self._weights)
        content = painting = mask = None
        if config.task != "texture":
            content = self._picture(photo, "photo")
        if config.task != "reconstruct":
            painting = self._picture(style, "painting to take the style from")
        check_output(config, content, self._limits)
        if config.task == "stylize" and content:
            mask = drawn_mask(editor, content)
        return Order(config, content, painting, mask)

    def _picture(self, path: str | None, what: str) -> Picture:
        if not path:
            raise InputError(f"choose a {what} first")
        return read_upload(path, self._limits)

    def _run(self, request: gr.Request, begin: Callable[[Session], Run]) -> Iterator[Updates]:
        """Begins a run; updates of the page until it is over."""
        session = self._session(request)
        try:
            run = begin(session)
        except ArtistyleError as error:
            yield {"state": show_error(str(error)), "paint": gr.update(interactive=True)}
            return
        progress = None
        for _ in run.updates():
            if session.run is not run:  # replaced by another run, which has its own updates
                return
            over = run.over
            updates: Updates = {
                "state": describe_state(run, self._studio.place(run)),
                "figures": describe_progress(run),
                "paint": gr.update(interactive=over),
                "stop": gr.update(visible=not over),
                "go_on": gr.update(visible=over and session.painted is not None),
                "change": gr.update(visible=bool(session.painted or run.progress)),
            }
            if run.progress and (over or run.progress is not progress):
                progress = run.progress
                picture = shrink(progress.image, SHOWN)
                updates["canvas"] = gr.update(value=picture, visible=True)
                updates["compare"] = gr.update(visible=False)
                updates["losses"] = draw_losses(run.log)
            if run.result:
                updates |= self._finished(run)
            yield updates
        if run.result and session.run is run:
            # Writing the report takes a moment, so it comes later. Everything else is said again:
            # Gradio sends what has changed since the last update, and if the browser has not drawn
            # that one yet, a value that is left out here is lost.
            yield updates | {"report": self._report(run)}

    def _finished(self, run: Run) -> Updates:
        """The painting beside its photo, and what can be done with it."""
        assert run.result is not None
        picture, content = shrink(run.result.image, SHOWN), run.order.content
        updates: Updates = {
            "download": gr.update(value=self._serve(run.path), visible=True),
            "report": gr.update(visible=False),
            "large_box": gr.update(visible=True),
            "canvas": gr.update(value=picture, visible=content is None),
        }
        if content is not None:
            before = np.clip(np.rint(resize(content.rgb, picture.shape[:2])), 0, 255)
            pair = before.astype(np.uint8), picture
            updates["compare"] = gr.update(value=pair, visible=True)
        return updates

    def _report(self, run: Run) -> Any:
        assert run.result is not None
        path = os.path.splitext(self._serve(run.path))[0] + ".html"
        try:
            run.result.report(path, run.log)
        except ArtistyleError as error:
            gr.Warning(str(error))
            return gr.update(visible=False)
        return gr.update(value=path, visible=True)

    def _serve(self, path: str) -> str:
        """A copy in the workspace. Only that is served: the folder has other users' paintings."""
        return shutil.copy(path, tempfile.mkdtemp(dir=self._workspace))


def describe_state(run: Run, ahead: int) -> str:
    """HTML: one line about the state of the run.

    Args:
      run: the page's run.
      ahead: number of runs ahead of it in the queue.
    """
    if run.over and run.error and not run.result:
        return show_error(run.error)
    if run.over and run.result:
        text = f"{'Stopped' if run.unfinished else 'Done'}: saved as {run.path}"
        text += f" ({run.error})" if run.error else ""
    elif run.over:
        text = "Stopped before anything was painted"
    elif run.waiting:
        others = "one other painting" if ahead == 1 else f"{ahead} other paintings"
        text = f"Waiting for {others} to finish: number {ahead} in the queue"
    elif run.stopping:
        text = "Stopping after this iteration …"
    else:
        text = "Painting" if run.progress else "Setting up; the first picture takes longest"
    return f'<p role="status">{html.escape(text)}</p>'


def show_error(message: str) -> str:
    """HTML: an error as one line, which screen readers announce at once."""
    return f'<p class="fault" role="alert">{html.escape(message)}</p>'


def describe_progress(run: Run) -> str:
    """HTML: the progress bar, with iterations and the remaining time."""
    now = run.progress
    if now is None:
        return ""
    height, width = now.image.shape[:2]
    done = f"{now.iteration} of {now.iterations} iterations"
    level = f" · level {now.level} of {now.levels}" if now.levels > 1 else ""
    left = "" if run.over else f" · {clock(now.remaining)} left"
    return (
        f'<div class="figures"><progress max="{now.iterations}" value="{now.iteration}" '
        f'aria-label="Iterations"></progress><span>{done}{left}{level} · {width}×{height} px'
        "</span></div>"
    )


def _describe_estimate(found: Estimate) -> str:
    height, width = found.size
    how = f", in tiles of {found.tile} px" if found.tile else ""
    needs = f"about {clock(found.seconds)} and {gigabytes(found.memory)} of memory"
    return f"{width}×{height} px: {needs}{how}"
