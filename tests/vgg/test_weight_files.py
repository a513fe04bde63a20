"""Files of weights in every layout that Keras wrote, and files that must be refused."""

import contextlib
import hashlib
import io
import os
import pickle
import zipfile
from pathlib import Path

import h5py
import keras
import numpy as np
import pytest

from artistyle_tf.errors import InputError
from artistyle_tf.vgg import weight_files
from artistyle_tf.vgg.vgg19 import VGG19_LAYERS
from artistyle_tf.vgg.weights import load
from weight_networks import LAYERS, WIDTHS, h5, npz, refusal, same

WRITERS = pytest.mark.parametrize(("write", "name"), [(h5, "a.h5"), (npz, "a.npz")])


def without(layer):
    return {name: arrays for name, arrays in LAYERS.items() if name != layer}


# --- layouts ---


@pytest.mark.parametrize(
    ("names", "kinds"),
    [
        ("{0}/{0}_{1}_1:0", ("W", "b")),  # the original file of 2016
        ("{0}/{0}/{1}:0", ("kernel", "bias")),  # Keras 2
        ("{0}/{0}/{1}", ("kernel", "bias")),  # Keras 3's legacy writer
        ("model_weights/{0}/{0}/{1}:0", ("kernel", "bias")),  # model.save
        ("model_weights/vgg19/{0}/{1}:0", ("kernel", "bias")),  # as a layer of a larger model
        ("_layer_checkpoint_dependencies/{0}/vars/{1}", ("0", "1")),  # .weights.h5 of Keras 2.12
    ],
)
def test_hdf5_layouts(tmp_path, names, kinds):
    """Other layers and the optimiser's arrays are passed over, and what is in it twice is once."""
    path = h5(
        tmp_path / "a.h5",
        names,
        kinds=kinds,
        **{
            "model_weights/fc1/fc1/kernel:0": np.zeros((5, 5)),
            "optimizer_weights/adam/block1_conv1/kernel:0": np.zeros((3, 3, 3, 4)),
        },
    )
    with h5py.File(path, "a") as file:
        file["model_weights/itself"] = file["/"]
    found = load(path)
    same(found)
    assert (found.kind, found.name, found.credit) == ("file", "a.h5", None)
    assert found.digest == hashlib.sha256(Path(path).read_bytes()).hexdigest()


@WRITERS
@pytest.mark.parametrize("deepest", ["block1_conv1", "block4_conv2", "block5_conv4"])
def test_cut(tmp_path, write, name, deepest):
    """The rest may be there, or may be absent; what is there is not even looked at."""
    wanted = VGG19_LAYERS[: VGG19_LAYERS.index(deepest) + 1]
    rest = {layer: (np.zeros(()), np.zeros((2, 2))) for layer in VGG19_LAYERS if layer > deepest}
    kept = {layer: LAYERS[layer] for layer in wanted}
    for layers in (LAYERS, kept, rest | kept):
        same(load(write(tmp_path / name, layers=layers), deepest), deepest=deepest)


def coded(layer="block1_conv1", count=20, **changed):
    """The arrays by which an index into a codebook takes the kernel's place, and the kernel."""
    rng = np.random.default_rng(0)
    codebook = rng.normal(size=count).astype(np.float32)
    index = rng.integers(0, count, LAYERS[layer][0].shape).astype(np.uint8)
    index.flat[0] = count - 1
    arrays = {"kernel": None, "index": index, "codebook": codebook} | changed
    return {f"{layer}__{role}": array for role, array in arrays.items()}, codebook[index]


@pytest.mark.parametrize(("layer", "count"), [("block1_conv1", 1), ("block4_conv3", 256)])
@pytest.mark.parametrize("order", [np.ascontiguousarray, np.asfortranarray])
def test_index_into_a_codebook(tmp_path, layer, count, order):
    more, kernel = coded(layer, count)
    more[f"{layer}__index"] = order(more[f"{layer}__index"])
    found = load(npz(tmp_path / "a.npz", **more))
    same(found, LAYERS | {layer: (kernel, LAYERS[layer][1])})
    assert found.layers[layer][0].flags.c_contiguous


# --- files that Keras itself writes ---


def model(layers=VGG19_LAYERS):
    """These layers of the narrow VGG19 as a Keras model."""
    x = inputs = keras.Input((32, 32, 3))
    for name in layers:
        x = keras.layers.Conv2D(WIDTHS[int(name[5]) - 1], 3, padding="same", name=name)(x)
    made = keras.Model(inputs, keras.layers.GlobalAveragePooling2D()(x))
    for name in layers:
        made.get_layer(name).set_weights(LAYERS[name])
    return made


def test_keras_files(tmp_path):
    """Alone, and in another model that has an optimiser; and VGG16, which has fewer layers."""
    made = model()
    inputs = keras.Input((32, 32, 3))
    outer = keras.Model(inputs, keras.layers.Dense(3)(made(inputs)))
    outer.compile("adam", "mse")
    outer.optimizer.build(outer.trainable_variables)
    for one in (made, outer):
        one.save_weights(tmp_path / "a.weights.h5")
        same(load(str(tmp_path / "a.weights.h5"), "block5_conv4"), deepest="block5_conv4")
        one.save(tmp_path / "a.h5")
        same(load(str(tmp_path / "a.h5")))
    path = tmp_path / "b.weights.h5"
    model([name for name in VGG19_LAYERS if not name.endswith("conv4")]).save_weights(path)
    assert refusal(path).endswith("block3_conv4 is missing")


# --- refusals ---

KERNEL, BIAS = LAYERS["block2_conv1"]


@WRITERS
@pytest.mark.parametrize(
    ("arrays", "told"),
    [
        ((np.zeros((5, 5, 4, 5)), BIAS), "kernel is 5×5×4×5, expected 3×3×4×n"),
        ((KERNEL, BIAS[1:]), "bias is 4, expected 5"),
        ((KERNEL, np.full(5, 1e200)), "bias holds values that are not finite"),
        ((KERNEL.astype("i4"), BIAS), "kernel is of type int32, expected float"),
    ],
)
def test_wrong_arrays(tmp_path, write, name, arrays, told):
    text = refusal(write(tmp_path / name, layers=LAYERS | {"block2_conv1": arrays}))
    assert text.endswith(f"layer block2_conv1: {told}")


@WRITERS
def test_wrong_layers(tmp_path, write, name):
    path = write(tmp_path / name, layers=without("block4_conv2"))
    assert refusal(path).endswith("layer block4_conv2 is missing")
    assert refusal(write(path, layers={})).endswith("holds no layer of VGG19, but nothing")
    other = {f"conv{i}\n{'x' * 99}": (np.zeros((3, 3, 3, 3)), np.zeros(3)) for i in range(5)}
    assert "holds no layer of VGG19, but conv0\\nxxx" in refusal(write(path, layers=other))
    ranks = LAYERS | {"block1_conv2": (KERNEL[0], BIAS[0])}
    assert "layer block1_conv2" in refusal(write(path, layers=ranks))


def test_too_few_or_too_many_arrays(tmp_path):
    assert refusal(npz(tmp_path / "a.npz", block2_conv2__bias=None)).endswith("has no bias")
    assert refusal(npz(tmp_path / "a.npz", block2_conv2__kernel=None)).endswith("has no kernel")
    path = h5(tmp_path / "a.h5", **{"more/block1_conv2/kernel:0": KERNEL})
    assert refusal(path).endswith("layer block1_conv2 has 2 kernels")


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"codebook": None}, " has no codebook"),
        ({"index": np.full((3, 3, 3, 4), 20, "u1")}, ": index does not fit the codebook of 20"),
        ({"index": np.zeros((3, 3, 2, 4), "u1")}, ": index is 3×3×2×4, expected 3×3×3×n"),
        ({"codebook": np.full(20, np.nan)}, ": codebook holds values that are not finite"),
    ],
)
def test_wrong_index_or_codebook(tmp_path, changed, told):
    text = refusal(npz(tmp_path / "a.npz", **coded(**changed)[0]))
    assert text.endswith(f"layer block1_conv1{told}")


class Bomb:
    def __reduce__(self):
        return os._exit, (3,)


def test_nothing_is_unpickled(tmp_path):
    bomb = np.empty((3, 3, 3, 4), object)
    bomb[...] = Bomb()
    for more in ({"block1_conv1__kernel": bomb}, coded(index=bomb)[0]):
        text = refusal(npz(tmp_path / "a.npz", **more))
        assert "Object arrays cannot be loaded" in text
    (tmp_path / "a.npz").write_bytes(pickle.dumps(Bomb()))
    assert "is not a readable NumPy .npz file" in refusal(tmp_path / "a.npz")


def header(*shape):
    """What an .npy file of that shape begins with."""
    file = io.BytesIO()
    array = {"descr": "<f4", "fortran_order": False, "shape": shape}
    np.lib.format.write_array_header_1_0(file, array)
    return file.getvalue()


def test_absurd_sizes(tmp_path, monkeypatch):
    """Files that are small, and say that they hold gigabytes or terabytes."""
    path = h5(tmp_path / "a.h5", layers=without("block1_conv1"))
    with h5py.File(path, "a") as file:
        file.create_dataset("block1_conv1/kernel", (3, 3, 3, 10**11), "f4", chunks=(3, 3, 3, 99))
        file["block1_conv1/bias"] = np.zeros(4)
    assert "is too large" in refusal(path)
    monkeypatch.setattr(weight_files, "MAX_ELEMENTS", 1_000_000)
    for content, told in (
        (header(3, 3, 3, 10**12), "is not a readable NumPy .npz file"),
        (header(3, 3, 3, 10**5), "is not a readable NumPy .npz file"),
        (header(3, 3, 3, 10**5) + bytes(10_800_000), "is too large"),
    ):
        path = npz(tmp_path / "a.npz", block1_conv1__kernel=None)
        with zipfile.ZipFile(path, "a", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("block1_conv1/kernel.npy", content)
        assert told in refusal(path)


def test_no_other_file_is_read(tmp_path):
    kernel, bias = LAYERS["block1_conv1"]
    kernel.tofile(tmp_path / "secret")
    other = h5(tmp_path / "other.h5")

    def external(file):
        where = [(str(tmp_path / "secret"), 0, kernel.nbytes)]
        file.create_dataset("block1_conv1/kernel", kernel.shape, "f4", external=where)

    def virtual(file):
        layout = h5py.VirtualLayout(kernel.shape, "f4")
        layout[...] = h5py.VirtualSource(other, "block1_conv1/block1_conv1/kernel:0", kernel.shape)
        file.create_virtual_dataset("block1_conv1/kernel", layout)

    def link(file):
        file["block1_conv1/kernel"] = h5py.ExternalLink(other, "block1_conv1/block1_conv1/kernel:0")

    for put, told in (
        (external, "block1_conv1/kernel keeps its values in another file"),
        (virtual, "block1_conv1/kernel keeps its values in another file"),
        (link, "layer block1_conv1 has no kernel"),
    ):
        path = h5(tmp_path / "a.h5", layers=without("block1_conv1"))
        with h5py.File(path, "a") as file:
            file["block1_conv1/bias"] = bias
            put(file)
        assert refusal(path).endswith(told)


@WRITERS
def test_damaged(tmp_path, write, name):
    """Cut anywhere, with any byte changed, or something else: an error in one line, or harmless."""
    path = Path(write(tmp_path / name))
    whole, rng = path.read_bytes(), np.random.default_rng(0)
    other = npz(tmp_path / "b.npz") if write is h5 else h5(tmp_path / "b.h5")
    for content in (
        *(whole[: int(share * len(whole))] for share in (0, 0.001, 0.3, 0.9)),
        *(b"<html>", bytes(5000), b"\x89HDF\r\n\x1a\n", b"PK\3\4"),
        Path(other).read_bytes(),
    ):
        path.write_bytes(content)
        assert "is not a readable" in refusal(path)
    for _ in range(30):
        broken = bytearray(whole)
        for at in rng.integers(0, min(len(whole), 4000), 4):
            broken[at] = rng.integers(256)
        path.write_bytes(broken)
        with contextlib.suppress(InputError):
            load(str(path))
