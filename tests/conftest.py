"""What several test files share: small networks, pictures, and where the real material lies."""

import importlib
import os
import sys
import types

import numpy as np
import pytest
from hypothesis import HealthCheck, settings

import reference
from artistyle_tf.callbacks import progress
from artistyle_tf.cli import console
from artistyle_tf.vgg.extractor import FROZEN
from artistyle_tf.vgg.weights import Weights
from painters import eagerly
from places import SCRIPTS, SHARED

# Machines stall: an example that takes long tells nothing of the package.
settings.register_profile(
    "any machine", deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("any machine")


def make_weights(arrays, name="small.npz"):
    return Weights(types.MappingProxyType(dict(arrays)), "file", name, "0" * 64)


@pytest.fixture(scope="session")
def small_arrays():
    return reference.random_weights()


@pytest.fixture(scope="session")
def small_weights(small_arrays):
    return make_weights(small_arrays)


@pytest.fixture(scope="session")
def small_file(small_arrays, tmp_path_factory):
    """The small network as a file that --weights takes."""
    path = tmp_path_factory.mktemp("weights") / "small.npz"
    arrays = {}
    for layer, (kernel, bias) in small_arrays.items():
        arrays[f"{layer}/kernel"], arrays[f"{layer}/bias"] = kernel, bias
    np.savez(path, **arrays)
    return path


@pytest.fixture(scope="session")
def picture():
    """A function: (height, width, seed) → uint8 [H, W, 3] with structure at several scales."""

    def make(height, width, seed=0):
        rng = np.random.default_rng(seed)
        y, x = np.mgrid[:height, :width]
        waves = [np.sin(x * a + y * b + c) for a, b, c in rng.normal(size=(3, 3)) * (0.3, 0.3, 3)]
        noisy = 128 + 60 * np.stack(waves, -1) + rng.normal(size=(height, width, 3)) * 20
        return np.clip(noisy, 0, 255).astype(np.uint8)

    return make


@pytest.fixture
def shared():
    """The folder of real material; the test is skipped where it isn't."""
    if not SHARED.is_dir():
        pytest.skip("no ../shared folder beside the repository")
    return SHARED


@pytest.fixture
def script(monkeypatch):
    """A function: the name of a script → it as a module, imported anew with those that it uses."""
    paths = [path for path in SCRIPTS.rglob("*.py") if "__pycache__" not in path.parts]
    for folder in {path.parent for path in paths}:
        monkeypatch.syspath_prepend(str(folder))

    def load(name):
        for path in paths:
            monkeypatch.delitem(sys.modules, path.stem, raising=False)
        return importlib.import_module(name)

    return load


@pytest.fixture
def unfrozen(monkeypatch):
    """The command, called in the tests' own process, does not promise that no weights change.

    That promise is for a program of one network; other tests train networks here.
    """
    monkeypatch.setenv(FROZEN, "0")


@pytest.fixture
def environment(monkeypatch, unfrozen):
    """The command in the tests' own process: what it sets is undone, and nothing is traced."""
    for name in {"KERAS_BACKEND", "KERAS_HOME", *console.ENVIRONMENT} - {FROZEN}:
        monkeypatch.setenv(name, os.environ.get(name, ""))
    monkeypatch.delenv("KERAS_HOME")
    monkeypatch.setenv("TF_CPP_MIN_LOG_LEVEL", "2")
    monkeypatch.setattr(progress, "QUIET", 1e9)  # no progress, however long a test takes
    with eagerly():
        yield
