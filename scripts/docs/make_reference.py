#!/usr/bin/env python3
"""Writes docs/reference-flags.md and docs/reference-python.md, from the code."""

import ast
import inspect
import pathlib
import re
from collections.abc import Iterator

from artistyle_tf.batch import main as batch
from artistyle_tf.cli import flags as artistyle
from artistyle_tf.cli.parsing import Flag, setting_flags
from artistyle_tf.video import flags as video
from artistyle_tf.web import main as web

ROOT = pathlib.Path(__file__).resolve().parents[2]
PACKAGE, DOCS = ROOT / "artistyle_tf", ROOT / "docs"
NOTE = "<!-- made by scripts/docs/make_reference.py; do not edit -->"

MODULES = ("images", "keras_losses", "feedforward", "precision", "samples", "optimizers")
"""Public modules, besides the package itself."""

MORE = {
    "depth": "controls.md#files",
    "content_mask": "controls.md#masks",
    "style_mask": "controls.md#masks",
    "report": "controls.md#files",
    "checkpoint_dir": "measurements.md#reliability",
    "resume": "measurements.md#reliability",
    "tensorboard_dir": "python.md#callbacks",
    "device": "devices.md",
    "strategy": "devices.md#several-devices",
    "deterministic": "devices.md#one-gpu",
    "preset": "presets.md",
    "strength": "controls.md#strength",
    "rerun": "controls.md#files",
    "task": "controls.md#textures-and-reconstructions",
    "init": "controls.md#start",
    "noise_amplitude": "problems.md#noise-and-grain",
    "levels": "method.md#coarse-to-fine",
    "optimizer": "method.md#the-optimizer",
    "weights": "python.md#networks",
    "padding": "method.md#borders",
    "precision": "method.md#the-optimizer",
    "tile_size": "tiles.md",
    "gamut_weight": "method.md#range-and-palette",
    "style_blend": "controls.md#several-styles",
    "style_scale": "controls.md#strokes",
    "tv_weight": "controls.md#smoothness-and-texture",
    "balance": "method.md#strength-and-balance",
    "palette_weight": "method.md#range-and-palette",
    "color": "controls.md#colours",
    "formula": "presets.md",
    "statistics": "method.md#means-and-covariances",
}
"""Flag → where there is more about it."""

ALL = "Every setting of `artistyle` from *Picture* on is a flag too"
COMMANDS = (
    (artistyle, "", "[Controls](controls.md) shows what they do."),
    (batch, "batch.md", f"{ALL}."),
    (video, "video.md", f"{ALL}, but `--task`."),
    (web, "web.md", ""),
)
"""(Command, its page, what else it takes)."""

SETTINGS = {flag.group for flag in setting_flags()}


def flags_page() -> str:
    """The tables of flags, from those that the commands themselves use."""
    lines = [
        "# Command reference",
        "",
        NOTE,
        "",
        "Each command prints its flags with `--helpfull`, and the most common ones with `--help`.",
        "Every flag of `artistyle` from *Picture* on is a field of `artistyle_tf.Config` under the",
        "same name. If a flag is given twice the last one counts; `--style`, the masks, and lists",
        "of layers and shares add up. `--flagfile=FILE` reads flags from a file, one per line;",
        "`#` starts a comment.",
        "",
        "Errors are one line on stderr. Exit status:",
        "",
        "| status | meaning |",
        "|---|---|",
        "| 0 | done |",
        "| 1 | a file can't be used, or the run failed; a picture that was reached is saved |",
        "| 2 | a wrong flag or value; no file had to be opened to know |",
        "| 130, 143 | ended by Ctrl-C or SIGTERM; the picture reached, or a checkpoint, is saved |",
    ]
    for command, page, more in COMMANDS:
        program = command.PROGRAM
        lines += ["", f"## {program.name}", "", f"{program.about} {more}".strip()]
        lines += [f"How to use it: [{program.name}]({page})."] if page else []
        own = command is artistyle
        shown = [flag for flag in program.flags if own or flag.group not in SETTINGS]
        for group in dict.fromkeys(flag.group for flag in shown):
            rows = [_row(flag, own) for flag in shown if flag.group == group]
            lines += ["", f"### {group}"] if own else []
            lines += ["", "| flag | default | purpose |", "|---|---|---|", *rows]
    return "\n".join(lines) + "\n"


def _row(flag: Flag, linked: bool) -> str:
    default = f"`{flag.default}`" if flag.default not in (None, "") else ""
    more = f" ([more]({MORE[flag.name]}))" if linked and flag.name in MORE else ""
    purpose = flag.help.replace("|", "\\|")
    return f"| `--{flag.name}` | {default} | {purpose}{more} |"


def python_page() -> str:
    """Every public name with its signature and docstring, read from the source."""
    lines = [
        "# Python reference",
        "",
        NOTE,
        "",
        "`import artistyle_tf` loads no TensorFlow; the first use of what needs it does. The",
        "modules below are attributes of the package and need no further import. In use:",
        "[Python](python.md), [Keras](keras.md).",
    ]
    for module in ("", *MODULES):
        tree = _tree(module)
        title = f"artistyle_tf.{module}".rstrip(".")
        lines += ["", f"## `{title}`"]
        if module:
            lines += ["", *_docstring(ast.get_docstring(tree) or "")]
        for name in _public(tree):
            lines += ["", f"### `{title}.{name}`", "", *_described(module, name)]
    return "\n".join(lines) + "\n"


def _path(module: str) -> pathlib.Path:
    path = PACKAGE.joinpath(*module.split(".")) if module else PACKAGE
    return path / "__init__.py" if path.is_dir() else path.with_suffix(".py")


def _tree(module: str) -> ast.Module:
    return ast.parse(_path(module).read_text("utf-8"))


def _public(tree: ast.Module) -> list[str]:
    for node in tree.body:
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__all__":
            return ast.literal_eval(node.value)
    raise LookupError("a module without __all__")


def _described(module: str, name: str) -> list[str]:
    """Signature and docstring of a name, in whatever module it is defined."""
    tree = _tree(module)
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and name in [alias.name for alias in node.names]:
            assert node.module is not None
            return _described(node.module.removeprefix("artistyle_tf").lstrip("."), name)
    for node, after in zip(tree.body, [*tree.body[1:], None], strict=True):
        if isinstance(node, ast.FunctionDef) and node.name == name:
            return _function(node)
        if isinstance(node, ast.ClassDef) and node.name == name:
            return _class(node)
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == name:
            return ["```python", ast.unparse(node), "```", "", *_docstring(_string(after))]
    raise LookupError(f"artistyle_tf.{module} has no {name}")


def _string(node: ast.AST | None) -> str:
    """The docstring after an attribute or constant, if there is one."""
    if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
        return inspect.cleandoc(str(node.value.value))
    return ""


def _signature(name: str, node: ast.FunctionDef, method: bool = False) -> str:
    arguments = node.args
    parts = [*arguments.posonlyargs, *arguments.args]
    texts = [ast.unparse(part) for part in parts]
    for place, default in enumerate(arguments.defaults, len(parts) - len(arguments.defaults)):
        texts[place] += f" = {ast.unparse(default)}"
    static = "staticmethod" in map(ast.unparse, node.decorator_list)
    texts = texts[1:] if method and not static else texts
    if arguments.vararg:
        texts.append(f"*{ast.unparse(arguments.vararg)}")
    elif arguments.kwonlyargs:
        texts.append("*")
    for part, default in zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True):
        texts.append(ast.unparse(part) + (f" = {ast.unparse(default)}" if default else ""))
    if arguments.kwarg:
        texts.append(f"**{ast.unparse(arguments.kwarg)}")
    returns = f" -> {ast.unparse(node.returns)}" if node.returns else ""
    line = f"{name}({', '.join(texts)}){returns}"
    if len(line) > 88:
        line = f"{name}(\n" + "".join(f"    {text},\n" for text in texts) + f"){returns}"
    return line


def _function(node: ast.FunctionDef) -> list[str]:
    text = _docstring(ast.get_docstring(node) or "")
    return ["```python", _signature(node.name, node), "```", "", *text]


def _class(node: ast.ClassDef) -> list[str]:
    methods = [part for part in node.body if isinstance(part, ast.FunctionDef)]
    made = [part for part in methods if part.name == "__init__"]
    shown = _signature(node.name, made[0], method=True) if made else f"class {node.name}"
    lines = ["```python", shown, "```", "", *_docstring(ast.get_docstring(node) or "")]
    for part, after in zip(node.body, [*node.body[1:], None], strict=True):
        if isinstance(part, ast.AnnAssign) and not ast.unparse(part.target).startswith("_"):
            told = " ".join(_string(after).split())
            kind = ast.unparse(part.annotation)
            lines.append(f"- `{ast.unparse(part.target)}: {kind}`{': ' + told if told else ''}")
    for part in methods:
        text = ast.get_docstring(part)
        if text and (not part.name.startswith("_") or part.name == "__call__"):
            name = node.name if part.name == "__call__" else f"{node.name}.{part.name}"
            called = node.name.lower() if part.name == "__call__" else part.name
            lines += ["", f"#### `{name}()`", "", "```python"]
            lines += [_signature(called, part, method=True), "```", "", *_docstring(text)]
    return lines


SECTIONS = ("Args:", "Returns:", "Raises:", "Yields:")


def _docstring(text: str) -> list[str]:
    """Markdown of a docstring: its sections as lists, its examples as blocks of code."""
    return list(_markdown(text.splitlines()))


def _markdown(lines: list[str]) -> Iterator[str]:
    section, fenced = "", False
    for line in lines:
        example = line.lstrip().startswith((">>>", "...")) or (fenced and line.strip() != "")
        if example and not fenced:
            yield "```pycon"
        if fenced and not example:
            yield from ("```", "")
        fenced = example
        if example:
            yield line.strip()
        elif line in SECTIONS:
            section = line
            yield f"**{line.rstrip(':')}**"
            yield ""
        elif section and not line.startswith(" ") and line:
            section = ""
            yield line
        elif section in ("Args:", "Raises:", "Yields:") and re.match(r"  \S", line):
            name, colon, told = line.strip().partition(": ")
            yield f"- `{name}`{colon}{told}" if colon else f"- {line.strip()}"
        elif section:
            yield line.strip() if section == "Returns:" else line
        else:
            yield line
    if fenced:
        yield from ("```", "")


PAGES = {"reference-flags.md": flags_page, "reference-python.md": python_page}


def main() -> None:
    for name, page in PAGES.items():
        (DOCS / name).write_text(page(), "utf-8")


if __name__ == "__main__":
    main()
