"""The parts of the page: inputs on the left, outputs on the right."""

from typing import Any

import gradio as gr

from artistyle_tf.config.presets import PRESETS
from artistyle_tf.web import controls
from artistyle_tf.web.controls import Control

__all__ = ["make_easel", "make_table"]

PALE = ("#ffffff", 0.65)
"""The brush for masks: a translucent white."""

_CHOICES = {
    "color": {
        "style": "the painting's",
        "luminance": "the photo's; paint brightness only",
        "match": "the photo's, matched",
        "cholesky": "the photo's, matched (Cholesky)",
        "histogram": "the photo's, matched by histogram",
    },
    "init": {
        "content": "the photo",
        "noise": "white noise",
        "style": "the painting",
        "grey": "plain grey",
    },
}


def make_table(weights: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """The inputs: (pictures, mask, preset and buttons; every control by its setting's name)."""
    given: dict[str, Any] = {}
    with gr.Row():
        for name, label in (("photo", "Photo"), ("style", "Painting")):
            given[name] = gr.Image(
                label=label,
                sources=["upload", "webcam", "clipboard"],
                image_mode=None,
                type="filepath",
                height=190,
                min_width=140,
                buttons=[],
                elem_id=name,
            )
            # Pass the path on, since our own reader has better error messages. Not a subclass,
            # since Gradio writes a stub next to the source of each.
            given[name].preprocess = lambda payload: payload.path if payload else None
    given["samples"] = gr.Button("Use the sample pictures", size="sm")
    shown = controls.preset_values(controls.FIRST, weights)
    every = {control.name: control for control in controls.all_controls(weights)}
    values: dict[str, Any] = {}

    def put(name: str) -> None:
        values[name] = _component(every[name], shown[name])

    put("strength")
    put("style_scale")
    with gr.Row():
        put("size")
        given["preset"] = gr.Dropdown(
            list(PRESETS),
            value=controls.FIRST,
            label="Preset",
            info="settings to start from",
            min_width=130,
        )
    with gr.Row():
        put("color")
        put("init")
    given["paint"] = gr.Button("Paint", variant="primary", elem_id="paint")
    with gr.Accordion("Paint only a part", open=False, elem_id="part") as given["part"]:
        gr.Markdown("Brush white where the style should go; elsewhere the photo stays.")
        given["mask"] = gr.ImageEditor(
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
        given["brush"] = gr.Button("Start over with the photo", size="sm")
    with gr.Accordion("More", open=False, elem_id="more"):
        rest = [control for control in every.values() if control.name not in controls.MAIN]
        for group in dict.fromkeys(control.group for control in rest):
            with gr.Accordion(group, open=False, elem_id=f"more-{group.lower()}"):
                for control in rest:
                    if control.group == group:
                        put(control.name)
    return given, {name: values[name] for name in every}


def _component(control: Control, value: Any) -> Any:
    common = {"label": control.label, "value": value, "elem_id": f"set-{control.name}"}
    common["info"] = control.help or None
    match control.kind:
        case "share":
            return gr.Slider(0, 1, step=0.01, **common)
        case "scale":
            return gr.Slider(0.25, 3, step=0.05, **common)
        case "choice" | "open":
            words = _CHOICES.get(control.name, {})
            pairs = [(words.get(choice, choice), choice) for choice in control.choices]
            if control.name in _CHOICES:
                common["info"] = None
            opened = control.kind == "open"
            return gr.Dropdown(pairs, allow_custom_value=opened, min_width=130, **common)
        case "number" | "whole":
            return gr.Number(precision=0 if control.kind == "whole" else None, **common)
        case _:
            return gr.Textbox(lines=1, **common)


def make_easel() -> dict[str, Any]:
    """The outputs: the picture, its progress, and the buttons that apply to it."""
    parts: dict[str, Any] = {}
    parts["canvas"] = gr.Image(
        show_label=False,
        interactive=False,
        format="jpeg",
        elem_id="canvas",
        buttons=["fullscreen"],
        label="The painting",
        alt_text="The painting as it grows",
    )
    parts["compare"] = gr.ImageSlider(
        show_label=False,
        label="Photo and painting",
        interactive=False,
        format="jpeg",
        visible=False,
        max_height=760,
        buttons=["fullscreen"],
        elem_id="compare",
    )
    parts["figures"] = gr.HTML()
    parts["state"] = gr.HTML(elem_id="state")
    with gr.Row():
        parts["stop"] = gr.Button("Stop and save", visible=False, size="md", elem_id="stop")
        parts["go_on"] = gr.Button("Continue", visible=False, size="md", elem_id="go-on")
        parts["change"] = gr.Button(
            "Continue with the current controls", visible=False, size="md", elem_id="change"
        )
    with gr.Row():
        parts["download"] = gr.DownloadButton(
            "Download the PNG", visible=False, size="md", elem_id="download"
        )
        parts["report"] = gr.DownloadButton("Report", visible=False, size="md", elem_id="report")
    with gr.Accordion("Objective by layer", open=False, elem_id="objective"):
        parts["curves"] = gr.HTML("<p>Appears while a picture is painted.</p>")
    with gr.Accordion("Paint large", open=False, visible=False, elem_id="large-box") as parts[
        "large_box"
    ]:
        parts["large_size"] = gr.Dropdown(
            ["1024", "1536", "2048", "3072", "4096"],
            value="1024",
            label="Longer side, px",
            allow_custom_value=True,
            elem_id="large-size",
        )
        parts["large_state"] = gr.HTML()
        with gr.Row():
            parts["large"] = gr.Button("Paint large", interactive=False, elem_id="large")
            parts["large_stop"] = gr.Button("Stop and save", visible=False)
            parts["large_download"] = gr.DownloadButton("Download", visible=False)
    return parts
