"""Settings out of a finished picture's record: the same again, and nothing that harms."""

import dataclasses
import json

import numpy as np
import pytest
from PIL import Image

from artistyle_tf import Config
from artistyle_tf.cli.flags import parse
from artistyle_tf.engine.provenance import kinds_of, read_rerun
from artistyle_tf.errors import ConfigError, InputError
from artistyle_tf.images import write
from artistyle_tf.images.masks import Masks
from artistyle_tf.images.read import read

CONFIG = Config(
    size=64, weights="preview", init="content", style_blend=(2, 1), tv_weight=0.5, color="match"
)


@pytest.fixture
def finished(tmp_path):
    """A function: the record's config with these settings in it, and more → a picture's path."""

    def make(changes=None, **more):
        settings = json.loads(json.dumps(CONFIG.to_dict())) | (changes or {})
        record = {"config": settings, "weights": {"kind": "preview"}, **more}
        write.write(tmp_path / "out.png", np.zeros((20, 20, 3), np.uint8), record=record)
        return tmp_path / "out.png"

    return make


def test_every_setting_comes_back_and_single_ones_are_replaced(finished):
    path = finished()
    assert read_rerun(path).config == CONFIG
    again = dataclasses.replace(CONFIG, size=2048, style_blend=(1.0, 3.0))
    assert read_rerun(path, size=2048, style_blend=(1, 3)).config == again
    files = ["--content=c.jpg", "--style=s.jpg,t.jpg", "--output=o.png", f"--rerun={path}"]
    command = parse([*files, "--size=2048", "--style_blend=1,3"])
    assert command.config == again


def test_memory_is_of_this_run_and_never_taken_from_a_record(finished):
    path = finished({"memory": "1GB"})
    assert read_rerun(path).config.memory is None
    assert read_rerun(path, memory="8GB").config == dataclasses.replace(CONFIG, memory="8GB")
    files = ["--content=c.jpg", "--style=s.jpg,t.jpg", "--output=o.png", f"--rerun={path}"]
    assert parse([*files, "--memory=500MB"]).config.memory_bytes == 5 * 10**8
    with pytest.raises(ConfigError, match=r"^--memory is '8XB'; it must be like 8GB"):
        parse([*files, "--memory=8XB"])


@pytest.mark.parametrize("kind", ["imagenet", "imagenet-8bit", "preview"])
def test_the_network_is_the_one_that_painted(finished, kind):
    assert read_rerun(finished(weights={"kind": kind})).config.weights == kind


def test_strength_replaces_the_recorded_style_weight(finished):
    path = finished({"style_weight": 777.0})
    assert read_rerun(path).config.style_weight == 777
    assert read_rerun(path, strength=0.7).config == dataclasses.replace(CONFIG, strength=0.7)
    again = read_rerun(path, style_weight=3).config
    assert (again.strength, again.style_weight) == (None, 3)
    files = ["--content=c.jpg", "--style=s.jpg,t.jpg", "--output=o.png", f"--rerun={path}"]
    with pytest.raises(ConfigError, match=r"^--strength and style_weight are both given"):
        parse([*files, "--strength=0.5", "--style_weight=60"])


@pytest.mark.parametrize(
    ("kind", "init"),
    [("file", "/etc/passwd"), (None, None), (["imagenet"], ["noise"]), ({}, "a.png")],
)
def test_no_name_of_a_file_is_taken(finished, kind, init):
    path = finished(
        {"weights": "/etc/weights.npz", "init": init, "output": "/etc/x", "__class__": "os"},
        weights={"kind": kind, "name": "/etc/weights.npz"},
    )
    with pytest.raises(ConfigError, match=r"weights was a file for .*given again"):
        read_rerun(path, init="noise")
    with pytest.raises(ConfigError, match=r"init was a file for .*given again"):
        read_rerun(path, weights="preview")
    config = read_rerun(path, weights="preview", init="noise").config
    assert config == dataclasses.replace(CONFIG, init="noise")


@pytest.mark.parametrize(
    "changes",
    [
        {"size": -1},
        {"iterations": "many"},
        {"style_layers": [["os.system", 1]]},
        {"optimizer": ["tfp"]},
        {"style_blend": "x" * 5000},
        {"seed": 10**100},
        {"tv_weight": None},
    ],
)
def test_bad_settings_are_one_short_line_about_the_picture(finished, changes):
    with pytest.raises(InputError) as caught:
        read_rerun(finished(changes))
    text = str(caught.value)
    assert "out.png: its record can't be used: " in text
    assert "\n" not in text
    assert len(text) < 600


@pytest.mark.parametrize("more", [{"config": None}, {"config": [1]}, {"config": "size"}])
def test_without_settings(finished, more):
    path = finished()
    write.write(path, np.zeros((20, 20, 3), np.uint8), record=more)
    with pytest.raises(InputError, match="no record"):
        read_rerun(path)
    Image.new("RGB", (20, 20)).save(path)
    with pytest.raises(InputError, match="no record"):
        read_rerun(path)


@pytest.mark.parametrize("junk", [None, ["x"], {"sha256": 3}])
def test_it_says_which_pictures_differ(finished, picture, junk):
    content, style, start = (read(picture(20, 20, seed)) for seed in range(3))
    digests = {
        "content": {"sha256": content.digest},
        "styles": [{"sha256": style.digest}],
    }
    rerun = read_rerun(finished(**digests))
    assert rerun.differences(kinds_of(content, [style], None, Masks())) == []
    assert rerun.differences(kinds_of(start, [style], None, Masks())) == [
        "array: not the content that out.png was made from"
    ]
    assert len(rerun.differences(kinds_of(content, [style, style], start, Masks()))) == 2
    hostile = read_rerun(finished(content=junk, styles=junk, start=junk))
    assert len(hostile.differences(kinds_of(content, [style], start, Masks()))) == 3


def test_flags_that_can_not_be(finished):
    path = finished()
    files = ["--content=c.jpg", "--style=s.jpg,t.jpg"]
    for more, wanted in (
        (["--output=o.png", "--preset=fast"], "choose one"),
        ([f"--output={path}"], "which is the picture to --rerun"),
        (["--output=o.png", "--size=5"], "--size is 5; it must be"),
    ):
        with pytest.raises(ConfigError, match=wanted):
            parse([*files, f"--rerun={path}", *more])
