"""What happens when something on the page is pressed or chosen, and what the page then shows."""

import contextlib
import dataclasses
import glob
import hashlib
import itertools
import os
import secrets
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import gradio as gr
from PIL import Image

from artistyle_tf import samples
from artistyle_tf.errors import ArtistyleError, InputError
from artistyle_tf.files import replacing
from artistyle_tf.images import read
from artistyle_tf.images.picture import Picture, as_uint8
from artistyle_tf.images.sizes import resize, shrink
from artistyle_tf.report.charts import draw_losses
from artistyle_tf.text import clock, gigabytes
from artistyle_tf.web import form
from artistyle_tf.web.messages import describe_progress, describe_state, show_error, show_note
from artistyle_tf.web.studio import (
    DRAFT,
    LINGER,
    Order,
    Run,
    Session,
    Studio,
    delete_soon,
    enlarged,
    estimate,
)

Updates = dict[str, Any]  # Name of an output of the page → its update.

SHOWN, BRUSHED, SMALL = 1600, 768, 256
"""Longer sides in px of pictures shown, of the photo under the brush, and of thumbnails."""
DISPLAYED = (".png", ".jpg", ".jpeg", ".webp", ".gif", ".bmp", ".avif")  # By every browser.
RECENT, KEPT = 12, 6  # Paintings listed; pictures of a visit that the browser may still ask for.
HIDDEN = gr.update(visible=False)


class UploadError(InputError):
    """What is wrong with the picture that `name`, "photo" or "style", stands for."""

    def __init__(self, name: str, message: str):
        super().__init__(message)
        self.name = name


class Events:
    """Handles the events of all visits. `workspace` is a folder for files, all of which are served
    to whoever knows their paths. `private`: all visitors are at this machine."""

    def __init__(
        self, studio: Studio, limits: form.Limits, weights: str, workspace: str, private: bool
    ):
        self._studio, self._limits = studio, limits
        self._weights, self._workspace, self._private = weights, workspace, private
        self._sessions: dict[str, Session] = {}
        self._count = itertools.count()

    def enter(self, request: gr.Request, visitor: str) -> Iterator[tuple[Any, Any]]:
        """Called when the page is opened, with what the browser has kept of an earlier visit."""
        session = self._session(request)
        session.owner = visitor or secrets.token_urlsafe()
        # If the page was reloaded while it painted, that run is being stopped and saved.
        runs = self._studio.unfinished(session.owner)
        yield session.owner, self._recent(session)
        for run in runs:
            if run.wait(LINGER) or (run.stopping and run.wait()):
                yield gr.skip(), self._recent(session)

    def leave(self, request: gr.Request) -> None:
        """Called when the page is closed or reloaded."""
        session = self._sessions.pop(str(request.session_hash), None)
        if session:
            session.leave()
            delete_soon(lambda: self._unused(set(session.uploads.values())))

    def paint(self, request: gr.Request, *given: Any) -> Iterator[Updates]:
        """Starts a new painting. `given`: photo, style, mask editor, preset, then all controls."""
        return self._run(request, lambda session: session.start(self._order(session, *given)))

    def change(self, request: gr.Request, *given: Any) -> Iterator[Updates]:
        """Goes on from the current picture with the current controls."""
        return self._run(request, lambda session: session.change(self._order(session, *given)))

    def go_on(self, request: gr.Request) -> Iterator[Updates]:
        """Goes on from the saved painting with the same settings."""
        return self._run(request, Session.go_on)

    def large(self, request: gr.Request, longer: str) -> Iterator[Updates]:
        """Paints the painting again, large; the run goes on when the page is closed."""

        def begin(session: Session) -> Run:
            return session.start(enlarged(session.require_painted(), longer, self._limits))

        return self._run(request, begin)

    def stop(self, request: gr.Request) -> None:
        run = self._session(request).run
        if run:
            run.stop()

    def preset(self, name: str) -> list[Any]:
        """The values of all controls for a preset."""
        return list(form.preset_values(name, self._weights).values())

    def samples(self, request: gr.Request) -> list[str]:
        session = self._session(request)
        return [self._serve(session, str(path)) for path in (samples.content(), samples.style())]

    def check_photo(self, request: gr.Request, path: str | None) -> Iterator[Updates]:
        return self._check(request, "photo", path)

    def check_style(self, request: gr.Request, path: str | None) -> Iterator[Updates]:
        return self._check(request, "style", path)

    def displayed(self, request: gr.Request, path: str) -> str:
        """A picture that was uploaded, or a small copy if browsers can't display it."""
        session = self._session(request)
        if not path.lower().endswith(DISPLAYED):
            with contextlib.suppress(ArtistyleError):  # which is said beside it
                picture, _ = form.read_small(path, self._limits)
                shown = self._save(session, picture.rgb)
                session.uploads |= {path: path, shown: path}
                return shown
        return path

    def brush(
        self, request: gr.Request, photo: str | None, editor: Mapping[str, Any] | None = None
    ) -> Any:
        """A small copy of the photo to draw a mask on, unless the editor already has one."""
        if editor and editor.get("background") is not None:
            return gr.skip()
        session = self._session(request)
        try:
            picture = self._picture(session, photo, "photo")
        except ArtistyleError:  # which is said beside the photo
            return None
        # A file of its own: Gradio would write equal pictures into one while that may be sent.
        path = self._save(session, shrink(picture.rgb, BRUSHED))
        return {"background": path, "layers": [], "composite": None}

    def draft(
        self,
        request: gr.Request,
        photo: str | None,
        style: str | None,
        strength: float,
        style_scale: float,
        color: Any,
    ) -> Iterator[Updates]:
        """Shows a draft with these pictures and controls, unless paintings are being made."""
        session = self._session(request)
        if not photo or not style:
            return
        try:
            config = dataclasses.replace(
                DRAFT, strength=strength, style_scale=style_scale, color=color
            )
            pictures = [
                form.read_small(session.uploads.get(path, path), self._limits)
                for path in (photo, style)
            ]
            run = session.sketch(pictures[0][0], pictures[1][0], config)
        except ArtistyleError:  # of a picture: it is said beside that
            return
        if run is None:
            return
        for _ in run.updates(0.3):
            if session.draft is not run:
                return
            if run.image is not None:
                yield {
                    **self._pictured(session, run.image),
                    "state": describe_state(run, 0),
                    "figures": "",
                    "download": HIDDEN,
                    "report": HIDDEN,
                }

    def pick(self, request: gr.Request, chosen: gr.SelectData) -> Iterator[Updates]:
        """Shows one of the recent paintings."""
        session = self._session(request)
        path, session.draft = session.listed[chosen.index], None
        try:
            picture = read(path)
        except ArtistyleError as error:
            yield {"state": show_error(str(error))}
            return
        height, width = picture.rgb.shape[:2]
        own = session.painted is not None and path == session.painted.path
        yield {
            **self._pictured(session, picture.rgb),
            "state": show_note(f"{picture.name}: {width}×{height} px"),
            "figures": "",
            "download": gr.update(value=self._serve(session, path), visible=True),
            **dict.fromkeys(("report", "go_on", "change"), gr.update(visible=own)),
        }

    def report(self, request: gr.Request) -> Iterator[Updates]:
        """Writes the report of the latest painting, which the page then downloads."""
        session = self._session(request)
        run = session.require_painted()
        assert run.result is not None
        name = os.path.splitext(os.path.basename(run.path))[0] + ".html"
        path = os.path.join(tempfile.mkdtemp(dir=session.folder), name)
        try:
            run.result.report(path, run.log)
            yield {"report_file": gr.update(value=path)}
        except ArtistyleError as error:
            yield {"state": show_error(str(error))}

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
        yield {
            "large_state": show_note(f"{width}×{height} px: {needs}"),
            "large": gr.update(interactive=True),
        }

    def _unused(self, uploads: set[str]) -> list[str]:
        """Uploads that no visit has. Equal ones share a path: one just written is a new visit's."""
        visits = [set(session.uploads.values()) for session in list(self._sessions.values())]
        left = [path for path in uploads.difference(*visits) if os.path.exists(path)]
        return [path for path in left if os.path.getmtime(path) < time.time() - LINGER]

    def _session(self, request: gr.Request) -> Session:
        key = str(request.session_hash)
        if key not in self._sessions:
            self._sessions[key] = Session(self._studio, self._workspace)
        return self._sessions[key]

    def _check(self, request: gr.Request, name: str, path: str | None) -> Iterator[Updates]:
        """Says what is wrong with a picture, or its size."""
        session, note = self._session(request), f"{name}_note"
        if not path:
            yield {note: ""}
            return
        own = session.uploads.setdefault(path, path)
        try:
            picture, (height, width) = form.read_small(own, self._limits)
        except ArtistyleError as error:
            yield {note: show_error(str(error))}
            return
        yield {note: show_note(f"{picture.name}: {width}×{height} px")}

    def _order(
        self,
        session: Session,
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
            content = self._picture(session, photo, "photo")
        if config.task != "reconstruct":
            painting = self._picture(session, style, "style")
        if config.task == "stylize" and content:
            mask = form.drawn_mask(editor, content)
        order = Order(config, content, painting, mask)
        form.check_pixels("the result", order.size, self._limits)
        return order

    def _picture(self, session: Session, path: str | None, name: str) -> Picture:
        if not path:
            what = "photo" if name == "photo" else "style image"
            raise UploadError(name, f"choose a {what} first")
        try:
            return form.read_upload(session.uploads.get(path, path), self._limits)
        except InputError as error:
            raise UploadError(name, str(error)) from error

    def _run(self, request: gr.Request, begin: Callable[[Session], Run]) -> Iterator[Updates]:
        """Begins a run, and updates the page until it is over."""
        session = self._session(request)
        try:
            run = begin(session)
        except ArtistyleError as error:
            where = f"{error.name}_note" if isinstance(error, UploadError) else "state"
            yield {where: show_error(str(error)), "paint": gr.update(interactive=True)}
            return
        image = None
        for _ in run.updates():
            if session.run is not run:  # replaced by another run, which has its own updates
                return
            # Each update says all but the picture: Gradio sends what has changed since the last
            # one, and if the browser has not drawn that yet, what is left out here is lost.
            over = run.over
            painted = run.result is not None
            updates: Updates = {
                "state": describe_state(run, self._studio.place(run)),
                "figures": describe_progress(run),
                "paint": gr.update(interactive=over),
                "stop": gr.update(visible=not over),
                "go_on": gr.update(visible=over and session.painted is not None),
                "change": gr.update(visible=bool(session.painted or run.step)),
                "large": gr.update(interactive=over),
                "large_box": gr.update(visible=over and session.painted is not None),
                "report": gr.update(visible=over and painted),
                "download": HIDDEN,
            }
            if run.image is not None and (over or run.image is not image):
                image = run.image
                updates["losses"] = draw_losses(run.log)
                updates |= self._pictured(session, image)
            if over and run.result:
                updates |= self._pictured(session, run.result.image, run.order.content)
                updates["download"] = gr.update(value=self._serve(session, run.path), visible=True)
                updates["recent"] = self._recent(session)
            yield updates
            if over:
                return

    def _pictured(self, session: Session, image: Any, content: Picture | None = None) -> Updates:
        """The picture on the page, over the photo it was made from, if that is given."""
        picture = shrink(image, SHOWN)
        if content is None:
            shown = self._file(session, picture)
            return {"canvas": gr.update(value=shown, visible=True), "compare": HIDDEN}
        before = as_uint8(resize(content.rgb, picture.shape[:2]))
        pair = self._file(session, before), self._file(session, picture)
        return {"canvas": HIDDEN, "compare": gr.update(value=pair, visible=True)}

    def _save(self, session: Session, picture: Any) -> str:
        """Saves a picture for the page as a new file; returns its path."""
        path = os.path.join(session.folder, f"{next(self._count)}.jpg")
        Image.fromarray(picture).save(path, quality=92)
        return path

    def _file(self, session: Session, picture: Any) -> str:
        """A picture as a file for the page; those of earlier updates are deleted."""
        path = self._save(session, picture)
        session.pictures.append(path)
        for old in session.pictures[:-KEPT]:
            with contextlib.suppress(FileNotFoundError):  # Gradio deletes what is older than hours
                os.remove(old)
        del session.pictures[:-KEPT]
        return path

    def _serve(self, session: Session, path: str) -> str:
        """A copy that the browser can download."""
        return shutil.copy(path, tempfile.mkdtemp(dir=session.folder))

    def _recent(self, session: Session) -> list[str]:
        """Thumbnails of the latest paintings of this browser, and on a private page of all
        in the folder."""
        paths = {path for owner, path in self._studio.saved if owner == session.owner}
        if self._private:
            paths.update(glob.glob(os.path.join(glob.escape(self._studio.folder), "*.png")))
        changed = {path: os.path.getmtime(path) for path in paths if os.path.isfile(path)}
        session.listed, shown = [], []
        for path in sorted(changed, key=changed.__getitem__, reverse=True)[:RECENT]:
            with contextlib.suppress(ArtistyleError):  # not a picture
                shown.append(_thumbnail(path, changed[path], self._workspace))
                session.listed.append(path)
        return shown


def _thumbnail(path: str, changed: float, folder: str) -> str:
    """Path of a thumbnail in `folder` for the painting as it was at the time `changed`."""
    name = hashlib.sha256(f"{path} {changed}".encode()).hexdigest()
    thumbnail = os.path.join(folder, f"{name}.jpg")
    if not os.path.exists(thumbnail):
        with replacing(thumbnail) as file:  # another tab may be asking for it
            Image.fromarray(shrink(read(path).rgb, SMALL)).save(file, "JPEG")
    return thumbnail
