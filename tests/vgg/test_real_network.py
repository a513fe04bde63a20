"""The shipped VGG19 itself: its numbers, and what runs on it, without any connection.

Most tests have narrow random networks. Here NumPy computes in float64 with the arrays of the
package's own file, unpacked by the tests.
"""

import json
import os
import subprocess
import sys

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

import reference
from artistyle_tf import Config
from artistyle_tf.images.network_scale import BGR_MEAN, to_network
from artistyle_tf.images.read import read_record
from artistyle_tf.objective.whole import Objective
from artistyle_tf.vgg.extractor import FROZEN, build_feature_extractor
from artistyle_tf.vgg.vgg19 import STYLE_LAYERS
from artistyle_tf.vgg.weights import DATA, load
from commands import HANGING
from places import SAMPLES

NETWORK, FILE = "imagenet-8bit", "vgg19_8bit.npz"
BALANCE = {"content_weight": 1.0, "style_weight": 1.0, "tv_weight": 0.0}
LAYERS = {
    "style_layers": dict.fromkeys(STYLE_LAYERS, 1.0),
    "content_layers": {"block4_conv2": 1.0},
}
GAMUT = 0.3
SETTINGS = Config(
    weights=NETWORK, size=64, gamut_weight=GAMUT, palette_weight=0, balance=0, padding="zeros",
    **BALANCE, **LAYERS,
)  # fmt: skip

# samples/content.jpg, 64×48 px, with its mirror image as content and style.jpg as style.
CONTENT_LOSSES = {"block4_conv2": 955103.0}
STYLE_LOSSES = {
    "block1_conv1": 325.084,
    "block2_conv1": 8598.56,
    "block3_conv1": 13230.8,
    "block4_conv1": 1134530.0,
    "block5_conv1": 1694.23,
}


def sample(name):
    """samples/NAME.jpg, 64×48 px: uint8 [48, 64, 3]."""
    with Image.open(SAMPLES / f"{name}.jpg") as file:
        return np.asarray(file.resize((64, 48), Image.Resampling.BOX))


PHOTO, PAINTING = sample("content"), sample("style")
MIRRORED = PHOTO[:, ::-1].copy()


def error(found, wanted):
    """Relative, over the whole array."""
    return np.linalg.norm(np.asarray(found) - wanted) / np.linalg.norm(wanted)


@pytest.fixture(scope="module")
def weights():
    return load(NETWORK)


@pytest.fixture(scope="module")
def arrays():
    """Layer → (kernel, bias) in float64, straight from the file."""
    with np.load(DATA / FILE) as file:
        return {
            layer: (
                file[f"{layer}/codebook"].astype(np.float64)[file[f"{layer}/index"]],
                file[f"{layer}/bias"].astype(np.float64),
            )
            for layer in reference.layer_names()
        }


@pytest.fixture(scope="module")
def seen(arrays):
    """Activations by layer in NumPy, of the photo, its mirror image and the painting."""
    images = [rgb.astype(np.float64)[..., ::-1] - BGR_MEAN for rgb in (PHOTO, MIRRORED, PAINTING)]
    return [reference.forward(image, arrays, "max") for image in images]


@pytest.fixture(scope="module")
def goal(seen):
    """Targets for `reference`: the mirrored photo in the painting's style."""
    _, mirrored, painting = seen
    grams = {name: reference.gram(F) / F.size for name, F in painting.items()}
    return {"content": mirrored, "style": grams}


@pytest.fixture
def quick(monkeypatch):
    """Graphs that take the filters as tensors: without 50 MB of constants they are soon traced.

    TensorFlow asks for the variable at its first convolution, which is here at the latest. So it
    isn't told that filters never change, which would be wrong in a program of many networks.
    """
    tf.nn.conv2d(tf.zeros([1, 8, 8, 3]), tf.zeros([3, 3, 3, 4]), 1, "SAME")
    monkeypatch.setenv(FROZEN, "1")


def test_activations_equal_numpy(weights, seen):
    features = build_feature_extractor(weights)(to_network(PHOTO))
    assert set(features) == {*STYLE_LAYERS, "block4_conv2"}
    for name, found in features.items():
        wanted = seen[0][name]
        assert found[0].shape == wanted.shape
        assert error(found[0], wanted) < 1e-5, name
        assert np.abs(found[0] - wanted).max() < 1e-5 * wanted.max(), name


def test_losses_by_layer(quick, weights, seen, goal):
    """As numbers, which another network or other formulas don't give, and as NumPy has them."""
    objective = Objective(SETTINGS, weights)
    style = objective.statistics(to_network(PAINTING))
    targets = objective.targets(to_network(MIRRORED), [style], [1.0])
    parts = objective.parts(to_network(PHOTO), targets)
    features = seen[0]
    assert parts.content.keys() == CONTENT_LOSSES.keys()
    assert parts.style.keys() == STYLE_LOSSES.keys()
    for name, found in parts.content.items():
        wanted = np.mean((features[name] - goal["content"][name]) ** 2)
        assert float(found) == pytest.approx(wanted, rel=1e-4)
        assert float(found) == pytest.approx(CONTENT_LOSSES[name], rel=1e-3)
    for name, found in parts.style.items():
        gram = reference.gram(features[name]) / features[name].size
        wanted = np.mean((gram - goal["style"][name]) ** 2)
        assert float(found) == pytest.approx(wanted, rel=1e-4)
        assert float(found) == pytest.approx(STYLE_LOSSES[name], rel=1e-3)
    assert float(parts.gamut) == 0
    summands = [*CONTENT_LOSSES.values(), *STYLE_LOSSES.values()]
    assert float(parts.value) == pytest.approx(sum(summands), rel=1e-3)


def test_gradient_equals_numpy(quick, weights, arrays, goal):
    """In float64, with a picture that has more contrast than a file can hold."""
    objective = Objective(SETTINGS, weights, dtype="float64")
    style = objective.statistics(to_network(PAINTING))
    targets = objective.targets(to_network(MIRRORED), [style], [1.0])
    levels = 128 + 1.6 * (PHOTO[None, ..., ::-1].astype(np.float64) - 128)
    excess = np.maximum(levels - 255, 0) - np.maximum(-levels, 0)
    assert 0.05 < np.mean(excess != 0) < 0.5
    image = levels - BGR_MEAN
    value, gradient = objective.value_and_gradient(tf.constant(image), targets)

    expected, slope = reference.value_and_gradient(
        image[0], goal, arrays, "max", reference.mean_formula, {**LAYERS, **BALANCE}
    )
    weight = GAMUT * float(targets.scale)
    penalty, push = weight * np.mean(excess**2), weight * 2 * excess[0] / excess.size
    assert 0.01 < penalty / expected < 100  # neither hides the other
    assert 0.01 < np.linalg.norm(push) / np.linalg.norm(slope) < 100
    assert float(value) == pytest.approx(expected + penalty, rel=1e-6)
    assert error(gradient[0], slope + push) < 1e-6


GUARD = """
import os, sys

WATCHED = ("socket.connect", "socket.getaddrinfo", "socket.gethostbyname", "socket.sendto")

def forbid(event, arguments):
    if event in WATCHED:
        with open(os.environ["CALLS"], "a") as file:
            print(event, arguments[-1], file=file)
        raise PermissionError(f"{event} is forbidden here")

sys.addaudithook(forbid)
"""


def test_the_command_paints_without_a_connection(tmp_path):
    """Python runs `sitecustomize` in every process, and audit hooks hear of all that its sockets
    do, whoever imported them by whatever name. TensorFlow's native code they don't hear."""
    (tmp_path / "guard").mkdir()
    (tmp_path / "keras").mkdir()
    (tmp_path / "guard" / "sitecustomize.py").write_text(GUARD)
    calls, out = tmp_path / "calls", tmp_path / "out.png"
    path = [str(tmp_path / "guard"), *filter(None, [os.environ.get("PYTHONPATH")])]
    environment = {
        "PYTHONPATH": os.pathsep.join(path),
        "PYTHONIOENCODING": "utf-8",
        "KERAS_HOME": str(tmp_path / "keras"),
        "CALLS": str(calls),
    }

    def run(*arguments):
        calls.write_text("")
        return subprocess.run(
            [sys.executable, *arguments],
            env={**os.environ, **environment},
            capture_output=True,
            encoding="utf-8",
            timeout=HANGING,
        )

    # The way to Keras' file, which `auto` must not take: so the guard would notice.
    done = run("-c", "from artistyle_tf.vgg.weights import load; load('imagenet')")
    assert "is forbidden here" in done.stderr
    assert calls.read_text().startswith("socket.")
    (tmp_path / "keras" / "models").rmdir()
    done = run(
        *("-m", "artistyle_tf", "--preset=fast", "--size=64", "--iterations=2"),
        f"--content={SAMPLES / 'content.jpg'}",
        f"--style={SAMPLES / 'style.jpg'}",
        f"--output={out}",
    )
    assert done.returncode == 0, done.stderr
    assert calls.read_text() == ""
    told = "artistyle: the network: VGG19 trained on ImageNet, in 8 bits, as it comes with"
    assert told in done.stderr
    with Image.open(out) as picture:
        assert picture.size == (64, 36)
    record = read_record(out)
    assert (record["weights"]["kind"], record["weights"]["name"]) == (NETWORK, FILE)
    assert "CC BY 4.0; changed: each kernel quantised to 256 values" in record["weights"]["credit"]
    assert record["config"]["weights"] == "auto"
    assert record["outcome"]["objective"]["value"] > 0
    assert str(tmp_path) not in json.dumps(record)
    assert not (tmp_path / "keras" / "models").exists()
