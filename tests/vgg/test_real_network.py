"""The shipped VGG19 itself: its numbers, and what runs on it, without any connection.

Most tests have narrow random networks. Here NumPy computes in float64 with the arrays of the
package's own file, unpacked by the tests.
"""

import json
import os
import pathlib
import subprocess
import sys

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

import artistyle_tf
import reference
from artistyle_tf import Config, stylize
from artistyle_tf.config.presets import PRESETS, STYLE_LAYERS
from artistyle_tf.engine.bound import build_objective
from artistyle_tf.images.network_scale import BGR_MEAN, to_network
from artistyle_tf.images.read import read_record
from artistyle_tf.keras_losses import PerceptualLoss
from artistyle_tf.objective.tiled import TiledObjective
from artistyle_tf.objective.whole import Objective
from artistyle_tf.vgg.extractor import FROZEN, build_feature_extractor
from artistyle_tf.vgg.weights import load
from commands import HANGING
from places import SAMPLES

NETWORK = "imagenet-8bit"
FILE = pathlib.Path(artistyle_tf.__file__).parent / "data" / "vgg19_8bit.npz"
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


def sample(name, size=(64, 48)):
    """samples/NAME.jpg at this size: uint8 [H, W, 3]."""
    with Image.open(SAMPLES / f"{name}.jpg") as file:
        return np.asarray(file.resize(size, Image.Resampling.BOX))


PHOTO, PAINTING = sample("content"), sample("style")
MIRRORED = PHOTO[:, ::-1].copy()


def glaring(rgb):
    """More contrast than a file can hold: [1, H, W, 3] of the network's scale, float64."""
    levels = 128 + 1.6 * (rgb.astype(np.float64) - 128)
    assert 0.05 < np.mean((levels < 0) | (levels > 255)) < 0.5
    return levels[None, ..., ::-1] - BGR_MEAN


def outside(image):
    """(value, gradient) of the penalty on what leaves 0-255, in NumPy."""
    levels = image + BGR_MEAN
    excess = np.maximum(levels - 255, 0) - np.maximum(-levels, 0)
    return np.mean(excess**2), 2 * excess / excess.size


def error(found, wanted):
    """Relative, over the whole array."""
    return np.linalg.norm(np.asarray(found) - wanted) / np.linalg.norm(wanted)


@pytest.fixture(scope="module")
def weights():
    return load(NETWORK)


@pytest.fixture(scope="module")
def arrays():
    """Layer → (kernel, bias) in float64, straight from the file."""
    with np.load(FILE) as file:
        return {
            layer: (
                file[f"{layer}/codebook"].astype(np.float64)[file[f"{layer}/index"]],
                file[f"{layer}/bias"].astype(np.float64),
            )
            for layer in reference.layer_names()
        }


@pytest.fixture(scope="module")
def seen(arrays):
    """A function: (picture, pooling) → activations by layer in NumPy."""
    known = {}

    def look(rgb, pooling="max"):
        key = rgb.tobytes(), pooling
        if key not in known:
            image = rgb.astype(np.float64)[..., ::-1] - BGR_MEAN
            known[key] = reference.forward(image, arrays, pooling)
        return known[key]

    return look


@pytest.fixture(scope="module")
def goal(seen):
    """Targets for `reference`: the mirrored photo in the painting's style."""
    grams = {name: reference.gram(F) / F.size for name, F in seen(PAINTING).items()}
    return {"content": seen(MIRRORED), "style": grams}


@pytest.fixture(scope="module")
def objective(weights):
    return Objective(SETTINGS, weights)


@pytest.fixture
def quick(monkeypatch):
    """Graphs that take the filters as tensors: without 50 MB of constants they are soon traced.

    TensorFlow asks for the variable at its first convolution, which is here at the latest. So it
    isn't told that filters never change, which would be wrong in a program of many networks.
    """
    tf.nn.conv2d(tf.zeros([1, 8, 8, 3]), tf.zeros([3, 3, 3, 4]), 1, "SAME")
    monkeypatch.setenv(FROZEN, "1")


@pytest.mark.parametrize("pooling", ["max", "avg"])
def test_activations_equal_numpy(weights, seen, pooling):
    features = build_feature_extractor(weights, pooling=pooling)(to_network(PHOTO))
    assert set(features) == {*STYLE_LAYERS, "block4_conv2"}
    wanted = seen(PHOTO, pooling)
    for name, found in features.items():
        assert found[0].shape == wanted[name].shape
        assert error(found[0], wanted[name]) < 1e-5, name
        assert np.abs(found[0] - wanted[name]).max() < 1e-5 * wanted[name].max(), name


def test_losses_by_layer(objective, seen, goal):
    """As numbers, which another network or other formulas don't give, and as NumPy has them."""
    targets = objective.targets(to_network(MIRRORED), [to_network(PAINTING)], [1.0])
    parts = objective.parts(to_network(PHOTO), targets)
    features = seen(PHOTO)
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


def test_gradient_equals_numpy_and_finite_differences(quick, weights, arrays, goal):
    """In float64, with a picture of which a part is outside 0-255."""
    objective = Objective(SETTINGS, weights, dtype="float64")
    targets = objective.targets(to_network(MIRRORED), [to_network(PAINTING)], [1.0])
    image = glaring(PHOTO)
    value, gradient = objective.value_and_gradient(tf.constant(image), targets)

    expected, slope = reference.value_and_gradient(
        image[0], goal, arrays, "max", reference.mean_formula, {**LAYERS, **BALANCE}
    )
    penalty, push = (float(targets.scale) * one for one in outside(image))
    assert 0.01 < GAMUT * penalty / expected < 100  # neither hides the other
    assert 0.01 < GAMUT * np.linalg.norm(push) / np.linalg.norm(slope) < 100
    assert float(value) == pytest.approx(expected + GAMUT * penalty, rel=1e-6)
    assert error(gradient[0], slope + GAMUT * push[0]) < 1e-6

    step = 1e-6  # larger ones cross the kinks of ReLU and of pooling
    steepest = gradient.numpy() / np.linalg.norm(gradient) * np.sqrt(image.size)
    for direction in (steepest, np.random.default_rng(5).normal(size=image.shape)):
        numeric = reference.numeric_slope(
            lambda image: objective.value_and_gradient(tf.constant(image), targets)[0],
            image,
            direction,
            step,
        )
        assert np.sum(gradient * direction) == pytest.approx(numeric, rel=1e-4)


@pytest.mark.parametrize("preset", PRESETS)
def test_every_preset_paints(quick, preset):
    config = Config.preset(preset, weights=NETWORK, size=56, iterations=2)
    result = stylize(PHOTO, PAINTING, config)
    assert result.image.shape == (42, 56, 3)
    assert result.image.std() > 1
    objectives = [row[2] for row in result.trace]
    assert len(objectives) == 2
    assert objectives[1] < objectives[0]
    # bfloat16 rounds; crowson's result is an average of what was evaluated.
    error = 0.2 if preset == "crowson" else 0.02
    assert result.objective == pytest.approx(objectives[1], rel=error)
    used = result.record["weights"]
    assert (used["kind"], used["name"]) == (NETWORK, FILE.name)
    assert "CC BY 4.0; changed: each kernel quantised to 256 values" in used["credit"]
    assert result.record["config"]["weights"] == NETWORK


def test_masks_equal_numpy(quick, seen, arrays):
    """Two styles, one fading into the other from the top to the bottom."""
    fading = np.linspace(255, 0, 48).astype(np.uint8)[:, None].repeat(64, 1)
    masks, styles = [fading, 255 - fading], [PAINTING, MIRRORED]
    bound = build_objective(PHOTO, styles, SETTINGS, content_masks=masks)
    noise = np.random.default_rng(0).integers(-20, 20, PHOTO.shape)
    image = np.clip(PHOTO + noise, 0, 255).astype(np.uint8)
    value, gradient = bound(to_network(image))

    white = np.ones(PHOTO.shape[:2])
    wanted = {
        "content": seen(PHOTO),
        "masks": masks,
        "strengths": [np.mean(mask / 255) for mask in masks],  # together they cover all of it
        "guided": {
            name: [
                reference.guided_gram(seen(style)[name], reference.guidance(white, name))
                for style in styles
            ]
            for name in STYLE_LAYERS
        },
    }
    expected, slope = reference.value_and_gradient(
        to_network(image)[0].astype(np.float64),
        wanted, arrays, "max", reference.guided_formula, {**LAYERS, **BALANCE},
    )  # fmt: skip
    assert float(value) == pytest.approx(expected, rel=1e-4)
    assert error(gradient[0], slope) < 1e-4


def test_tiles_equal_the_whole(quick, objective, weights):
    """A picture of six tiles that leaves 0-255: targets, value and gradient."""
    photo, painting = (sample(name, (160, 96)) for name in ("content", "style"))
    image = tf.constant(glaring(photo), tf.float32)
    found = []
    for one in (objective, TiledObjective(SETTINGS, weights, tile=64)):
        targets = one.targets(to_network(photo[:, ::-1]), [to_network(painting)], [1.0])
        found.append((targets, *one.value_and_gradient(image, targets)))
    (targets, value, gradient), (same, total, slope) = found
    for one, other in zip(tf.nest.flatten(targets), tf.nest.flatten(same), strict=True):
        assert error(other, one) < 1e-5
    assert float(total) == pytest.approx(float(value), rel=1e-6)
    assert error(slope, gradient) < 1e-5
    gamut = float(objective.parts(image, targets).gamut)
    weight = GAMUT * float(targets.scale)
    assert gamut == pytest.approx(weight * outside(image.numpy())[0], rel=1e-5)
    assert gamut > 0.01 * float(value)  # so that tiles have it too


def test_the_keras_loss_is_the_objective_without_gamut(quick, weights):
    """`PerceptualLoss` lets networks leave 0-255, and weighs every pair alike."""
    plain = {"style_weight": 60, "balance": 0, "gamut_weight": 0, "palette_weight": 0}
    config = Config(weights=NETWORK, size=64, **plain)
    image = glaring(PHOTO)
    value, _ = build_objective(MIRRORED, PAINTING, config)(image)
    levels = (image + BGR_MEAN)[..., ::-1]
    loss = PerceptualLoss(PAINTING, weights=weights)
    found = loss(MIRRORED[None].astype(np.float32), levels.astype(np.float32))
    assert float(found) == pytest.approx(float(value), rel=1e-5)


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


@pytest.fixture
def offline(tmp_path):
    """A function: command line → the process, which can't connect, and what it tried to.

    Python runs `sitecustomize` in every process, and audit hooks hear of all that its sockets do,
    whoever imported them by whatever name. TensorFlow's native code they don't hear.
    """
    guard, keras_home = tmp_path / "guard", tmp_path / "keras"
    guard.mkdir()
    keras_home.mkdir()
    (guard / "sitecustomize.py").write_text(GUARD)
    path = os.pathsep.join([str(guard), *filter(None, [os.environ.get("PYTHONPATH")])])
    calls = tmp_path / "calls"
    environment = {
        **os.environ,
        "PYTHONPATH": path,
        "PYTHONIOENCODING": "utf-8",
        "KERAS_HOME": str(keras_home),
        "CALLS": str(calls),
    }

    def run(*arguments):
        calls.write_text("")
        done = subprocess.run(
            [sys.executable, *arguments],
            env=environment,
            capture_output=True,
            text=True,
            encoding="utf-8",
            timeout=HANGING,
        )
        return done, calls.read_text()

    return run


def test_the_command_paints_without_a_connection(offline, tmp_path):
    out = tmp_path / "out.png"
    done, calls = offline(
        *("-m", "artistyle_tf", "--preset=fast", "--size=64", "--iterations=2"),
        f"--content={SAMPLES / 'content.jpg'}",
        f"--style={SAMPLES / 'style.jpg'}",
        f"--output={out}",
    )
    assert done.returncode == 0, done.stderr
    assert calls == ""
    told = "artistyle: the network: VGG19 trained on ImageNet, in 8 bits, as it comes with"
    assert told in done.stderr
    with Image.open(out) as picture:
        assert picture.size == (64, 36)
    record = read_record(out)
    assert record["weights"]["kind"] == NETWORK
    assert record["config"]["weights"] == "auto"
    assert str(tmp_path) not in json.dumps(record)
    assert not (tmp_path / "keras" / "models").exists()


def test_the_guard_would_notice_a_download(offline):
    """What the test above relies on: the way to Keras' file, which `auto` must not take."""
    done, calls = offline("-c", "from artistyle_tf.vgg.weights import load; load('imagenet')")
    assert "InputError" in done.stderr
    assert "is forbidden here" in done.stderr
    assert calls.startswith("socket.")
