"""What the tests of weights share: narrow VGG19s, and files of them."""

from pathlib import Path

import h5py
import numpy as np
import pytest

from artistyle_tf.errors import InputError
from artistyle_tf.vgg.vgg19 import VGG19_LAYERS
from artistyle_tf.vgg.weights import load

WIDTHS = (4, 5, 6, 7, 8)  # of the five blocks of the narrow VGG19 that most tests use


def network(seed=0):
    """layer → (kernel, bias) of a narrow VGG19."""
    rng, inputs, layers = np.random.default_rng(seed), 3, {}
    for layer in VGG19_LAYERS:
        width = WIDTHS[int(layer[5]) - 1]
        kernel = rng.normal(size=(3, 3, inputs, width)).astype(np.float32)
        layers[layer] = kernel, rng.normal(size=width).astype(np.float32)
        inputs = width
    return layers


LAYERS = network()


def h5(path, names="{0}/{0}/{1}:0", layers=LAYERS, kinds=("kernel", "bias"), **more):
    """Write `layers` to an HDF5 file, each array under `names`, and the arrays of `more`."""
    with h5py.File(path, "w") as file:
        for layer, arrays in layers.items():
            for kind, array in zip(kinds, arrays, strict=True):
                file[names.format(layer, kind)] = array
        for name, array in more.items():
            file[name] = array
    return str(path)


def npz(path, layers=LAYERS, **more):
    """Write `layers` to an .npz file, after the arrays of `more` are put in ("/" written "__")."""
    arrays = {f"{layer}/kernel": kernel for layer, (kernel, _) in layers.items()}
    arrays |= {f"{layer}/bias": bias for layer, (_, bias) in layers.items()}
    arrays |= {name.replace("__", "/"): array for name, array in more.items()}
    np.savez(path, **{name: array for name, array in arrays.items() if array is not None})
    return str(path)


def same(found, layers=LAYERS, deepest="block5_conv1"):
    wanted = VGG19_LAYERS[: VGG19_LAYERS.index(deepest) + 1]
    assert tuple(found.layers) == wanted
    for layer in wanted:
        for got, expected in zip(found.layers[layer], layers[layer], strict=True):
            assert got.dtype == np.float32
            np.testing.assert_array_equal(got, expected)


def refusal(path, deepest="block5_conv1"):
    with pytest.raises(InputError) as caught:
        load(str(path), deepest)
    text = str(caught.value)
    assert "\n" not in text
    assert Path(path).name in text
    return text
