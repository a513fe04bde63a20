"""What MkDocs does to the pages of docs/ on the way to the site: see mkdocs.yml.

Links that leave docs/, or lead to docs/notes/, work in the repository only. No address of the
repository is known to the site, so they become the path they lead to. Formulas become MathML, which
browsers show without any script or font from elsewhere.
"""

import html
import re
from typing import Any

from latex2mathml.converter import convert

__all__ = ["on_page_content", "on_page_markdown"]

OUTWARD = re.compile(r"(?<!!)\[([^\]]+)\]\((?:\.\./|(?=notes/))([^)\s]+)\)")
FORMULA = re.compile(r'<(span|div) class="arithmatex">(.*?)</\1>', re.DOTALL)


def on_page_markdown(markdown: str, **_: Any) -> str:
    """Links to files outside of the site become their paths."""
    return OUTWARD.sub(lambda link: _as_text(link[1], link[2]), markdown)


def _as_text(text: str, path: str) -> str:
    """
    >>> _as_text("scripts/demo", "scripts/demo"), _as_text("`Step`", "artistyle_tf/errors.py")
    ('`scripts/demo`', '`Step` (`artistyle_tf/errors.py`)')
    """
    place, name = path.partition("#")[0], text.strip("`")
    place = f"docs/{place}" if place.startswith("notes/") else place
    return f"`{place}`" if place.endswith(name) else f"{text} (`{place}`)"


def on_page_content(content: str, **_: Any) -> str:
    """Formulas as MathML."""
    return FORMULA.sub(lambda found: _mathml(found[1] == "div", found[2]), content)


def _mathml(block: bool, source: str) -> str:
    latex = html.unescape(source.strip())[2:-2]  # between \( \) or \[ \]
    math = convert(latex.strip(), display="block" if block else "inline")
    return f"<p>{math}</p>" if block else math
