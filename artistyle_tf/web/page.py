"""The layout of the page, and which handler each of its events calls.

Its looks are in page.css. Nothing is loaded from other servers; fonts are those of the system.
"""

import functools
from collections.abc import Callable, Iterator
from typing import Any

import gradio as gr

from artistyle_tf.config.presets import PRESETS
from artistyle_tf.web import form
from artistyle_tf.web.events import Events, Updates

FIRST = "fast"  # The preset selected at first: the best picture for the time.
PALE = ("#ffffff", 0.65)
"""The brush for masks."""


def make_page(events: Events, weights: str, megabytes: int, private: bool) -> gr.Blocks:
    """The page, ready to be launched. `megabytes`: the limit of an upload. `private`: it is for
    this machine only."""
    with gr.Blocks(
        title="artistyle", analytics_enabled=False, delete_cache=(600, 7200), fill_width=True
    ) as page:
        where = (
            "Your pictures stay on this machine"
            if private
            else "Your pictures are sent to the machine that serves this page"
        )
        about = f"Paint a photo in the style of a picture. {where}; each may have {megabytes} MB."
        gr.HTML(f"<h1>artistyle</h1><p>{about}</p>", elem_id="head")
        with gr.Row(elem_id="columns"):
            with gr.Column(scale=2, min_width=300):
                inputs, values = _make_inputs(weights)
            with gr.Column(scale=3, min_width=300, elem_id="outputs"):
                outputs = _make_outputs()
        _connect(page, events, inputs, values, outputs)
    return page


def _make_inputs(weights: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """Returns pictures, mask, preset and buttons, and every control by its setting's name."""
    inputs: dict[str, Any] = {}
    with gr.Row():
        for name, label in (("photo", "Photo"), ("style", "Style image")):
            with gr.Column(min_width=140):
                inputs[name] = gr.Image(
                    label=label,
                    sources=["upload", "webcam", "clipboard"],
                    image_mode=None,
                    type="filepath",
                    height=190,
                    buttons=[],
                    elem_id=name,
                )
                note = f"{name}_note"
                inputs[note] = gr.HTML(elem_id=f"{name}-note", elem_classes="note")
            # Pass the path on, since our own reader has better error messages. Not a subclass,
            # since Gradio writes a stub next to the source of each.
            inputs[name].preprocess = lambda payload: payload.path if payload else None
    inputs["samples"] = gr.Button("Use the sample pictures", size="sm")
    shown = form.preset_values(FIRST, weights)
    every = {control.name: control for control in form.all_controls(weights)}
    values: dict[str, Any] = {}

    def put(name: str) -> None:
        values[name] = _make_control(every[name], shown[name])

    put("strength")
    put("style_scale")
    with gr.Row():
        put("size")
        inputs["preset"] = gr.Dropdown(
            list(PRESETS),
            value=FIRST,
            label="Preset",
            info="settings to start from",
            min_width=130,
        )
    with gr.Row():
        put("color")
        put("init")
    inputs["paint"] = gr.Button("Paint", variant="primary", elem_id="paint")
    with gr.Accordion("Paint only a part", open=False, elem_id="part") as inputs["part"]:
        gr.Markdown("Brush white where the style should go; elsewhere the photo stays.")
        inputs["mask"] = gr.ImageEditor(
            label="Mask",
            show_label=False,
            sources=[],
            transforms=[],
            layers=False,
            brush=gr.Brush(default_size=40, colors=[PALE], color_mode="fixed"),
            buttons=[],
            image_mode="RGBA",
            type="numpy",
            height=380,
            elem_id="mask",
        )
        inputs["brush"] = gr.Button("Start over with the photo", size="sm")
    with gr.Accordion("More", open=False, elem_id="more"):
        rest = [control for control in every.values() if control.name not in values]
        for group in dict.fromkeys(control.group for control in rest):
            with gr.Accordion(group, open=False, elem_id=f"more-{group.lower()}"):
                for control in rest:
                    if control.group == group:
                        put(control.name)
    return inputs, {name: values[name] for name in every}


def _make_control(control: form.Control, value: Any) -> Any:
    common = {"label": control.label, "value": value, "elem_id": f"set-{control.name}"}
    # Words for choices explain themselves.
    common["info"] = None if control.name in ("color", "init") else control.help
    match control.kind:
        case "share":
            return gr.Slider(0, 1, step=0.01, **common)
        case "scale":
            return gr.Slider(0.25, 3, step=0.05, **common)
        case "choice" | "open":
            pairs = [(words, choice) for choice, words in control.choices.items()]
            opened = control.kind == "open"
            return gr.Dropdown(pairs, allow_custom_value=opened, min_width=130, **common)
        case "number" | "whole":
            return gr.Number(precision=0 if control.kind == "whole" else None, **common)
        case _:
            return gr.Textbox(lines=1, **common)


def _make_outputs() -> dict[str, Any]:
    """The picture, its progress, and the buttons that apply to it."""
    outputs: dict[str, Any] = {}
    outputs["canvas"] = gr.Image(
        show_label=False,
        interactive=False,
        format="jpeg",
        elem_id="canvas",
        buttons=["fullscreen"],
        label="The result",
        alt_text="The result as it grows",
    )
    outputs["compare"] = gr.ImageSlider(
        show_label=False,
        label="Photo and result",
        interactive=False,
        format="jpeg",
        visible=False,
        max_height=760,
        buttons=["fullscreen"],
        slider_position=0,
        elem_id="compare",
    )
    outputs["figures"] = gr.HTML()
    outputs["state"] = gr.HTML(elem_id="state", elem_classes="note")
    outputs["download"] = gr.DownloadButton(
        "Download the PNG", visible=False, variant="primary", size="lg", elem_id="download"
    )
    with gr.Row():
        for name, text in {
            "stop": "Stop and save",
            "go_on": "Continue",
            "change": "Continue with the current controls",
            "report": "Report",
        }.items():
            ident = name.replace("_", "-")
            outputs[name] = gr.Button(text, visible=False, size="sm", elem_id=ident)
    # Pressed by the page itself when the report is there.
    outputs["report_file"] = gr.DownloadButton("Report", elem_id="report-file")
    with gr.Accordion("Objective by layer", open=False, elem_id="objective"):
        outputs["losses"] = gr.HTML("<p>Appears while a picture is painted.</p>")
    with gr.Accordion("Paint large", open=False, visible=False, elem_id="large-box") as box:
        outputs["large_box"] = box
        outputs["large_size"] = gr.Dropdown(
            ["1024", "1536", "2048", "3072", "4096"],
            value="1024",
            label="Longer side, px",
            allow_custom_value=True,
            elem_id="large-size",
        )
        outputs["large_state"] = gr.HTML()
        outputs["large"] = gr.Button("Paint large", interactive=False, elem_id="large")
    with gr.Accordion("Recent results", elem_id="recent-box"):
        outputs["recent"] = gr.Gallery(
            show_label=False,
            label="Recent results",
            interactive=False,
            allow_preview=False,
            columns=6,
            height="auto",
            buttons=[],
            elem_id="recent",
        )
    return outputs


def _connect(
    page: gr.Blocks,
    events: Events,
    inputs: dict[str, Any],
    values: dict[str, Any],
    outputs: dict[str, Any],
) -> None:
    changed = ("paint", "photo_note", "style_note")
    outputs = {**outputs, **{name: inputs[name] for name in changed}}

    def named(action: Callable[..., Iterator[Updates]]) -> Callable[..., Iterator[dict[Any, Any]]]:
        """Assigns the action's updates to the outputs that they name."""

        @functools.wraps(action)
        def act(*given: Any) -> Iterator[dict[Any, Any]]:
            yield {outputs["state"]: gr.skip()}  # no update at all would empty all outputs
            for updates in action(*given):
                yield {outputs[name]: update for name, update in updates.items()}

        return act

    quiet: dict[str, Any] = {"show_progress": "hidden", "api_visibility": "private"}
    at_once = {**quiet, "queue": False}
    # The studio paints one run at a time; Gradio must not make sessions wait for each other too.
    follow = {**quiet, "outputs": list(outputs.values()), "concurrency_limit": None}
    photo, style, mask = (inputs[name] for name in ("photo", "style", "mask"))
    everything = [photo, style, mask, inputs["preset"], *values.values()]
    inputs["paint"].click(named(events.paint), everything, **follow)
    outputs["change"].click(named(events.change), everything, **follow)
    outputs["go_on"].click(named(events.go_on), [], **follow)
    outputs["stop"].click(events.stop, [], [], **at_once)
    # Not `input`: that is told whenever the dropdown is left, and would undo what was changed.
    inputs["preset"].change(events.preset, inputs["preset"], list(values.values()), **quiet)
    values["strength"].input(lambda: "", [], values["style_weight"], **at_once)
    inputs["samples"].click(events.samples, [], [photo, style], **quiet)
    photo.change(named(events.check_photo), photo, **follow)
    style.change(named(events.check_style), style, **follow)
    for picture in (photo, style):
        # Its value only: an update of anything else would undo its `preprocess`.
        picture.upload(events.displayed, picture, picture, **quiet)
    photo.change(events.brush, photo, mask, **quiet)
    inputs["brush"].click(events.brush, photo, mask, **quiet)
    inputs["part"].expand(events.brush, [photo, mask], mask, **quiet)
    tried = [values[name] for name in ("strength", "style_scale", "color")]
    gr.on(
        [part.change for part in (photo, style, *tried)],
        named(events.draft),
        [photo, style, *tried],
        trigger_mode="multiple",
        **follow,
    )
    outputs["report"].click(named(events.report), [], **follow).success(
        None, js="() => document.querySelector('#report-file').click()"
    )
    size = outputs["large_size"]
    for event in (size.change, outputs["large_box"].expand):
        event(named(events.estimate_large), size, **follow)
    outputs["large"].click(named(events.large), size, **follow)
    outputs["recent"].select(named(events.pick), [], **follow)
    visitor = gr.BrowserState("", storage_key="artistyle-visitor")
    page.load(events.enter, visitor, [visitor, outputs["recent"]], **quiet)
    page.unload(events.leave)


def make_theme() -> Any:
    return gr.themes.Base(
        primary_hue="amber",
        secondary_hue="stone",
        neutral_hue="stone",
        radius_size="md",
        font=("system-ui", "-apple-system", "Segoe UI", "Roboto", "sans-serif"),
        font_mono=("ui-monospace", "SFMono-Regular", "Menlo", "Consolas", "monospace"),
    )
