"""The command and the Python lines of a report, taken by the command and by Python."""

import subprocess
import types

import pytest

import artistyle_tf
from artistyle_tf.cli.flags import parse
from artistyle_tf.config.config import Config
from artistyle_tf.config.presets import PRESETS
from artistyle_tf.report.reproduce import changed_settings, write_command, write_python

ODD = Config(
    init="start, 'odd' & <b>.png", seed=7, size=0, style_blend=(0.1, 0.7), learning_rate=1e-05,
    content_layers={"block3_conv2": 0.1 + 0.2}, weights="some file.npz",
)  # fmt: skip
CONFIGS = {name: Config.preset(name) for name in PRESETS} | {"odd": ODD}
NAMES = ["a,b 'c'.jpg", '$HOME "x".png']


def record(config, content="-photo`x`.jpg", styles=NAMES, masks=(), kind=None):
    named = [{"name": name, "sha256": ""} for name in styles]
    shown = [{"name": name, "sha256": ""} for name in masks]
    return {
        "config": config.to_dict(),
        "content": content and {"name": content, "sha256": ""},
        "styles": named,
        "content_masks": shown,
        "style_masks": [],
        "weights": {"kind": kind or ("file" if config is ODD else "auto")},
    }


def words(recorded):
    """The arguments that a shell makes of the command."""
    script = 'artistyle() { printf "%s\\0" "$@"; }\n' + write_command(recorded)
    done = subprocess.run(["sh", "-c", script], capture_output=True, text=True, check=True)
    return done.stdout.split("\0")[:-1]


@pytest.mark.parametrize("name", CONFIGS)
def test_the_command_and_the_python_lines_do_the_same(name, monkeypatch):
    config, masks = CONFIGS[name], ["m, 1.png", "m2.png"] if name == "fast" else []
    made = record(config, masks=masks)
    found = parse(words(made))
    assert (found.config, list(found.content_masks)) == (config, masks)
    assert (found.content, found.styles) == ("-photo`x`.jpg", NAMES)

    calls = []
    saved = types.SimpleNamespace(save=calls.append)

    def stylize(*arguments, **options):
        calls.append((arguments, options))
        return saved

    monkeypatch.setattr(artistyle_tf, "stylize", stylize, raising=False)
    exec(write_python(made), {})
    wanted = {"content_masks": masks} if masks else {}
    assert calls == [(("-photo`x`.jpg", NAMES, config), wanted), "again.png"]


def test_tasks_with_fewer_pictures():
    texture = record(Config(task="texture", size=(64, 32)), content=None, styles=["s.png"])
    found = parse(words(texture))
    assert found.config.size == (64, 32)
    assert found.content is None
    assert "stylize(None, 's.png', config)" in write_python(texture)
    rebuilt = record(Config(task="reconstruct"), styles=[])
    assert parse(words(rebuilt)).styles == []
    assert "stylize('-photo`x`.jpg', None, config)" in write_python(rebuilt)


def test_the_network_is_the_one_that_was_used_and_the_strength_sets_the_weight():
    assert changed_settings(record(Config(), kind="imagenet-8bit")) == {"weights": "imagenet-8bit"}
    found = record(Config())
    found["config"]["style_weight"] = 23.4  # which followed from the strength
    assert changed_settings(found) == {}
    assert "config = artistyle_tf.Config()\n" in write_python(found)


def test_a_record_that_was_read_from_a_file_has_lists():
    plain = record(Config(style_layers=[("block1_conv1", 0.5)]))
    plain["config"] |= {"style_layers": [["block1_conv1", 0.5]], "style_blend": []}
    assert changed_settings(plain) == {"style_layers": (("block1_conv1", 0.5),)}
