"""The page without a browser: what is on it, and what it says."""

import dataclasses
import importlib.util
import json
import re
import subprocess
import sys
import types

import numpy as np
import pytest

from artistyle_tf import Config
from artistyle_tf.config.presets import PRESETS
from artistyle_tf.engine.plan import Room
from artistyle_tf.errors import ArtistyleError, ConfigError
from artistyle_tf.images import read
from artistyle_tf.web import wording
from artistyle_tf.web.chart import curves
from artistyle_tf.web.controls import all_controls
from artistyle_tf.web.job import MOST_MOMENTS, Order, Painting, Run, Snapshot
from artistyle_tf.web.large import estimate, large_config, longer_side

# In a process of its own, as `artistyle-web` loads it: Gradio leaves an event loop open.
PROGRAM = """
import json, os, sys
os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"
os.environ["GRADIO_TEMP_DIR"] = sys.argv[1]
from artistyle_tf.config.presets import PRESETS
from artistyle_tf.web import look
from artistyle_tf.web.actions import Actions
from artistyle_tf.web.page import make_page
from artistyle_tf.web.uploads import Limits
actions = Actions(None, Limits(), "auto", sys.argv[1])
config = make_page(actions, "auto").get_config_file()
theme = look.theme()
parts = [part["props"] for part in config["components"]]
print(json.dumps({
    "analytics": config["analytics_enabled"],
    "parts": [{k: p.get(k) for k in ("elem_id", "label", "choices")} for p in parts],
    "presets": {name: len(actions.preset(name)) for name in PRESETS},
    "samples": actions.samples(),
    "stylesheets": theme._stylesheets,
    "css": theme._get_theme_css() + look.CSS + look.HEAD,
}))
"""


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    """What the page is made of."""
    if importlib.util.find_spec("gradio") is None:
        pytest.skip("the extra `web` is not installed")
    folder = str(tmp_path_factory.mktemp("page"))
    command = [sys.executable, "-c", PROGRAM, folder]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return {"folder": folder, **json.loads(done.stdout)}


def test_every_setting_is_on_the_page(page):
    shown = {
        part["elem_id"]: part for part in page["parts"] if str(part["elem_id"]).startswith("set-")
    }
    names = {field.name for field in dataclasses.fields(Config)}
    assert shown.keys() == {f"set-{name}" for name in names}
    for control in all_controls():
        part = shown[f"set-{control.name}"]
        assert part["label"]
        if control.choices:
            assert [value for _, value in part["choices"]] == list(control.choices)


def test_a_preset_gives_every_control_a_value(page):
    assert page["presets"] == dict.fromkeys(PRESETS, len(all_controls()))


def test_nothing_is_loaded_from_elsewhere_and_nothing_is_told(page):
    assert page["analytics"] is False
    assert page["stylesheets"] == []
    assert not re.search(r"""@import|url\(["']?(https?:)?//""", page["css"])


def test_samples_to_begin_with(page):
    assert [read(path).name for path in page["samples"]] == ["content.jpg", "style.jpg"]
    assert all(path.startswith(page["folder"]) for path in page["samples"])  # alone is served


def moments(count):
    return [
        (i, {"value": 9.0, "content/block4_conv2": 5.0 / i, "style/block1_conv1": 1e-3 * i})
        for i in range(1, count + 1)
    ]


def test_curves_have_a_line_for_every_layer():
    assert curves([]) == curves(moments(1)) == ""
    drawn = curves(moments(5))
    assert drawn.count("<polyline") == 2
    assert "content block4 conv2" in drawn
    assert "iteration 5" in drawn
    assert "nan" not in curves([(1, {"style/a": 0.0}), (2, {"style/a": 0.0})])


def test_curves_fall_where_the_objective_falls():
    ys = [
        [float(point.split(",")[1]) for point in line.split('"')[0].split()]
        for line in curves(moments(4)).split('points="')[1:]
    ]
    assert ys[0] == sorted(ys[0])  # SVG's y goes down
    assert ys[1] == sorted(ys[1], reverse=True)


def test_a_long_run_is_remembered_in_few_points():
    run = Run(Order(Config(), None, None))
    for number in range(10 * MOST_MOMENTS):
        run._remember(number, {"value": 1.0})
    assert len(run.moments) <= MOST_MOMENTS
    assert run.moments[0][0] == 0


def test_what_is_said_of_a_run():
    run = Run(Order(Config(), None, None))
    assert "Setting up" in wording.state(begun(run), 0)
    assert wording.figures(run) == ""
    run.snapshot = Snapshot(np.zeros((24, 32, 3), np.uint8), 20, 200, 1, 2, 5.0, 75.0)
    assert "20 of 200 iterations · 1:15 left · level 1 of 2 · 32×24 px" in wording.figures(run)
    run.stop()
    assert "Stopping" in wording.state(run, 0)
    run.end(error="<script>")
    assert wording.state(run, 0) == '<p class="fault" role="alert">&lt;script&gt;</p>'


def begun(run):
    run.begin()
    return run


ROOM = Room(8 * 10**9)


def painting(config, trace, mask=None):
    content = read(np.zeros((48, 64, 3), np.uint8))
    order = Order(config, content, content, mask)
    result = types.SimpleNamespace(
        image=np.zeros((48, 64, 3), np.uint8), trace=trace, record={"convolutions": "float32"}
    )
    return Painting(order, result, "a.png", False)


def test_a_large_painting_is_estimated_by_pace_and_pixels():
    config = Config.preset("fast", size=64, iterations=10, weights="preview")
    trace = [(i, 5.0 + i, 1.0, 48, 64) for i in range(10)]  # a second an iteration, after a wait
    found = estimate(painting(config, trace), 128, ROOM)
    assert found.size == (96, 128)
    assert found.seconds == pytest.approx(10 * 4)
    assert found.memory > 350 * 2**20
    larger = estimate(painting(config, trace), 1024, ROOM)
    assert larger.memory > found.memory
    # 256 and 512 px have 90 hundredths of ten iterations, 1024 px the rest.
    assert larger.seconds == pytest.approx(4 * 16 + 4 * 64 + 2 * 256)
    assert str(larger).startswith("1024×768 px: about 13:52 and ")


def test_a_single_iteration_is_pace_enough():
    config = Config.preset("fast", size=64, iterations=10, weights="preview")
    assert estimate(painting(config, [(1, 2.0, 1.0, 48, 64)]), 64, ROOM).seconds == pytest.approx(
        20
    )


@pytest.mark.parametrize("typed", ["large", "", "15", "1e3", "70000"])
def test_a_size_that_cannot_be_is_one_line(typed):
    with pytest.raises(ConfigError, match=r"size is .*; it must be a whole number from 16"):
        longer_side(typed)
    assert longer_side(" 1024 ") == 1024


def test_a_painting_that_cannot_fit_is_refused():
    config = Config.preset("fast", size=64, weights="preview")
    with pytest.raises(ArtistyleError, match="--size"):
        estimate(painting(config, [(1, 2.0, 1.0, 48, 64)]), 65536, ROOM)


def test_a_large_painting_has_the_settings_of_the_small_one():
    config = Config.preset("fast", size=64, seed=3, history=7)
    large = large_config(painting(config, []), 2048)
    assert (large.size, large.seed, large.history, large.finest) == (2048, 3, 7, 0.1)
