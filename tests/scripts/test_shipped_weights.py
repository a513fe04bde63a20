"""The shipped network is packed as its script says, to the byte."""

import hashlib

import numpy as np
import pytest

from artistyle_tf.vgg.weights import load
from places import ROOT
from weight_networks import LAYERS, h5, npz, same

SHIPPED = ROOT / "artistyle_tf" / "data" / "vgg19_8bit.npz"


@pytest.fixture
def pack_weights(script):
    return script("pack_weights")


def test_few_values_are_packed_without_loss_and_to_the_same_bytes(pack_weights, tmp_path, capsys):
    layers = {  # at most 129 values a kernel
        layer: (np.clip(np.round(kernel * 20), -64, 64) / np.float32(20), bias)
        for layer, (kernel, bias) in LAYERS.items()
    }
    sources = [h5(tmp_path / "a.h5", layers=layers), npz(tmp_path / "a.npz", layers=layers)]
    packed = []
    for number, source in enumerate(sources):
        output = tmp_path / f"packed{number}.npz"
        assert pack_weights.main([source, str(output)]) == 0
        same(load(str(output)), layers)
        packed.append(output.read_bytes())
    assert packed[0] == packed[1]
    told = capsys.readouterr().out
    assert told.count("lossless") == 2 * 13
    assert told.endswith(f"SHA-256 {hashlib.sha256(packed[0]).hexdigest()}\n")
    assert pack_weights.main(["no.npz", str(tmp_path / "out.npz")]) == 1
    assert pack_weights.main([sources[1], str(tmp_path / "out.h5")]) == 2
    assert all(
        line.startswith("pack_weights.py: ") for line in capsys.readouterr().err.split("\n")[:-1]
    )


def test_shipped_file_is_what_the_script_makes_of_the_source(pack_weights, shared, tmp_path):
    source = shared / "weights" / "vgg19_imagenet_8bit.npz"
    if not source.is_file():
        pytest.skip("no ../shared/weights/vgg19_imagenet_8bit.npz beside the repository")
    made = tmp_path / "made.npz"
    assert pack_weights.main([str(source), str(made)]) == 0
    if made.read_bytes() != SHIPPED.read_bytes():  # another zlib deflates to other bytes
        with np.load(made) as ours, np.load(SHIPPED) as shipped:
            assert ours.files == shipped.files
            for name in ours.files:
                np.testing.assert_array_equal(ours[name], shipped[name], strict=True)
