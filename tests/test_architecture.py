"""Imports inside the package point one way: read from the source, and once for real."""

import ast
import graphlib
import itertools
import pathlib
import subprocess
import sys

import pytest

PACKAGE = pathlib.Path(__file__).parents[1] / "artistyle_tf"

# A module imports from its own floor or from lower ones, never in a circle.
FLOORS = {
    0: {
        "backend",
        "checks",
        "color",
        "config",
        "decode",
        "devices",
        "download",
        "errors",
        "images",
        "isolated",
        "locks",
        "losses",
        "masks",
        "memory",
        "messages",
        "output",
        "precision",
        "presets",
        "provenance",
        "pyramid",
        "recolor",
        "records",
        "rerun",
        "spectral",
        "start",
        "tasks",
        "vgg19",
        "weight_files",
        "weights",
    },
    1: {
        "features",
        "minimize",
        "minimize.adam",
        "minimize.base",
        "minimize.compact",
        "minimize.lbfgs",
        "minimize.tfp_lbfgs",
        "tiles",
    },
    2: {
        "build",
        "cadence",
        "callbacks",
        "checkpoint",
        "engine",
        "keeper",
        "keras_losses",
        "levels",
        "objective",
        "previews",
        "result",
        "snapshot",
        "stylizer",
        "tensorboard",
        "tiled",
    },
    3: {"transfer"},
    4: {"", "__main__", "cli", "flag_table", "flags"},  # "" is the package's own __init__
}
FLOOR = {module: floor for floor, modules in FLOORS.items() for module in modules}

# Nothing here may bring in TensorFlow when it is imported, not even by way of another module.
LIGHT = {
    "",
    "__main__",
    "backend",
    "cadence",
    "callbacks",
    "checkpoint",
    "checks",
    "cli",
    "color",
    "config",
    "decode",
    "devices",
    "download",
    "errors",
    "flag_table",
    "flags",
    "images",
    "isolated",
    "locks",
    "masks",
    "memory",
    "messages",
    "output",
    "presets",
    "previews",
    "provenance",
    "pyramid",
    "recolor",
    "records",
    "rerun",
    "result",
    "snapshot",
    "start",
    "tasks",
    "tensorboard",
    "vgg19",
    "weight_files",
    "weights",
}
HEAVY = {"tensorflow", "tensorflow_probability", "keras", "tf_keras"}

# module → packages and modules of ours that it must never import, however indirectly
BANNED = {
    "images": {"absl"},
    "output": {"absl"},
    **{
        module: {"features", "images", "losses", "objective", "weight_files", "weights"}
        for module in FLOORS[1]
        if module.startswith("minimize")
    },
}
LONGEST = 320


def _module(path: pathlib.Path) -> str:
    parts = path.relative_to(PACKAGE).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


SOURCES = {_module(path): path for path in sorted(PACKAGE.rglob("*.py"))}
TREES = {name: ast.parse(path.read_text("utf-8"), str(path)) for name, path in SOURCES.items()}


def _type_checking(node: ast.AST) -> bool:
    return isinstance(node, ast.If) and ast.unparse(node.test).endswith("TYPE_CHECKING")


def _statements(node: ast.AST, inside_functions: bool) -> list[ast.Import | ast.ImportFrom]:
    """The imports below `node` that run: all of them, or those that run when it is imported."""
    found = []
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.Import | ast.ImportFrom):
            found.append(child)
        elif _type_checking(child):
            continue
        elif inside_functions or not isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef):
            found += _statements(child, inside_functions)
    return found


def _imports(module: str, inside_functions: bool = False) -> tuple[set[str], set[str]]:
    """(modules of ours, top names of other packages) that a module imports."""
    ours, others = set(), set()
    for statement in _statements(TREES[module], inside_functions):
        if isinstance(statement, ast.Import):
            names = [alias.name for alias in statement.names]
        else:
            assert statement.level == 0, f"artistyle_tf.{module}: relative import"
            source = statement.module or ""
            names = [f"{source}.{alias.name}" for alias in statement.names]
        for name in names:
            top, _, rest = name.partition(".")
            if top != "artistyle_tf":
                others.add(top)
            elif rest in SOURCES:
                ours.add(rest)
            else:  # a name out of a module, or out of the package itself
                ours.add(rest.rpartition(".")[0])
    return ours - {module}, others


def _reached(module: str) -> tuple[set[str], set[str]]:
    """As `_imports` when the module is imported, with what its imports import in turn.

    Our own `__init__`, which runs before every module, is looked at by itself.
    """
    modules, others, todo = set(), set(), [module]
    while todo:
        ours, theirs = _imports(todo.pop())
        others |= theirs
        todo += ours - modules
        modules |= ours
    return modules, others


def test_every_module_has_a_floor() -> None:
    unknown = SOURCES.keys() - FLOOR
    assert not unknown, f"put {sorted(unknown)} on a floor in FLOORS, and into LIGHT if it is light"
    assert not FLOOR.keys() - SOURCES, "these are on a floor, but there is no such file"
    assert not LIGHT - SOURCES.keys()


@pytest.mark.parametrize("module", SOURCES)
def test_imports_point_down(module: str) -> None:
    ours, _ = _imports(module, inside_functions=True)
    # `from artistyle_tf import __version__` in a function finds the package imported already.
    up = {other for other in ours - {""} if FLOOR.get(other, 9) > FLOOR.get(module, 9)}
    assert not up, f"artistyle_tf.{module} imports from a floor above its own"


@pytest.mark.parametrize("inside_functions", [False, True])
def test_imports_make_no_circle(inside_functions: bool) -> None:
    graph = {module: _imports(module, inside_functions)[0] - {""} for module in SOURCES}
    graphlib.TopologicalSorter(graph).prepare()  # CycleError names the circle


@pytest.mark.parametrize("module", sorted(LIGHT))
def test_light_modules_import_no_tensorflow(module: str) -> None:
    assert not _reached(module)[1] & HEAVY


@pytest.mark.parametrize("module", sorted(BANNED))
def test_bans(module: str) -> None:
    assert not set().union(*_reached(module)) & BANNED[module]


@pytest.mark.parametrize("module", SOURCES)
def test_docstring_all_and_length(module: str) -> None:
    """Files stay short; what a module offers is said in its docstring and its `__all__`."""
    lines = SOURCES[module].read_text("utf-8").count("\n")
    assert lines <= LONGEST, f"{lines} lines: cut it where it has a joint"
    assert ast.get_docstring(TREES[module])
    targets = itertools.chain.from_iterable(
        node.targets if isinstance(node, ast.Assign) else [node.target]
        for node in TREES[module].body
        if isinstance(node, ast.Assign | ast.AnnAssign)
    )
    assert "__all__" in {ast.unparse(target) for target in targets}


def test_this_test_sees_what_it_looks_for() -> None:
    """A wrong reading of the sources would find nothing, and pass."""
    assert {"images", "levels"} <= _imports("transfer")[0]
    assert "tensorflow" in _reached("transfer")[1]
    assert "tensorflow" not in _imports("cli")[1]
    assert "tensorflow" in _imports("cli", inside_functions=True)[1]
    assert "transfer" in _imports("cli", inside_functions=True)[0]
    assert "transfer" not in _imports("")[0]


@pytest.mark.parametrize("module", ["artistyle_tf", "artistyle_tf.cli"])
def test_import_leaves_tensorflow_alone(module: str) -> None:
    program = f"import sys, {module}; print(sorted({HEAVY!r} & set(sys.modules)))"
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", program], capture_output=True, text=True, check=True
    )
    assert (done.stdout.strip(), done.stderr) == ("[]", "")
