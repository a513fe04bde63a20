"""The look of the page: theme and style sheet. Nothing is loaded from other servers; fonts are
those of the system."""

from typing import Any

__all__ = ["CSS", "HEAD", "theme"]

FONTS = ("system-ui", "-apple-system", "Segoe UI", "Roboto", "Helvetica Neue", "sans-serif")
MONO = ("ui-monospace", "SFMono-Regular", "Menlo", "Consolas", "monospace")


def theme() -> Any:
    """A plain Gradio theme with a single accent colour."""
    import gradio as gr

    return gr.themes.Base(
        primary_hue=gr.themes.colors.amber,
        secondary_hue=gr.themes.colors.stone,
        neutral_hue=gr.themes.colors.stone,
        radius_size=gr.themes.sizes.radius_md,
        font=FONTS,
        font_mono=MONO,
    ).set(
        body_background_fill="#faf9f7",
        body_background_fill_dark="#161412",
        block_background_fill="transparent",
        block_background_fill_dark="transparent",
        block_border_width="0px",
        block_border_width_dark="0px",
        block_label_background_fill="#faf9f7",
        block_label_background_fill_dark="#161412",
        slider_color="#a8650f",
        slider_color_dark="#d99a3a",
        color_accent="#a8650f",
        body_text_color_subdued="#6b645d",
        body_text_color_subdued_dark="#aaa29a",
        block_info_text_color="#6b645d",
        block_info_text_color_dark="#aaa29a",
        block_label_border_width="0px",
        block_label_border_width_dark="0px",
        block_shadow="none",
        block_padding="0",
        panel_background_fill="transparent",
        panel_background_fill_dark="transparent",
        input_background_fill="#ffffff",
        input_background_fill_dark="#221f1c",
        button_primary_background_fill="#1c1917",
        button_primary_background_fill_hover="#44403c",
        button_primary_text_color="#ffffff",
        button_primary_background_fill_dark="#f5f0e8",
        button_primary_background_fill_hover_dark="#d6d3d1",
        button_primary_text_color_dark="#1c1917",
    )


HEAD = '<meta name="referrer" content="no-referrer"><meta name="color-scheme" content="light dark">'

CSS = """
gradio-app { width: 100%; }
.gradio-container { width: 100%; max-width: 1360px !important; margin: 0 auto !important; }
.gradio-container > main { width: 100%; max-width: none !important; }
.gradio-container > main { padding: 20px 28px 40px !important; }
.form { background: transparent !important; border: 0 !important; box-shadow: none !important;
  gap: 14px !important; }
#head h1 { font-size: 1.5rem; font-weight: 650; letter-spacing: -.02em; margin: 0; }
#head p { margin: 2px 0 12px; color: var(--body-text-color-subdued); }
#room { gap: 32px; align-items: flex-start; }
#easel { position: sticky; top: 16px; }
#canvas, #compare { border-radius: 10px; overflow: hidden; background: #8881; }
#canvas .empty { min-height: min(56vw, 520px); }
#canvas .image-container, #canvas .image-container button, #canvas .image-frame { width: 100%;
  height: auto; }
#canvas img { width: 100%; height: auto; max-height: 78vh; object-fit: contain; }
#photo .wrap, #style .wrap { text-align: center; }
#photo, #style, #mask { border: 1px solid var(--border-color-primary); border-radius: 10px; }
#state { min-height: 1.5em; }
#state p { margin: 0; font-weight: 550; }
#state p.fault { color: #b3261e; }
.dark #state p.fault { color: #ffb4ab; }
.figures { margin: 0; color: var(--body-text-color-subdued); font-variant-numeric: tabular-nums; }
.figures progress { width: 100%; height: 6px; display: block; appearance: none; border: 0;
  border-radius: 3px; overflow: hidden; background: #8883; margin-bottom: 4px; }
.figures progress::-webkit-progress-bar { background: #8883; }
.figures progress::-webkit-progress-value { background: #a8650f; }
.figures progress::-moz-progress-bar { background: #a8650f; }
.curves { margin: 0; }
.curves svg { width: 100%; height: auto; display: block; color: var(--body-text-color-subdued); }
.curves polyline { fill: none; stroke-width: 2; vector-effect: non-scaling-stroke; }
.curves path { stroke: currentColor; opacity: .4; }
.curves text { font-size: 12px; fill: currentColor; }
.curves ul { display: flex; flex-wrap: wrap; gap: 2px 14px; margin: 6px 0 0; padding: 0; }
.curves li { font-size: .8rem; color: var(--body-text-color-subdued); margin: 0;
  list-style: none; }
.curves i { display: inline-block; width: 14px; height: 3px; margin-right: 6px;
  vertical-align: middle; }
button:focus-visible, input:focus-visible, textarea:focus-visible, [tabindex]:focus-visible {
  outline: 3px solid #c07a18 !important; outline-offset: 2px; }
@media (max-width: 700px) {
  .gradio-container > main { padding: 12px 12px 32px !important; }
  #easel { position: static; }
  #room { gap: 16px; }
}
"""
