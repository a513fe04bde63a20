"""Names and paths of weights: what is taken, and what is refused before it is read."""

import os
import subprocess
import sys

import pytest

from artistyle_tf.errors import ConfigError, InputError
from artistyle_tf.vgg import weights
from artistyle_tf.vgg.vgg19 import STYLE_LAYERS
from artistyle_tf.vgg.weights import load
from places import ROOT, SHARED
from weight_networks import LAYERS, h5, npz, refusal, same

HYBRID = SHARED / "weights" / "vgg19_hybrid_notop.h5"


def test_import_is_light():
    program = (
        "import sys, artistyle_tf.vgg.weights;"
        "print([m for m in ('tensorflow', 'keras', 'h5py', 'urllib.request') if m in sys.modules])"
    )
    found = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert (found.stdout.strip(), found.stderr) == ("[]", "")


@pytest.mark.parametrize("ending", [".hdf5", ".weights.h5", ".H5"])
def test_endings(tmp_path, ending):
    same(load(h5(tmp_path / f"a{ending}")))


def test_home_folder_and_path_objects(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    h5(tmp_path / "a.h5")
    same(load("~/a.h5"))
    same(load(tmp_path / "a.h5"))


def test_zero_layers_are_allowed_and_arrays_are_read_only(tmp_path):
    zeros = {layer: (0 * kernel, 0 * bias) for layer, (kernel, bias) in LAYERS.items()}
    found = load(npz(tmp_path / "a.npz", layers=zeros))
    same(found, zeros)
    with pytest.raises(ValueError, match="read-only"):
        found.layers["block1_conv1"][0][...] = 1
    with pytest.raises(TypeError):
        found.layers["block1_conv1"] = None


def test_a_missing_preview_network(tmp_path, monkeypatch):
    monkeypatch.setattr(weights.importlib.resources, "files", lambda name: tmp_path / name)
    with pytest.raises(InputError, match="missing from the package: reinstall artistyle-tf"):
        load("preview")


def test_preview():
    """What losses look at keeps more channels than what lies between; the first layer is whole."""
    found, whole = load("preview"), load("imagenet-8bit")
    assert (found.kind, found.digest) == ("preview", weights.PREVIEW_SHA256)
    assert list(found.layers) == list(whole.layers)
    widths = {name: bias.size for name, (_, bias) in found.layers.items()}
    assert all(widths[name] <= bias.size for name, (_, bias) in whole.layers.items())
    assert widths["block1_conv1"] == 64
    assert all(2 * widths[layer] > whole.layers[layer][1].size for layer in STYLE_LAYERS)
    for word in ("Simonyan", "Zisserman", "CC BY 4.0", "channels left out", "256 values"):
        assert word in found.credit


def test_a_layer_beyond_the_preview_network():
    with pytest.raises(InputError, match="layer block5_conv2 is missing"):
        load("preview", "block5_conv2")


def test_the_shipped_network_has_its_checksum_and_credit():
    found = load("imagenet-8bit", "block2_conv1")
    assert (found.kind, found.digest) == ("imagenet-8bit", weights.SHIPPED_SHA256)
    assert list(found.layers) == ["block1_conv1", "block1_conv2", "block2_conv1"]
    for word in ("Simonyan", "Zisserman", "CC BY 4.0", "quantised to 256 values"):
        assert word in found.credit


@pytest.mark.parametrize("name", ["imagenet-8bit", "preview"])
@pytest.mark.parametrize("harm", ["byte", "cut", "other"])
def test_a_damaged_shipped_network_asks_for_a_reinstallation(tmp_path, monkeypatch, harm, name):
    file = weights.PREVIEW_FILE if name == "preview" else weights.SHIPPED_FILE
    packed = ROOT / "artistyle_tf" / "data" / file
    data = bytearray(packed.read_bytes())
    if harm == "byte":
        data[len(data) // 2] ^= 1
    (tmp_path / "data").mkdir()
    damaged = tmp_path / "data" / file
    damaged.write_bytes(data[:-9] if harm == "cut" else data)
    if harm == "other":
        npz(damaged)
    monkeypatch.setattr(weights.importlib.resources, "files", lambda name: tmp_path)
    with pytest.raises(InputError, match=rf"{file} is damaged .*: reinstall") as caught:
        load(name, "block1_conv1")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name", ["auto", "imagenet-8bit"])
def test_layers_that_are_not_shipped(tmp_path, monkeypatch, name):
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    with pytest.raises(ConfigError, match=r"block5_conv2 is not in .*--weights=imagenet has all"):
        load(name, "block5_conv2")


def test_hybrid_file():
    if not HYBRID.is_file():
        pytest.skip(f"{HYBRID} is not on this machine")
    found = load(str(HYBRID))
    shapes = [kernel.shape for kernel, _ in found.layers.values()]
    assert shapes[0] == (3, 3, 3, 64)
    assert shapes[-1] == (3, 3, 512, 512)
    assert len(shapes) == 13


@pytest.mark.parametrize("name", ["imagnet", "", "Preview", "a.keras", "folder/", "h5", "a.h5\n"])
def test_neither_a_name_nor_a_file_of_weights(name):
    with pytest.raises(ConfigError) as caught:
        load(name)
    text = str(caught.value)
    assert "auto, imagenet, imagenet-8bit, preview, or a file that ends in .h5, .hdf5, .npz" in text
    assert "\n" not in text


def test_no_such_layer():
    with pytest.raises(ConfigError, match="'conv5_1'"):
        load("preview", "conv5_1")


@pytest.mark.parametrize("ending", ["h5", "npz"])
class TestNoSuchFile:
    def test_missing(self, tmp_path, ending):
        assert "No such file" in refusal(tmp_path / f"a.{ending}")

    def test_in_a_file(self, tmp_path, ending):
        (tmp_path / "f").touch()
        assert "cannot be read" in refusal(tmp_path / "f" / f"a.{ending}")

    def test_name_with_a_null(self, tmp_path, ending):
        with pytest.raises(InputError):
            load(str(tmp_path / f"a\0.{ending}"))

    def test_folder(self, tmp_path, ending):
        (tmp_path / f"a.{ending}").mkdir()
        assert "is a folder, not a file" in refusal(tmp_path / f"a.{ending}")

    @pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes with names here")
    def test_pipe(self, tmp_path, ending):
        os.mkfifo(tmp_path / f"a.{ending}")
        refusal(tmp_path / f"a.{ending}")

    @pytest.mark.skipif(not hasattr(os, "geteuid") or not os.geteuid(), reason="root reads all")
    def test_forbidden(self, tmp_path, ending):
        (tmp_path / f"a.{ending}").touch(0)
        assert "Permission denied" in refusal(tmp_path / f"a.{ending}")

    def test_empty(self, tmp_path, ending):
        (tmp_path / f"a.{ending}").touch()
        assert refusal(tmp_path / f"a.{ending}").endswith("is empty")

    @pytest.mark.parametrize("content", [b"<html>", b"\0" * 5000, b"\x89HDF\r\n\x1a\n", b"PK\3\4"])
    def test_something_else(self, tmp_path, ending, content):
        (tmp_path / f"a.{ending}").write_bytes(content)
        assert "is not a readable" in refusal(tmp_path / f"a.{ending}")

    def test_control_characters_in_the_name(self, tmp_path, ending):
        with pytest.raises(InputError) as caught:
            load(str(tmp_path / f"a\n\x1b[31m.{ending}"))
        assert "a??[31m" in str(caught.value)
