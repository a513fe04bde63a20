#!/usr/bin/env python3
"""Judge pictures by a network: finished ones of any program, or what sets of flags paint.

    scripts/benchmark/judge.py --pair=CONTENT,STYLE PICTURE [PICTURE ...]
    scripts/benchmark/judge.py --pairs=FILE FOLDER [FOLDER ...]
    scripts/benchmark/judge.py --paint="plain: --preset=fast"
        [--paint="small: --weights=preview" ...] [--size=256]

The first judges pictures painted from one pair; the second what programs made of each pair, a
folder for each program with pictures CONTENT_STYLE.png. The third paints each pair (twelve of
installed packages without --pair or --pairs) with each set of flags of the artistyle command and
judges that. It goes on where it was stopped if --folder is the same. Tables are in Markdown.

--pairs is a text file of lines CONTENT,STYLE, relative to it; # begins a comment. --sheet shows the
pictures.

The judge is the network of --weights. The content is taken at the picture's size, the style at the
picture's longer side. With G the normalised Gram matrices of block1_conv1 to block5_conv1:

- closed: 1 - d(picture) / d(content), mean over the five layers, d(x) = |G(x) - G(style)| /
  |G(style)|: the share of the way from content to style, 0 for the content and 1 for the style;
- content error: mean squared difference to the content at block4_conv2, over the content's own
  mean square there;
- grain: steps of colour between neighbours, over the same of the style; see `measures.grain`;
- off palette: share of the pixels in colours that the style has not; see `measures.off_palette`;
- patches: sliced Wasserstein distance of 7×7 patches, mean and fine / middle / coarse scale, grey
  levels; see `measures.patch_distances`;
- strokes: their width, over that of the style; see `measures.strokes`;
- border: steps along the sides, over those of the interior, see `measures.border`; the same of the
  colours side by side, top / bottom / left / right;
- saved objective: alpha mean((F - P)^2) at block4_conv2 + beta times the sum over the five layers
  of mean((G - A)^2), max pooling. A run's "optimised" is by its own weights and settings, on a
  canvas of multiples of 16 px;
- seconds: from a run's first evaluation to its last, without setting up; evaluations: their number.
"""

import argparse
import hashlib
import json
import math
import os
import re
import shlex
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from measures import (
    Figures,
    Pair,
    listed,
    network,
    read_pairs,
    shrunk,
)
from PIL import Image

from artistyle_tf import ArtistyleError, ConfigError, InputError, files
from artistyle_tf.cli.flags import Command, parse
from artistyle_tf.images import write
from artistyle_tf.images.picture import as_uint8
from artistyle_tf.images.read import read, read_record

sys.path.append(str(Path(__file__).resolve().parents[1] / "docs"))

from make_sheet import make_sheet

COLUMNS = {
    "closed": "closed",
    "content_error": "content error",
    "grain": "grain",
    "off_palette": "off palette",
    "patches": "patches: mean, by scale",
    "strokes": "strokes",
    "border": "border worst / mean",
    "colours_by_side": "colours at the sides",
    "saved_objective": "saved objective",
    "optimised": "optimised",
    "seconds": "seconds",
    "evaluations": "evaluations",
}
"""Figure → its head in the tables."""


# Painting


def named_sets(texts: Sequence[str]) -> dict[str, list[str]]:
    """Name → flags of each --paint="NAME: FLAGS"; without a name the flags are the name."""
    sets: dict[str, list[str]] = {}
    for text in texts:
        name, colon, flags = text.partition(":")
        if text.lstrip().startswith("-") or not colon:
            name, flags = text, text
        if not name.strip() or slug(name) in map(slug, sets):
            raise ConfigError(f"--paint={text!r} needs a name of its own; write NAME: FLAGS")
        try:
            sets[name.strip()] = shlex.split(flags)
        except ValueError as error:
            raise ConfigError(f"--paint={text!r}: {error}") from None
    return sets


def slug(text: str) -> str:
    """The text as a file's name."""
    return re.sub(r"[^\w.-]+", "_", text).strip("-_.")


def command_of(pair: Pair, flags: Sequence[str], target: Path, size: int) -> Command:
    """The command that paints a pair: what the flags leave open is put before them."""
    given = {word.lstrip("-").split("=")[0] for word in flags}
    ours = {"content": pair.paths[0], "style": pair.paths[1], "output": target, "size": size}
    command = parse([*(f"--{k}={v}" for k, v in ours.items() if k not in given), *flags])
    used = ("content", "styles", "output", "config", "preset", "content_masks", "style_masks")
    usual = Command._field_defaults
    if isinstance(command, str) or any(
        value and value != usual.get(name)
        for name, value in command._asdict().items()
        if name not in used
    ):
        raise ConfigError(f"--paint={shlex.join(flags)!r} has flags that only the command obeys")
    return command


def painted(pair: Pair, flags: Sequence[str], target: Path, size: int) -> Figures:
    """Paints to `target` unless that was done; what the run itself says."""
    from artistyle_tf import stylize

    command = command_of(pair, flags, target, size)
    masks = {"content_masks": command.content_masks, "style_masks": command.style_masks}
    told = [[picture.digest for picture in pair.pictures], command.config.to_dict(), masks]
    # A digest, since settings may have paths of this machine in them.
    asked = hashlib.sha256(json.dumps(told).encode()).hexdigest()
    if target.exists() and (record := read_record(target)):
        if record.get("judge", {"asked": asked})["asked"] != asked:
            raise InputError(
                f"{target} is of another pair or other settings; name another --folder"
            )
    else:
        result = stylize(command.content, command.styles, command.config, **masks)
        if result.stop_reason == "interrupted":
            raise KeyboardInterrupt
        seconds = {"seconds": result.seconds, "setup_seconds": result.setup_seconds}
        record = {**result.record, "judge": {"asked": asked, **seconds}}
        write.write(target, result.image, alpha=result.alpha, record=record)
        record = read_record(target) or {}
    outcome = record.get("outcome", {})
    return {
        **{key: record.get("judge", {}).get(key) for key in ("seconds", "setup_seconds")},
        "evaluations": outcome.get("evaluations"),
        "optimised": outcome.get("objective", {}).get("value"),
        "saved_by_run": outcome.get("saved_objective", {}).get("value"),
    }


# Output


def means(each: Sequence[Figures]) -> Figures:
    """Mean of every figure over the pairs, the median of sides; None where one is lacking."""
    merged: Figures = {}
    for key, first in each[0].items():
        values = [figures[key] for figures in each]
        if key.endswith("_by_side"):
            merged[key] = {side: float(np.median([one[side] for one in values])) for side in first}
        elif isinstance(first, dict):
            merged[key] = means(values)
        else:
            merged[key] = None if None in values else float(np.mean(values))
    return merged


def cell(value: Any) -> str:
    if isinstance(value, dict):
        return " / ".join(map(cell, value.values()))
    if value is None or math.isnan(value):
        return "–"
    return f"{value:.3f}" if abs(value) < 100 else f"{value:,.0f}"


def table(title: str, rows: Mapping[str, Figures]) -> str:
    """Markdown: a row for each set, with the columns that any of them has."""
    columns = {
        key: head for key, head in COLUMNS.items() if any(key in row for row in rows.values())
    }
    lines = [f"| {' | '.join([title, *columns.values()])} |", "|---" * (len(columns) + 1) + "|"]
    for name, figures in rows.items():
        cells = [cell(figures.get(key)) for key in columns]
        lines.append(f"| {' | '.join([name, *cells])} |")
    return "\n".join(lines) + "\n"


def plain(value: Any) -> Any:
    """For JSON, which has no NaN."""
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    return None if isinstance(value, float) and not math.isfinite(value) else value


def made_of(pair: Pair, folder: Path) -> Path:
    """The picture in a program's folder that is of this pair."""
    found = sorted(folder.glob(f"{slug(pair.name)}.*"))
    if len(found) != 1:
        raise InputError(f"{folder} must have one picture {slug(pair.name)}.png, not {len(found)}")
    return found[0]


def sheet(
    pairs: Sequence[Pair], made: Sequence[Sequence[Path]], names: Sequence[str], height: int
) -> Image.Image:
    """Rows: pairs; columns: content, style, what was made of them."""
    rows = [
        [Image.fromarray(as_uint8(picture.rgb)) for picture in (*pair.pictures, *map(read, paths))]
        for pair, paths in zip(pairs, made, strict=True)
    ]
    labels = [pair.name.replace("×", "x") for pair in pairs]  # which Pillow's own font lacks
    return make_sheet(rows, ["content", "style", *names], height, labels)


def judged(
    asked: argparse.Namespace, pairs: Sequence[Pair], made: Sequence[Sequence[Path]],
    sets: Mapping[str, Sequence[str]], names: Sequence[str],
) -> None:  # fmt: skip
    """Paints what is to be painted; prints and writes the figures of all pictures."""
    from artistyle_tf.vgg.weights import load

    weights = load(asked.weights)
    see = network(weights)
    balance = asked.content_weight, asked.style_weight
    print(f"Judge: {weights.name}, {weights.digest[:12]}\n", flush=True)
    figures: dict[str, dict[str, Figures]] = {}
    for pair, targets in zip(pairs, made, strict=True):
        rows = figures[pair.name] = {}
        for name, target in zip(names, targets, strict=True):
            own = {}
            if sets:
                print(f"judge.py: {pair.name}, {name}", file=sys.stderr, flush=True)
                own = painted(pair, sets[name], target, asked.size)
            rgb = read(target).rgb
            if 0 < asked.judged_size < max(rgb.shape):
                rgb = shrunk(rgb, asked.judged_size)
            rows[name] = {**pair.judge(rgb, see, *balance), **own}
        print(table(pair.name, rows), flush=True)
    mean = {name: means([rows[name] for rows in figures.values()]) for name in names}
    if len(pairs) > 1:
        print(table(f"mean of {len(pairs)}", mean))
    if asked.json:
        judge = {"weights": weights.name, "sha256": weights.digest, "balance": balance}
        told = {"judge": judge, "pairs": figures, "mean": mean}
        files.write_bytes(asked.json, (json.dumps(plain(told), indent=2) + "\n").encode())


def run(asked: argparse.Namespace) -> None:
    finished, sets = list(map(Path, asked.pictures)), named_sets(asked.paint)
    if bool(finished) == bool(sets):
        raise ConfigError("name finished pictures to judge, or sets of flags by --paint")
    folders = bool(finished) and all(path.is_dir() for path in finished)
    texts = [*asked.pair, *(listed(asked.pairs) if asked.pairs else [])]
    if finished and not folders and len(texts) != 1:
        raise ConfigError("finished pictures need one --pair=CONTENT,STYLE, which they are of")
    if asked.sheet:
        write.check_output(asked.sheet)
    if asked.json:
        files.check_folder(asked.json)
    pairs = read_pairs(texts)
    names = [path.stem for path in finished] or list(sets)
    if len(set(names)) < len(names):
        names = list(map(str, finished))
    with tempfile.TemporaryDirectory() as temporary:
        folder = asked.folder or Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        if folders:
            made = [[made_of(pair, program) for program in finished] for pair in pairs]
        elif finished:
            made = [finished]
        else:
            made = [[folder / f"{slug(p.name)}--{slug(n)}.png" for n in names] for p in pairs]
            for pair, targets in zip(pairs, made, strict=True):
                for flags, target in zip(sets.values(), targets, strict=True):
                    command_of(pair, flags, target, asked.size)  # mistakes are told at once
        for pair, targets in zip(pairs, made if finished else (), strict=bool(finished)):
            for target in targets:
                (height, width), shape = read(target).rgb.shape[:2], pair.pictures[0].rgb.shape
                if not 0.9 < height * shape[1] / (width * shape[0]) < 1.1:
                    print(f"judge.py: {target} has not the content's aspect", file=sys.stderr)
        judged(asked, pairs, made, sets, names)
        if asked.sheet:
            sheet(pairs, made, names, asked.height).save(asked.sheet)


def main(argv: Sequence[str] | None = None) -> int:
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = parser.add_argument
    add(
        "pictures", nargs="*", metavar="PICTURE", help="finished pictures of one --pair, or folders"
    )
    add("--pair", action="append", default=[], help="CONTENT,STYLE; may be repeated")
    add("--pairs", type=Path, metavar="FILE", help="a text file of lines CONTENT,STYLE")
    add("--paint", action="append", default=[], help="NAME: FLAGS; may be repeated")
    add("--weights", default="auto", help="the judge, as of artistyle (auto)")
    add("--content_weight", type=float, default=1.0, help="alpha of the saved objective (1)")
    add("--style_weight", type=float, default=60.0, help="beta of the saved objective (60)")
    add("--size", type=int, default=256, help="longer side of what is painted, px (256)")
    add("--judged_size", type=int, default=0, help="shrink what is larger to this longer side, px")
    add("--folder", type=Path, help="where the painted PNGs stay; those there are not made again")
    add("--sheet", type=Path, help="write the pictures here, pairs below each other")
    add("--height", type=int, default=256, help="of each picture on the sheet, px (256)")
    add("--json", type=Path, help="write all figures here, also by layer and by side")
    arguments = parser.parse_args(argv)
    try:
        run(arguments)
    except (ArtistyleError, OSError) as error:
        print(f"judge.py: {error}", file=sys.stderr)
        return getattr(error, "exit_status", 1)
    except KeyboardInterrupt:
        print("judge.py: interrupted", file=sys.stderr)
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
