#!/usr/bin/env python3
"""Writes the map of the package into CONTRIBUTING.md, from what its modules really import."""

import ast
import pathlib
from collections.abc import Iterable

ROOT = pathlib.Path(__file__).resolve().parents[2]
PACKAGE, PAGE = ROOT / "artistyle_tf", ROOT / "CONTRIBUTING.md"
BEGIN, END = "<!-- map: scripts/docs/make_map.py -->", "<!-- end of map -->"

FLOORS: tuple[tuple[str, ...], ...] = (
    ("errors", "text", "locks", "optimizers", "samples"),
    ("files", "vgg"),
    ("images", "config", "precision"),
    ("objective", "report"),
    ("keras_losses",),
    ("engine", "feedforward"),
    ("callbacks",),
    ("__init__",),
    ("cli",),
    ("web", "batch"),
    ("video",),
    ("__main__",),
)
"""Rooms from the ground up: a room uses those on lower floors, and none beside it."""
FLOOR = {room: number for number, rooms in enumerate(FLOORS, start=1) for room in rooms}


def module_of(path: pathlib.Path) -> str:
    """Its name within the package; "" is the package itself."""
    parts = path.relative_to(PACKAGE).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


SOURCES = {module_of(path): path for path in sorted(PACKAGE.rglob("*.py"))}
TREES = {name: ast.parse(path.read_text("utf-8"), str(path)) for name, path in SOURCES.items()}


def room_of(module: str) -> str:
    return module.partition(".")[0] or "__init__"


def imports(module: str, inside_functions: bool = False) -> tuple[set[str], set[str]]:
    """(modules of ours, top names of other packages) that a module imports."""
    ours, others = set(), set()
    for statement in _statements(TREES[module], inside_functions):
        if isinstance(statement, ast.Import):
            names = [alias.name for alias in statement.names]
        else:
            assert statement.level == 0, f"artistyle_tf.{module}: relative import"
            names = [f"{statement.module}.{alias.name}" for alias in statement.names]
        for name in names:
            top, _, rest = name.partition(".")
            if top != "artistyle_tf":
                others.add(top)
            elif rest in SOURCES:
                ours.add(rest)
            else:  # a name out of a module, or out of the package itself
                ours.add(rest.rpartition(".")[0])
    return ours - {module}, others


def _statements(node: ast.AST, inside_functions: bool) -> list[ast.Import | ast.ImportFrom]:
    """The imports below `node` that run: all of them, or those that run when it is imported."""
    found = []
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.Import | ast.ImportFrom):
            found.append(child)
        elif isinstance(child, ast.If) and ast.unparse(child.test).endswith("TYPE_CHECKING"):
            continue
        elif inside_functions or not isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef):
            found += _statements(child, inside_functions)
    return found


def drawn() -> str:
    """The map as a table, the top floor first."""
    rows = ["| floor | room | what is in it | modules | uses |", "|---|---|---|---|---|"]
    for number in range(len(FLOORS), 0, -1):
        rows += [f"| {number} | {_row(room)} |" for room in FLOORS[number - 1]]
    return "\n".join(rows)


def _row(room: str) -> str:
    modules = [name for name in SOURCES if room_of(name) == room]
    root = "" if room == "__init__" else room
    folder = SOURCES[root].name == "__init__.py" and root
    used = {room_of(other) for name in modules for other in imports(name, True)[0]}
    duty = (ast.get_docstring(TREES[root]) or "").split("\n\n")[0].replace("\n", " ")
    inside = [name.partition(".")[2] for name in modules if "." in name] if folder else []
    return " | ".join(
        (f"`{room}{'/' if folder else ''}`", duty, _listed(inside), _listed(_sorted(used - {room})))
    )


def _sorted(rooms: Iterable[str]) -> list[str]:
    return sorted(rooms, key=lambda room: (-FLOOR[room], room))


def _listed(names: Iterable[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)


def with_map(page: str) -> str:
    """The page with its map brought up to date."""
    before, rest = page.split(BEGIN)
    return f"{before}{BEGIN}\n{drawn()}\n{END}{rest.split(END)[1]}"


def main() -> None:
    PAGE.write_text(with_map(PAGE.read_text("utf-8")), "utf-8")


if __name__ == "__main__":
    main()
