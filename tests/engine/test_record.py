"""The record of a run. No TensorFlow here."""

import json

import numpy as np
import PIL
import pytest

import artistyle_tf
from artistyle_tf.config.config import Config
from artistyle_tf.engine.plan import Level, Plan
from artistyle_tf.engine.problem import Problem, Sources
from artistyle_tf.engine.provenance import make_record
from artistyle_tf.engine.state import State
from artistyle_tf.images.masks import Masks
from artistyle_tf.images.picture import Picture
from artistyle_tf.images.read import read
from artistyle_tf.vgg.weights import Weights

NOTES = ("painting.jpg has only 64 px on its longer side and is enlarged to 512",)


@pytest.fixture
def record(picture):
    def make(config=None, notes=NOTES, outcome=None):
        style = Picture(picture(20, 20, 1), None, "painting.jpg", ())
        content = read(picture(16, 24))
        sources = Sources(
            config=config or Config(weights="/home/ada/nets/small.npz"),
            content=content,
            styles=[style, style],
            start=None,
            masks=Masks(),
            weights=Weights({}, "file", "small.npz", "ab" * 32),
        )
        problem = Problem(
            sources, (16, 24), content.rgb, content.rgb, [style.rgb] * 2, None, None, notes
        )
        level = Level((16, 24), 3, Plan(0, 50, 10**9))
        state = State(levels=(level,), dtype="float32", done=(3,))
        known = {"stop_reason": "all 3 iterations done", "evaluations": 4}
        return make_record(problem, state, outcome or known)

    return make


def test_what_determines_the_pixels(record, picture):
    made = record(Config(size=64, seed=9, style_blend=(0.5, 2)))
    assert made["program"] == "artistyle_tf"
    assert made["config"]["size"] == 64
    assert made["config"]["seed"] == 9
    assert made["config"].keys() == Config().to_dict().keys()
    assert made["content"] == {"name": "array", "sha256": read(picture(16, 24)).digest}
    assert [style["name"] for style in made["styles"]] == ["painting.jpg"] * 2
    assert made["styles"][0]["sha256"] != made["content"]["sha256"]
    file = {"kind": "file", "name": "small.npz", "sha256": "ab" * 32, "credit": None}
    assert made["weights"] == file
    assert made["levels"] == [[16, 24, 3]]
    assert made["outcome"]["evaluations"] == 4
    assert made["notes"] == list(NOTES)


def test_json_both_ways(record):
    made = record()
    assert json.loads(json.dumps(made, allow_nan=False)) == json.loads(json.dumps(made))
    settings = json.loads(json.dumps(made))["config"] | {"weights": "auto"}
    assert Config(**settings) == Config()


def test_versions(record):
    versions = record()["versions"]
    assert versions["numpy"] == np.__version__
    assert versions["artistyle_tf"] == artistyle_tf.__version__
    assert versions["PIL"] == PIL.__version__
    assert "unknown" not in versions.values()


@pytest.mark.parametrize(
    ("given", "kept"),
    [("/home/ada/nets/small.npz", "small.npz"), ("nets/w.h5", "w.h5"), ("preview", "preview")],
)
def test_weights_path_is_cut(record, given, kept):
    made = record(Config(weights=given))
    assert made["config"]["weights"] == kept
    assert "ada" not in json.dumps(made)


def test_equal_runs_have_equal_records(record):
    """No timings, no dates, nothing of the machine's own."""
    assert json.dumps(record()) == json.dumps(record())
    text = json.dumps(record())
    assert not [word for word in ("seconds", "date", "host", "user") if word in text]
