"""The rooms of the package: who may import whom, read from the source and once for real."""

import ast
import graphlib
import importlib.util
import itertools
import subprocess
import sys

import pytest

from places import SCRIPTS

_spec = importlib.util.spec_from_file_location("make_map", SCRIPTS / "docs" / "make_map.py")
make_map = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(make_map)
SOURCES, TREES, FLOOR = make_map.SOURCES, make_map.TREES, make_map.FLOOR
imports, room_of = make_map.imports, make_map.room_of

# Nothing in these rooms, and none of these modules, may bring in TensorFlow when it is imported,
# not even by way of another module.
LIGHT_ROOMS = {
    "__init__", "__main__", "batch", "callbacks", "cli", "config", "errors", "files", "images",
    "locks", "report", "samples", "text", "web",
}  # fmt: skip
LIGHT_MODULES = {
    "engine.checkpoints", "engine.inputs", "engine.plan", "engine.provenance", "engine.results",
    "vgg.backend", "vgg.download", "vgg.vgg19", "vgg.weight_files", "vgg.weights",
    "video.__main__", "video.reader", "video.flags", "video.frame_store", "video.main",
    "video.motion", "video.session", "video.shots", "video.writer",
}  # fmt: skip
HEAVY = {"tensorflow", "tensorflow_probability", "keras", "tf_keras", "ray", "fsspec"}
FACES = {"batch", "cli", "video", "web"}
LIGHT = LIGHT_MODULES | {name for name in SOURCES if room_of(name) in LIGHT_ROOMS}

LONGEST = 400
MOST_CHANGING = 8


def _reached(module: str) -> tuple[set[str], set[str]]:
    """As `imports` when the module is imported, with what its imports import in turn.

    Our own `__init__`, which runs before every module, is looked at by itself.
    """
    modules, others, todo = set(), set(), [module]
    while todo:
        ours, theirs = imports(todo.pop())
        others |= theirs
        todo += ours - modules
        modules |= ours
    return modules, others


def test_a_run_loads_tensorflow_probability_only_where_it_asks_for_it() -> None:
    assert "tensorflow_probability" not in _reached("engine.painter")[1]
    assert "tensorflow_probability" in _reached("optimizers.tfp_lbfgs")[1]


def test_every_room_has_a_floor() -> None:
    rooms = {room_of(name) for name in SOURCES}
    assert rooms == set(FLOOR), "FLOORS in scripts/docs/make_map.py and the package differ"
    assert not LIGHT - SOURCES.keys()


def test_no_module_has_the_name_of_something_else() -> None:
    assert not {"stylize", "keras"} & {room_of(name) for name in SOURCES}


@pytest.mark.parametrize("module", SOURCES)
def test_imports_point_down(module: str) -> None:
    ours, _ = imports(module, inside_functions=True)
    rooms = {room_of(other) for other in ours} - {room_of(module)}
    up = {room for room in rooms if FLOOR[room] >= FLOOR[room_of(module)]}
    assert not up, f"artistyle_tf.{module} imports from rooms that are not below its own"


@pytest.mark.parametrize("inside_functions", [False, True])
def test_imports_make_no_circle(inside_functions: bool) -> None:
    graph = {module: imports(module, inside_functions)[0] - {""} for module in SOURCES}
    graphlib.TopologicalSorter(graph).prepare()  # CycleError names the circle


@pytest.mark.parametrize("module", sorted(LIGHT))
def test_light_modules_import_no_tensorflow(module: str) -> None:
    assert not _reached(module)[1] & HEAVY


@pytest.mark.parametrize("module", [name for name in SOURCES if room_of(name) == "optimizers"])
def test_optimizers_know_nothing_of_the_rest(module: str) -> None:
    assert {room_of(other) for other in _reached(module)[0] - {""}} <= {"optimizers"}


@pytest.mark.parametrize("module", [name for name in SOURCES if room_of(name) not in FACES])
def test_only_the_commands_know_of_flags(module: str) -> None:
    assert "absl" not in imports(module, inside_functions=True)[1]


@pytest.mark.parametrize("module", [name for name in SOURCES if room_of(name) != "web"])
def test_only_the_page_knows_gradio(module: str) -> None:
    assert "gradio" not in imports(module, inside_functions=True)[1]


@pytest.mark.parametrize("module", [name for name in SOURCES if room_of(name) != "video"])
def test_only_clips_know_video_packages(module: str) -> None:
    assert not {"av", "cv2"} & imports(module, inside_functions=True)[1]


@pytest.mark.parametrize("module", SOURCES)
def test_docstring_and_length(module: str) -> None:
    """Files stay short; what a module is for is said in its docstring."""
    lines = SOURCES[module].read_text("utf-8").count("\n")
    assert lines <= LONGEST, f"{lines} lines: cut it where it has a joint"
    assert ast.get_docstring(TREES[module])


def _changing(kind: ast.ClassDef) -> set[str]:
    """The attributes of self that methods other than the constructor assign."""
    found = set()
    for method in kind.body:
        if not isinstance(method, ast.FunctionDef) or method.name == "__init__":
            continue
        for node in ast.walk(method):
            targets = node.targets if isinstance(node, ast.Assign) else []
            if isinstance(node, ast.AugAssign | ast.AnnAssign):
                targets = [node.target]
            for target in itertools.chain.from_iterable(map(ast.walk, targets)):
                own = isinstance(target, ast.Attribute) and isinstance(target.ctx, ast.Store)
                if own and isinstance(target.value, ast.Name) and target.value.id == "self":
                    found.add(target.attr)
    return found


@pytest.mark.parametrize("module", SOURCES)
def test_classes_change_little(module: str) -> None:
    for kind in [node for node in ast.walk(TREES[module]) if isinstance(node, ast.ClassDef)]:
        assert len(_changing(kind)) <= MOST_CHANGING, kind.name


def test_the_map_is_up_to_date() -> None:
    page = make_map.PAGE.read_text("utf-8")
    assert page == make_map.with_map(page), "run scripts/docs/make_map.py"


def test_this_test_sees_what_it_looks_for() -> None:
    """A wrong reading of the sources would find nothing, and pass."""
    assert {"engine.problem", "config.config"} <= imports("engine.export")[0]
    assert "tensorflow" in _reached("engine.export")[1]
    assert "tensorflow" not in imports("cli.main")[1]
    assert "tensorflow" in imports("cli.main", inside_functions=True)[1]
    written = "class A:\n def f(self):\n  self.a, self.b = 1, 2\n  self.c += 1\n  self.d[0] = 1"
    assert _changing(ast.parse(written).body[0]) == {"a", "b", "c"}


@pytest.mark.parametrize(
    "module", ["artistyle_tf", "artistyle_tf.cli.main", "artistyle_tf.batch.main"]
)
def test_import_leaves_tensorflow_alone(module: str) -> None:
    program = f"import sys, {module}; print(sorted({HEAVY!r} & set(sys.modules)))"
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", program], capture_output=True, text=True, check=True
    )
    assert (done.stdout.strip(), done.stderr) == ("[]", "")


def test_submodules_are_reached_by_a_plain_import() -> None:
    program = (
        "import artistyle_tf; print(artistyle_tf.keras_losses.PerceptualLoss.__name__, "
        "artistyle_tf.images.read_record.__name__, artistyle_tf.precision.true_float32.__name__, "
        "artistyle_tf.feedforward.build_transform_net.__name__)"
    )
    wanted = "PerceptualLoss read_record true_float32 build_transform_net"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.stdout.strip() == wanted, done.stderr
