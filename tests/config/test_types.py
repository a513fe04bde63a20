"""The annotations, as mypy sees them in a user's project."""

import re
import typing

import pytest

from artistyle_tf.config.choices import Settings
from artistyle_tf.config.config import Config
from places import ROOT

WIDER = {"size", "init", "weights", "style_blend", "style_layers", "content_layers"}
"""Settings that are accepted in more types than they are kept in."""

PAGES = (ROOT / "README.md", ROOT / "docs" / "python.md", ROOT / "docs" / "keras.md")

RIGHT = """
from pathlib import Path
from typing import TypedDict

import artistyle_tf
from artistyle_tf.config.choices import Settings

layers = {"block1_conv1": 1.0, "block4_conv1": 0.2}
Config = artistyle_tf.Config
config = Config(size=384, style_layers=layers, content_layers={"block4_conv2": 1})
Config(style_layers=[("block1_conv1", 1.0)], content_layers=(("block4_conv2", 1.0),))
Config(style_blend=[0.7, 0.3], task="texture", size=[640, 480], memory="8GB")
Config(style_blend=(1, 2), task="texture", size=(640, 480), memory=8 * 10**9)
Config(init=Path("a.png"), weights=Path("vgg19.h5"), levels="auto", tile_size=512, strength=0.5)
Config.preset("fast", size=384, seed=1, style_layers=layers, weights=Path("vgg19.h5"))

overrides: Settings = {"size": 64, "style_layers": layers, "memory": None}
Config.preset("fast", **overrides)


class Some(TypedDict):
    size: int
    optimizer: artistyle_tf.config.choices.Optimizer


some = Some(size=64, optimizer="lbfgs")
Config.preset("fast", **some)

name, weight = config.style_layers[0]
longest: str = name.upper()
heavier: float = weight + sum(config.style_blend)
start: str = config.init.upper()
least: int | None = config.memory_bytes
Config(style_layers=config.style_layers, style_blend=config.style_blend, size=config.size)


def small(step: artistyle_tf.Step) -> bool:
    return step.objective > 1e5


result = artistyle_tf.stylize("a.jpg", ["b.jpg"], config, callback=[small])
result.save("out.png")
"""

WRONG = """
from artistyle_tf import Config

Config(size="64")
Config(style_layers={"block1_conv1": "1"})
Config(style_blend=0.5)
Config(optimizer="sgd")
Config(sizes=64)
Config(memory=1.5)
Config.preset("fast", size="64")
Config.preset("fast", style_layers="block1_conv1")
Config.preset("fast", sizes=64)
Config.preset("fast", **{"size": "64"})
"""


@pytest.mark.slow
def test_what_is_documented_passes_and_what_is_wrong_is_found(tmp_path):
    api = pytest.importorskip("mypy.api")
    (tmp_path / "mypy.ini").write_text(
        f"[mypy]\nstrict = true\nmypy_path = {ROOT}\ncache_dir = {tmp_path / 'cache'}\n"
        # Functions in the pages are as short as they can be.
        "allow_untyped_defs = true\nallow_untyped_calls = true\n"
        "[mypy-artistyle_tf.*]\nfollow_imports = silent\n"
        "[mypy-keras.*,tensorflow.*]\nignore_missing_imports = true\n"
    )
    blocks = [
        block
        for page in PAGES
        for block in re.findall(r"^```python\n(.*?)^```", page.read_text("utf-8"), re.M | re.S)
    ]
    assert len(blocks) > 5
    modules = {f"block{number}": block for number, block in enumerate(blocks)}
    paths = []
    for name, source in {"right": RIGHT, "wrong": WRONG, **modules}.items():
        paths.append(str(tmp_path / f"{name}.py"))
        (tmp_path / f"{name}.py").write_text(source, "utf-8")
    told, err, _ = api.run([*paths, "--config-file", str(tmp_path / "mypy.ini")])
    assert not err
    found = re.findall(r"(\w+)\.py:(\d+): error", told)
    assert {name for name, _ in found} == {"wrong"}, told
    calls = [number for number, line in enumerate(WRONG.splitlines(), 1) if "Config" in line][1:]
    assert sorted({int(line) for _, line in found}) == calls, told


def test_the_types_are_those_of_the_settings():
    accepted, kept = typing.get_type_hints(Settings), typing.get_type_hints(Config)
    assert list(accepted) == list(kept)
    assert {name for name in accepted if accepted[name] != kept[name]} == WIDER
