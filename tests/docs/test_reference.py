"""The reference pages are what their script makes of the code, and say what is."""

import importlib.util
import re

import artistyle_tf
from artistyle_tf.cli import flags
from artistyle_tf.cli.parsing import setting_flags
from places import ROOT, SCRIPTS

_spec = importlib.util.spec_from_file_location("make", SCRIPTS / "docs" / "make_reference.py")
make = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(make)

FILES = ("--content=a.jpg", "--style=b.jpg", "--output=c.png")


def test_the_pages_are_up_to_date() -> None:
    for name, page in make.PAGES.items():
        text = (ROOT / "docs" / name).read_text("utf-8")
        assert text == page(), "run scripts/docs/make_reference.py"


def shown_flags() -> dict[str, dict[str, str]]:
    """Command → flag → default."""
    parts = re.split(r"^## (artistyle\S*)$", make.flags_page(), flags=re.MULTILINE)[1:]
    row = re.compile(r"^\| `--(\w+)` \| `?(.*?)`? \|", re.MULTILINE)
    return {
        name: dict(row.findall(part)) for name, part in zip(parts[::2], parts[1::2], strict=True)
    }


def test_every_flag_of_every_command_is_there() -> None:
    shown = shown_flags()
    settings = {flag.name for flag in setting_flags()}
    for command, _, _ in make.COMMANDS:
        program = command.PROGRAM
        named = {flag.name: flag.default or "" for flag in program.flags}
        own = {name for name in named if program.name == "artistyle" or name not in settings}
        assert own <= shown[program.name].keys() <= named.keys()
        assert shown[program.name].items() <= named.items()


def test_defaults_are_those_of_an_empty_command_line() -> None:
    shown = shown_flags()["artistyle"]
    spelled = [f"--{name}={default}" for name, default in shown.items() if default]
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
