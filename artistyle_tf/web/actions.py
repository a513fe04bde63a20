"""Handlers for the events of the page: they call the session's desk and return updates."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import gradio as gr

from artistyle_tf.errors import ArtistyleError, InputError
from artistyle_tf.images.picture import Picture
from artistyle_tf.web import controls, wording
from artistyle_tf.web.desk import Desk, Desks
from artistyle_tf.web.job import Order, Run
from artistyle_tf.web.large import estimate, large_config, longer_side, room_now
from artistyle_tf.web.uploads import (
    Limits,
    check_output,
    drawn_mask,
    read_upload,
    sample_pair,
    thumbnail,
)
from artistyle_tf.web.views import Updates, Views, refused

__all__ = ["Actions"]


class Actions:
    """The event handlers of the page, for all sessions.

    Args:
      desks: the desks of the open pages.
      limits: limits for pictures.
      weights: the `--weights` of the server.
      workspace: folder for files to download.
    """

    def __init__(self, desks: Desks, limits: Limits, weights: str, workspace: str):
        self._desks, self._limits = desks, limits
        self._weights, self._views = weights, Views(workspace)

    def paint(self, request: gr.Request, *given: Any) -> Iterator[Updates]:
        """Starts a new painting. `given`: photo, style, mask editor, preset, then all controls."""
        return self._ordered(request, given, Desk.start)

    def change(self, request: gr.Request, *given: Any) -> Iterator[Updates]:
        """Paints with the current controls, starting from the current picture."""
        return self._ordered(request, given, Desk.change)

    def go_on(self, request: gr.Request) -> Iterator[Updates]:
        """Continues the saved painting with the same settings."""
        desk = self._desk(request)
        try:
            run = desk.go_on()
        except ArtistyleError as error:
            yield refused(error)
            return
        yield from self._views.followed(desk, run)

    def stop(self, request: gr.Request) -> None:
        """Stops the run and saves the current picture."""
        self._desk(request).stop()

    def leave(self, request: gr.Request) -> None:
        """Called when the page is closed or reloaded."""
        self._desks.leave(str(request.session_hash))

    def preset(self, name: str) -> list[Any]:
        """The values of all controls for a preset."""
        return list(controls.preset_values(name, self._weights).values())

    def samples(self) -> list[str]:
        """The sample photo and the sample painting."""
        return [self._views.copied(path) for path in sample_pair()]

    def brush(self, photo: str | None) -> Any:
        """A thumbnail of the photo to draw a mask on."""
        if not photo:
            gr.Warning("Choose a photo first.")
            return None
        try:
            picture = read_upload(photo, self._limits)
        except ArtistyleError as error:
            gr.Warning(str(error))
            return None
        return {"background": thumbnail(picture, 768), "layers": [], "composite": None}

    def brush_once(self, photo: str | None, editor: Mapping[str, Any] | None) -> Any:
        """The same, unless the editor already has a picture, on which a mask may be drawn."""
        there = editor and editor.get("background") is not None
        return gr.skip() if there else self.brush(photo)

    def looked_at(self, path: str | None) -> str:
        """An error message for a picture just uploaded; "" if it is valid."""
        if not path:
            return ""
        try:
            read_upload(path, self._limits)
        except ArtistyleError as error:
            return wording.fault(str(error))
        return ""

    def weigh(self, request: gr.Request, chosen: str) -> Updates:
        """Shows an estimate for a large painting, and then enables its button."""
        painting = self._desk(request).painting
        if painting is None:
            return {"large_state": "Paint a picture first.", "large": gr.update(interactive=False)}
        try:
            longer = longer_side(chosen)
            config = large_config(painting, longer)
            check_output(config, painting.order.content, self._limits)
            told = str(estimate(painting, longer, room_now()))
        except ArtistyleError as error:
            fault = wording.fault(str(error))
            return {"large_state": fault, "large": gr.update(interactive=False)}
        return {"large_state": f"<p>{told}</p>", "large": gr.update(interactive=True)}

    def large(self, request: gr.Request, chosen: str) -> Iterator[Updates]:
        """Paints a large picture in the background."""
        desk = self._desk(request)
        try:
            if desk.painting is None:
                raise InputError("paint a picture first")
            config = large_config(desk.painting, longer_side(chosen))
            check_output(config, desk.painting.order.content, self._limits)
            run = desk.paint_large(config)
        except ArtistyleError as error:
            yield {"large_state": wording.fault(str(error))}
            return
        yield from self._views.large(desk, run)

    def large_stop(self, request: gr.Request) -> None:
        """Stops the large painting and saves it as it is."""
        desk = self._desk(request)
        if desk.large:
            desk.studio.stop(desk.large)

    def _desk(self, request: gr.Request) -> Desk:
        return self._desks.of(str(request.session_hash))

    def _ordered(
        self, request: gr.Request, given: tuple[Any, ...], begin: Callable[[Desk, Order], Run]
    ) -> Iterator[Updates]:
        desk = self._desk(request)
        try:
            run = begin(desk, self._order(*given))
        except ArtistyleError as error:
            yield refused(error)
            return
        yield from self._views.followed(desk, run)

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
        content = painting = None
        if config.task != "texture":
            content = self._picture(photo, "photo")
        if config.task != "reconstruct":
            painting = self._picture(style, "painting to take the style from")
        check_output(config, content, self._limits)
        mask = None
        if config.task == "stylize" and content:
            mask = drawn_mask(editor, content)
        return Order(config, content, painting, mask)

    def _picture(self, path: str | None, what: str) -> Picture:
        if not path:
            raise InputError(f"choose a {what} first")
        return read_upload(path, self._limits)
