"""The page without a browser: what is on it, and what it says."""

import dataclasses
import importlib.util
import json
import re
import subprocess
import sys

import pytest

from artistyle_tf import Config
from artistyle_tf.config.presets import PRESETS
from artistyle_tf.images import read
from artistyle_tf.web.controls import all_controls

# In a process of its own, as `artistyle-web` loads it: Gradio leaves an event loop open.
PROGRAM = """
import json, os, sys
os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"
os.environ["GRADIO_TEMP_DIR"] = sys.argv[1]
import numpy as np
from artistyle_tf import Config
from artistyle_tf.config.presets import PRESETS
from artistyle_tf.web import theme
from artistyle_tf.web.events import Events, describe_progress, describe_state
from artistyle_tf.web.page import make_page
from artistyle_tf.web.run import Order, Progress, Run
from artistyle_tf.web.uploads import Limits
events = Events(None, Limits(), "auto", sys.argv[1])
config = make_page(events, "auto").get_config_file()
made = theme.make_theme()
parts = [part["props"] for part in config["components"]]

run, said = Run(Order(Config(), None, None)), []
said += [describe_state(run, 1), describe_state(run, 2)]
run.future.set_running_or_notify_cancel()
said += [describe_state(run, 0), describe_progress(run)]
run.progress = Progress(np.zeros((24, 32, 3), np.uint8), 20, 200, 1, 2, 75.0)
said += [describe_state(run, 0), describe_progress(run)]
run.stop()
said.append(describe_state(run, 0))
run.future.set_result(None)
said.append(describe_state(run, 0))
run.error = "<script>"
said.append(describe_state(run, 0))
print(json.dumps({
    "analytics": config["analytics_enabled"],
    "parts": [{k: p.get(k) for k in ("elem_id", "label", "choices")} for p in parts],
    "presets": {name: len(events.preset(name)) for name in PRESETS},
    "samples": events.samples(),
    "stylesheets": made._stylesheets,
    "css": made._get_theme_css() + theme.CSS + theme.HEAD,
    "said": said,
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


def test_every_setting_is_on_the_page_and_in_every_preset(page):
    shown = {
        part["elem_id"]: part for part in page["parts"] if str(part["elem_id"]).startswith("set-")
    }
    assert shown.keys() == {f"set-{field.name}" for field in dataclasses.fields(Config)}
    for control in all_controls():
        part = shown[f"set-{control.name}"]
        assert part["label"]
        if control.choices:
            assert [value for _, value in part["choices"]] == list(control.choices)
    assert page["presets"] == dict.fromkeys(PRESETS, len(all_controls()))


def test_nothing_is_loaded_from_elsewhere_and_nothing_is_told(page):
    assert page["analytics"] is False
    assert page["stylesheets"] == []
    assert not re.search(r"""@import|url\(["']?(https?:)?//""", page["css"])


def test_samples_to_begin_with(page):
    assert [read(path).name for path in page["samples"]] == ["content.jpg", "style.jpg"]
    assert all(path.startswith(page["folder"]) for path in page["samples"])  # alone is served


def test_what_is_said_of_a_run(page):
    wanted = [
        "Waiting for one other painting to finish: number 1 in the queue",
        "Waiting for 2 other paintings to finish: number 2 in the queue",
        "Setting up",
        "",
        "Painting",
        "20 of 200 iterations · 1:15 left · level 1 of 2 · 32×24 px",
        "Stopping after this iteration",
        "Stopped before anything was painted",
        '<p class="fault" role="alert">&lt;script&gt;</p>',
    ]
    assert [text in said for text, said in zip(wanted, page["said"], strict=True)] == [True] * 9
