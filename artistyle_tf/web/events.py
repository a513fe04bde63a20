"""What happens when something on the page is pressed or chosen, and what the page then shows."""

import os
import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import gradio as gr

from artistyle_tf import samples
from artistyle_tf.errors import ArtistyleError, InputError
from artistyle_tf.images.picture import Picture, as_uint8
from artistyle_tf.images.sizes import resize, shrink
from artistyle_tf.report.charts import draw_losses
from artistyle_tf.text import clock, gigabytes
from artistyle_tf.web import form
from artistyle_tf.web.messages import describe_progress, describe_state, show_error
from artistyle_tf.web.studio import Order, Run, Session, Studio, enlarged, estimate

__all__ = ["Events", "Updates"]

Updates = dict[str, Any]  # Name of an output of the page → its update.

SHOWN, BRUSHED = 1600, 768
"""Longer sides in px of pictures shown, and of the photo under the brush."""


class Events:
    """Handles the events of all sessions; `workspace` is a folder for downloads and checkpoints."""

    def __init__(self, studio: Studio, limits: form.Limits, weights: str, workspace: str):
        self._studio, self._limits = studio, limits
        self._weights, self._workspace = weights, workspace
        self._sessions: dict[str, Session] = {}

    def paint(self, request: gr.Request, *given: Any) -> Iterator[Updates]:
        """Starts a new painting. `given`: photo, style, mask editor, preset, then all controls."""
        return self._run(request, lambda session: session.start(self._order(*given)))

    def change(self, request: gr.Request, *given: Any) -> Iterator[Updates]:
        """Goes on from the current picture with the current controls."""
        return self._run(request, lambda session: session.change(self._order(*given)))

    def go_on(self, request: gr.Request) -> Iterator[Updates]:
        """Goes on from the saved painting with the same settings."""
        return self._run(request, Session.go_on)

    def stop(self, request: gr.Request) -> None:
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
        return list(form.preset_values(name, self._weights).values())

    def samples(self) -> list[str]:
        return [self._serve(str(path)) for path in (samples.content(), samples.style())]

    def brush(self, photo: str | None, editor: Mapping[str, Any] | None = None) -> Any:
        """A small copy of the photo to draw a mask on, unless the editor already has one."""
        if editor and editor.get("background") is not None:
            return gr.skip()
        try:
            picture = self._picture(photo, "photo")
        except ArtistyleError as error:
            gr.Warning(str(error))
            return None
        return {"background": shrink(picture.rgb, BRUSHED), "layers": [], "composite": None}

    def check(self, path: str | None) -> str:
        """An error message about an uploaded picture; "" if it is valid."""
        try:
            if path:
                form.read_upload(path, self._limits)
        except ArtistyleError as error:
            return show_error(str(error))
        return ""

    def estimate_large(self, request: gr.Request, longer: str) -> Iterator[Updates]:
        """Shows an estimate for a large painting, and then enables its button."""
        from artistyle_tf.engine.solvers import room
        from artistyle_tf.vgg.precision import device_kind

        try:
            painted = self._session(request).require_painted()
            order = enlarged(painted, longer, self._limits)
            seconds, plan = estimate(painted, order, room(order.config, device_kind()))
        except ArtistyleError as error:
            yield {"large_state": show_error(str(error)), "large": gr.update(interactive=False)}
            return
        height, width = order.size
        tiles = f", in tiles of {plan.tile} px" if plan.tile else ""
        needs = f"about {clock(seconds)} and {gigabytes(plan.estimate)} of memory{tiles}"
        told = f"<p>{width}×{height} px: {needs}</p>"
        yield {"large_state": told, "large": gr.update(interactive=True)}

    def large(self, request: gr.Request, longer: str) -> Iterator[Updates]:
        """Paints the painting again, large; the run goes on when the page is closed."""
        return self._run(
            request,
            lambda session: session.start(
                enlarged(session.require_painted(), longer, self._limits)
            ),
        )

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
        names = [control.name for control in form.all_controls(self._weights)]
        named = dict(zip(names, values, strict=True))
        config = form.make_config(preset, named, self._weights)
        content = painting = mask = None
        if config.task != "texture":
            content = self._picture(photo, "photo")
        if config.task != "reconstruct":
            painting = self._picture(style, "painting to take the style from")
        if config.task == "stylize" and content:
            mask = form.drawn_mask(editor, content)
        order = Order(config, content, painting, mask)
        form.check_pixels("the painting", order.size, self._limits)
        return order

    def _picture(self, path: str | None, what: str) -> Picture:
        if not path:
            raise InputError(f"choose a {what} first")
        return form.read_upload(path, self._limits)

    def _run(self, request: gr.Request, begin: Callable[[Session], Run]) -> Iterator[Updates]:
        """Begins a run, and updates the page until it is over."""
        session = self._session(request)
        try:
            run = begin(session)
        except ArtistyleError as error:
            yield {"state": show_error(str(error)), "paint": gr.update(interactive=True)}
            return
        image = None
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
                "change": gr.update(visible=bool(session.painted or run.step)),
                "large": gr.update(interactive=over),
            }
            if run.image is not None and (over or run.image is not image):
                image = run.image
                updates["canvas"] = gr.update(value=shrink(image, SHOWN), visible=True)
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
            before = as_uint8(resize(content.rgb, picture.shape[:2]))
            updates["compare"] = gr.update(value=(before, picture), visible=True)
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
