"""The command and the Python code that reproduce a recorded picture."""

import dataclasses
import shlex
from collections.abc import Mapping, Sequence
from typing import Any

from artistyle_tf.config.config import Config
from artistyle_tf.text import flag_text
from artistyle_tf.vgg.weights import NAMES

OUTPUT = "again.png"


def changed_settings(record: Mapping[str, Any]) -> dict[str, Any]:
    """A record's settings that differ from the defaults, in the order of `Config`.

    `weights` is the network actually used, if it has a name. A style weight that follows from the
    strength is left out.
    """
    settings = dict(record["config"])
    if settings.get("strength") is not None:
        settings.pop("style_weight", None)
    kind = record["weights"]["kind"]
    if kind in NAMES:
        settings["weights"] = kind
    fields = [field for field in dataclasses.fields(Config) if field.name in settings]
    values = {field.name: _tuples(settings[field.name]) for field in fields}
    return {
        field.name: values[field.name] for field in fields if values[field.name] != field.default
    }


def write_command(record: Mapping[str, Any]) -> str:
    """The command for a shell, one flag per line. Files appear by base name, since a record holds
    no folders."""
    words = ["artistyle"]
    if record["content"]:
        words.append(f"--content={record['content']['name']}")
    for kind in ("styles", "content_masks", "style_masks"):
        words += [f"--{kind[:-1]}={name}" for name in _names(record[kind])]
    words.append(f"--output={OUTPUT}")
    changed = changed_settings(record).items()
    words += [f"--{name}={flag_text(value)}" for name, value in changed if value is not None]
    return " \\\n    ".join(map(shlex.quote, words))


def write_python(record: Mapping[str, Any]) -> str:
    settings = [f"    {name}={value!r},\n" for name, value in changed_settings(record).items()]
    content = record["content"]["name"] if record["content"] else None
    styles = _names(record["styles"])
    style = styles if len(styles) > 1 else styles[0] if styles else None
    masks = "".join(
        f", {kind}={_names(record[kind])!r}"
        for kind in ("content_masks", "style_masks")
        if record[kind]
    )
    config = "artistyle_tf.Config(" + ("\n" + "".join(settings) if settings else "") + ")"
    return (
        "import artistyle_tf\n\n"
        f"config = {config}\n"
        f"result = artistyle_tf.stylize({content!r}, {style!r}, config{masks})\n"
        f"result.save({OUTPUT!r})\n"
    )


def _names(pictures: Sequence[Mapping[str, str]]) -> list[str]:
    return [picture["name"] for picture in pictures]


def _tuples(value: Any) -> Any:
    """Turns lists into tuples, for which JSON has no type."""
    return tuple(map(_tuples, value)) if isinstance(value, list | tuple) else value
