"""Names and paths of weights: what is taken, and what is refused before it is read."""

import subprocess
import sys

import pytest

from artistyle_tf.errors import ConfigError, InputError
from artistyle_tf.vgg import weights
from artistyle_tf.vgg.weights import load
from places import SHARED
from weight_networks import h5, npz, refusal, same

HYBRID = SHARED / "weights" / "vgg19_hybrid_notop.h5"


def test_import_is_light():
    heavy = {"tensorflow", "keras", "h5py", "pooch", "requests", "urllib3", "filelock"}
    program = f"import sys, artistyle_tf.vgg.weights, artistyle_tf.cli.main; print({heavy} & "
    program += "set(sys.modules))"
    found = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert (found.stdout.strip(), found.stderr) == ("set()", "")


@pytest.mark.parametrize("ending", [".hdf5", ".weights.h5", ".H5"])
def test_paths(tmp_path, monkeypatch, ending):
    monkeypatch.setenv("HOME", str(tmp_path))
    same(load(h5(tmp_path / f"a{ending}")))
    same(load(f"~/a{ending}"))
    same(load(tmp_path / f"a{ending}"))


def test_shipped_networks():
    found, whole = load("preview"), load("imagenet-8bit")
    assert (found.kind, whole.kind) == ("preview", "imagenet-8bit")
    assert list(found.layers) == list(whole.layers)
    assert "channels left out" in found.credit
    for word in ("Simonyan", "Zisserman", "CC BY 4.0", "quantised to 256 values"):
        assert word in found.credit
        assert word in whole.credit


@pytest.mark.parametrize("harm", ["missing", "byte", "cut", "other"])
def test_a_damaged_shipped_network_asks_for_a_reinstallation(tmp_path, monkeypatch, harm):
    file = "preview_vgg19.npz"
    data = bytearray((weights.DATA / file).read_bytes())
    if harm == "byte":
        data[len(data) // 2] ^= 1
    if harm == "other":
        npz(tmp_path / file)
    elif harm != "missing":
        (tmp_path / file).write_bytes(data[:-9] if harm == "cut" else data)
    monkeypatch.setattr(weights, "DATA", tmp_path)
    why = "cannot be read: No such file.*" if harm == "missing" else r"is damaged \(SHA-256 .*"
    with pytest.raises(InputError, match=rf"{file} {why}: reinstall artistyle-tf"):
        load("preview", "block1_conv1")


@pytest.mark.parametrize("name", ["auto", "imagenet-8bit"])
def test_layers_that_are_not_shipped(tmp_path, monkeypatch, name):
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    with pytest.raises(ConfigError, match=r"block5_conv2 is not in .*--weights=imagenet has all"):
        load(name, "block5_conv2")
    with pytest.raises(InputError, match="layer block5_conv2 is missing"):
        load("preview", "block5_conv2")


def test_hybrid_file():
    if not HYBRID.is_file():
        pytest.skip(f"{HYBRID} is not on this machine")
    found = load(str(HYBRID))
    assert len(found.layers) == 13
    assert found.layers["block5_conv1"][0].shape == (3, 3, 512, 512)


@pytest.mark.parametrize("name", ["imagnet", "", "Preview", "a.keras", "folder/", "h5", "a.h5\n"])
def test_neither_a_name_nor_a_file_of_weights(name):
    with pytest.raises(ConfigError) as caught:
        load(name)
    text = str(caught.value)
    assert "auto, imagenet, imagenet-8bit, preview, or a file that ends in .h5, .hdf5, .npz" in text
    assert "\n" not in text


def test_what_cannot_be_opened(tmp_path):
    (tmp_path / "folder.h5").mkdir()
    (tmp_path / "file").touch()
    assert "cannot be read: No such file" in refusal(tmp_path / "a.h5")
    assert "cannot be read: Is a directory" in refusal(tmp_path / "folder.h5")
    assert "cannot be read: Not a directory" in refusal(tmp_path / "file" / "a.npz")
    for name, shown in (("a\0.npz", "a\\x00.npz"), ("a\n\x1b[31m.h5", "a\\n\\x1b[31m.h5")):
        with pytest.raises(InputError) as caught:
            load(str(tmp_path / name))
        assert f"{shown} cannot be read: " in str(caught.value)
