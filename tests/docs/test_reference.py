"""The reference pages are what their script makes of the code, and say what is."""

import importlib.util
import re

import artistyle_tf
from artistyle_tf.cli import flags
from places import ROOT, SCRIPTS

_spec = importlib.util.spec_from_file_location("make", SCRIPTS / "docs" / "make_reference.py")
make = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(make)

FILES = ("--content=a.jpg", "--style=b.jpg", "--output=c.png")


def test_the_pages_are_up_to_date() -> None:
    for name, page in make.PAGES.items():
        text = (ROOT / "docs" / name).read_text("utf-8")
        assert text == page(), "run scripts/docs/make_reference.py"


def shown_flags() -> dict[str, str]:
    rows = re.findall(r"^\| `(--\w+)` \| (.*?) \|", make.flags_page(), re.MULTILINE)
    return {name: default.strip("`") for name, default in rows}


def test_defaults_are_those_of_an_empty_command_line() -> None:
    spelled = [f"{name}={default}" for name, default in shown_flags().items() if default]
    assert len(spelled) > 30
    assert flags.parse(FILES) == flags.parse([*FILES, *spelled])


def test_every_public_name_has_its_place_and_a_docstring() -> None:
    page = make.python_page()
    for name in artistyle_tf.__all__:
        assert f"### `artistyle_tf.{name}`\n" in page
    parts = re.split(r"^### ", page, flags=re.MULTILINE)[1:]
    assert len(parts) > 35
    for part in parts:
        told = re.sub(r"```.*?```", "", part.partition("\n")[2], flags=re.DOTALL).strip()
        assert told, part
