"""How the page looks: theme and style sheet. Nothing is loaded from other servers; fonts are
those of the system."""

from typing import Any

__all__ = ["CSS", "HEAD", "make_theme"]

FONTS = ("system-ui", "-apple-system", "Segoe UI", "Roboto", "Helvetica Neue", "sans-serif")
MONO = ("ui-monospace", "SFMono-Regular", "Menlo", "Consolas", "monospace")


_COLORS = {
    "body_background_fill": ("#faf9f7", "#161412"),
    "block_background_fill": ("transparent", "transparent"),
    "block_border_width": ("0px", "0px"),
    "block_label_background_fill": ("#faf9f7", "#161412"),
    "block_label_border_width": ("0px", "0px"),
    "slider_color": ("#a8650f", "#d99a3a"),
    "body_text_color_subdued": ("#6b645d", "#aaa29a"),
    "block_info_text_color": ("#6b645d", "#aaa29a"),
    "panel_background_fill": ("transparent", "transparent"),
    "input_background_fill": ("#ffffff", "#221f1c"),
    "button_primary_background_fill": ("#1c1917", "#f5f0e8"),
    "button_primary_background_fill_hover": ("#44403c", "#d6d3d1"),
    "button_primary_text_color": ("#ffffff", "#1c1917"),
}
"""Gradio's names → the values by day and by night."""


def make_theme() -> Any:
    """A plain Gradio theme with a single accent colour."""
    import gradio as gr

    light = {name: pair[0] for name, pair in _COLORS.items()}
    dark = {f"{name}_dark": pair[1] for name, pair in _COLORS.items()}
    return gr.themes.Base(
        primary_hue=gr.themes.colors.amber,
        secondary_hue=gr.themes.colors.stone,
        neutral_hue=gr.themes.colors.stone,
        radius_size=gr.themes.sizes.radius_md,
        font=FONTS,
        font_mono=MONO,
    ).set(color_accent="#a8650f", block_shadow="none", block_padding="0", **light, **dark)


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
#columns { gap: 32px; align-items: flex-start; }
#outputs { position: sticky; top: 16px; }
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
.chart { margin: 0; color: var(--body-text-color-subdued); }
.chart svg { width: 100%; height: auto; display: block; fill: currentColor; }
.chart path { stroke: currentColor; }
.chart polyline { fill: none; stroke-width: 2; }
.chart text { font-size: 12px; }
.chart ul { display: flex; flex-wrap: wrap; gap: 2px 14px; margin: 6px 0 0; padding: 0; }
.chart li { font-size: .8rem; margin: 0; list-style: none; }
.chart i { display: inline-block; width: 14px; height: 3px; margin-right: 6px;
  vertical-align: middle; }
button:focus-visible, input:focus-visible, textarea:focus-visible, [tabindex]:focus-visible {
  outline: 3px solid #c07a18 !important; outline-offset: 2px; }
@media (max-width: 700px) {
  .gradio-container > main { padding: 12px 12px 32px !important; }
  #outputs { position: static; }
  #columns { gap: 16px; }
}
"""
