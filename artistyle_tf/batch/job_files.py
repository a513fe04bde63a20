"""Reads job files: CSV with a header line, or one JSON object per line. Errors name the line."""

import csv
import json
import os
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from artistyle_tf.batch.jobs import PICTURES, Job, make_job
from artistyle_tf.errors import ConfigError, InputError
from artistyle_tf.text import one_line, reason

__all__ = ["read_jobs", "texts"]

LIST_OF_PATHS = PICTURES[1:]


def read_jobs(path: str, base: Mapping[str, list[str]] | None = None) -> list[Job]:
    """The jobs of a .csv or .jsonl file.

    Columns are named like the flags of `artistyle`: content, style, output, content_mask,
    style_mask, depth, preset and every setting. Empty cells take their value from `base`.
    Paths of pictures are relative to the file's folder, those of outputs to the output folder.

    Args:
      path: the file.
      base: flag → texts, used where a line has no value.

    Raises:
      ConfigError: an invalid line; the message has its number.
      InputError: the file can't be read.
    """
    kind = os.path.splitext(path)[1].lower()
    if kind not in (".csv", ".jsonl", ".ndjson"):
        raise ConfigError(f"--jobs is {one_line(path)!r}; it must end in .csv or .jsonl")
    shown, folder = one_line(path), os.path.dirname(path)
    jobs = []
    try:
        with open(path, encoding="utf-8-sig", newline="") as file:
            rows = _csv(file, shown) if kind == ".csv" else _jsonl(file, shown)
            for line, row in rows:
                where = f"{shown}, line {line}"
                try:
                    given = _merged(base or {}, texts(row))
                    jobs.append(make_job(given, folder, where))
                except ConfigError as error:
                    raise ConfigError(f"{where}: {str(error).removeprefix('--')}") from None
    except OSError as error:
        raise InputError(f"can't read {shown}: {reason(error)}") from error
    except UnicodeDecodeError:
        raise InputError(f"{shown} is not UTF-8 text") from None
    if not jobs:
        raise InputError(f"{shown} has no jobs")
    return jobs


def _merged(base: Mapping[str, list[str]], row: Mapping[str, list[str]]) -> dict[str, list[str]]:
    """`base` overridden by the row; strength and style_weight, which are alternatives, too."""
    rest = dict(base)
    for name, other in (("strength", "style_weight"), ("style_weight", "strength")):
        if name in row:
            rest.pop(other, None)
    return {**rest, **row}


def _csv(file: Iterable[str], shown: str) -> Iterator[tuple[int, Mapping[str, Any]]]:
    reader = csv.DictReader(file, strict=True, skipinitialspace=True)
    try:
        names = [name.strip() for name in reader.fieldnames or ()]
        twice = {name for name in names if names.count(name) > 1}
        if twice:
            raise ConfigError(f"{shown}, line 1: the column {min(twice)!r} appears twice")
        reader.fieldnames = names
        for row in reader:
            line = reader.line_num
            if None in row:
                raise ConfigError(
                    f"{shown}, line {line}: it has more cells than the {len(names)} columns; "
                    "lists with commas must be quoted"
                )
            if any(value is None for value in row.values()):
                raise ConfigError(f"{shown}, line {line}: it has fewer cells than columns")
            yield line, {name: value.strip() for name, value in row.items()}
    except csv.Error as error:
        line = reader.reader.line_num  # the dictionaries' own count is one behind
        raise ConfigError(f"{shown}, line {line}: {one_line(str(error))}") from None


def _jsonl(file: Iterable[str], shown: str) -> Iterator[tuple[int, Mapping[str, Any]]]:
    for line, text in enumerate(file, start=1):
        if not text.strip():
            continue
        try:
            row = json.loads(text)
        except (ValueError, RecursionError) as error:
            fault = getattr(error, "msg", "nested too deeply")
            raise ConfigError(f"{shown}, line {line}: invalid JSON: {one_line(fault)}") from None
        if not isinstance(row, dict):
            raise ConfigError(f"{shown}, line {line}: it must be an object, like {{...}}")
        yield line, row


def texts(row: Mapping[str, Any]) -> dict[str, list[str]]:
    """A row's plain values as texts for flags, without those that are empty or None.

    >>> texts({"style": ["a.jpg", "b.jpg"], "size": [640, 480], "seed": 3, "output": None})
    {'style': ['a.jpg', 'b.jpg'], 'size': ['640x480'], 'seed': ['3']}

    Raises:
      ConfigError: a value that is not a text, a number, a list or a mapping of layers to weights.
    """
    return {
        str(name): _texts(str(name), value)
        for name, value in row.items()
        if value is not None and value != "" and value != []
    }


def _texts(name: str, value: Any) -> list[str]:
    if isinstance(value, str | os.PathLike):
        return [os.fspath(value)]
    if isinstance(value, int | float) and not isinstance(value, bool):
        return [repr(value)]
    if isinstance(value, Mapping):
        return [",".join(f"{layer}:{_one(name, weight)}" for layer, weight in value.items())]
    if isinstance(value, list | tuple):
        if name in LIST_OF_PATHS:
            return [_one(name, item) for item in value]
        if name == "size":
            return ["x".join(_one(name, item) for item in value)]
        return [",".join(_item(name, item) for item in value)]
    raise ConfigError(f"{one_line(name)} is {value!r}; it must be text, a number or a list")


def _item(name: str, value: Any) -> str:
    """An item of a list: a number or text, or a layer with its weight."""
    if isinstance(value, list | tuple):
        return ":".join(_one(name, part) for part in value)
    return _one(name, value)


def _one(name: str, value: Any) -> str:
    if isinstance(value, bool) or not isinstance(value, str | int | float | os.PathLike):
        raise ConfigError(f"{one_line(name)} contains {value!r}; it must be text or a number")
    return os.fspath(value) if isinstance(value, str | os.PathLike) else repr(value)
