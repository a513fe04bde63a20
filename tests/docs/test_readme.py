"""README.md and docs/ say what is: costs, presets, links. They are short."""

import html
import json
import pathlib
import re

import pytest

from artistyle_tf import Config
from artistyle_tf.cli import flags
from artistyle_tf.config.presets import PRESETS
from places import ROOT

PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
README = PAGES[0].read_text("utf-8")
FILES = ("--content=a.jpg", "--style=b.jpg", "--output=c.png")


def table(page: pathlib.Path) -> list[list[str]]:
    """The cells of a page's first table, without its head."""
    (text,) = re.findall(r"(?:\A|\n\n)((?:\|.*\n)+)", page.read_text("utf-8"))[:1]
    rows = text.strip().splitlines()
    return [[cell.strip() for cell in row.strip("|").split("|")] for row in rows[2:]]


def test_readme_is_short_and_begins_with_a_picture() -> None:
    assert README.count("\n") < 110
    first = re.search(r"!\[([^\]]+)\]\(([^)]+)\)", README)
    assert first
    assert README[: first.start()].count("\n") < 10
    assert (ROOT / first[2]).stat().st_size <= 300 * 1024


def test_what_a_result_costs_is_one_table(script) -> None:
    costs = script("costs")
    table = costs.table(json.loads(costs.STORE.read_text("utf-8")))
    for page in costs.PAGES:
        assert f"{costs.BEGIN}\n{table}\n{costs.END}" in page.read_text("utf-8"), page


def test_the_pages_are_few_and_short() -> None:
    made = {"reference-flags.md", "reference-python.md"}
    written = [page for page in PAGES[1:] if page.parent.name == "docs" and page.name not in made]
    assert len(written) <= 14
    assert sum(len(page.read_text("utf-8").split()) for page in written) <= 12_000


def test_presets_agree() -> None:
    page = ROOT / "docs" / "presets.md"
    rows = {row[0].strip("`"): row for row in table(page)}
    assert rows.keys() == PRESETS.keys()
    text = page.read_text("utf-8")
    lists = dict(re.findall(r"^- `([\w-]+)`: (`--.*)$", text, re.MULTILINE))
    (common,) = re.findall(r"^The four published ones .*$", text, re.MULTILINE)
    for name, (_, alpha, style, _) in rows.items():
        said = (common if "padding" in PRESETS[name] else "") + lists.get(name, "")
        given = re.findall(r"`(--[^`]+)`", said)
        command = flags.parse([*FILES, "--weights=imagenet", *given])
        preset = Config.preset(name, weights="imagenet")
        assert not isinstance(command, str)
        assert command.config == preset
        assert {flag[2:].split("=")[0] for flag in given} == PRESETS[name].keys()
        layer_weight = preset.style_layers[0][1]
        if preset.style_weight is None:
            assert (alpha, style.split("[")[0]) == ("1", "by ")
        elif preset.formula != "paper":
            assert (alpha, style) == (f"{preset.content_weight:g}", f"{preset.style_weight:g}")
        else:  # eq. 1 is NM/2 times the mean, eq. 4 is N²/4 times
            assert preset.content_weight == 1
            assert alpha == "NM/2"
            assert style == f"{preset.style_weight * layer_weight / 4:g} N²"


def anchors(page: pathlib.Path) -> set[str]:
    titles = re.findall(r"^#+ (.+)$", page.read_text("utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", title.lower()).replace(" ", "-") for title in titles}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page: pathlib.Path) -> None:
    links = re.findall(r"\]\(([^)\s]+)\)", page.read_text("utf-8"))
    for link in map(html.unescape, links):
        if re.match(r"https://", link):
            continue
        path, _, anchor = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        assert target.exists(), f"{page.name}: {link}"
        assert target.is_relative_to(ROOT)
        if anchor:
            assert anchor in anchors(target), f"{page.name}: {link}"


def test_every_page_is_reached_from_the_home_page() -> None:
    home = (ROOT / "docs" / "index.md").read_text("utf-8")
    reached = set(re.findall(r"\(([\w-]+\.md)", home))
    assert {page.name for page in PAGES[1:] if page.parent.name == "docs"} - reached == {"index.md"}
