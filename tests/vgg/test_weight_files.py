"""Files of weights in every layout that Keras wrote, and files that must be refused."""

import contextlib
import hashlib
import io
import os
import pickle
import zipfile
from pathlib import Path

import h5py
import numpy as np
import pytest

from artistyle_tf.errors import InputError
from artistyle_tf.vgg import sandbox, weight_files
from artistyle_tf.vgg.vgg19 import VGG19_LAYERS
from artistyle_tf.vgg.weights import load
from commands import HANGING
from weight_networks import LAYERS, WIDTHS, h5, npz, refusal, same


def test_layer_names():
    assert len(VGG19_LAYERS) == 16
    assert VGG19_LAYERS[:3] == ("block1_conv1", "block1_conv2", "block2_conv1")
    assert VGG19_LAYERS[-1] == "block5_conv4"


# --- layouts ---


@pytest.mark.parametrize(
    "names",
    [
        "{0}/{0}/{1}:0",  # Keras 2
        "{0}/{1}:0",
        "{0}/{0}/{1}",  # Keras 3's legacy writer
        "model_weights/{0}/{0}/{1}:0",  # model.save
        "model_weights/vgg19/{0}/{1}:0",  # with the network as one layer of a larger model
        "_layer_checkpoint_dependencies/{0}/vars/{1}",  # .weights.h5 of Keras 2.12
    ],
)
def test_hdf5_layouts(tmp_path, names):
    found = load(h5(tmp_path / "a.h5", names))
    same(found)
    assert (found.kind, found.name, found.credit) == ("file", "a.h5", None)
    assert found.digest == hashlib.sha256((tmp_path / "a.h5").read_bytes()).hexdigest()


def test_the_original_file_of_2016(tmp_path):
    same(load(h5(tmp_path / "a.h5", "{0}/{0}_{1}_1:0", kinds=("W", "b"))))


@pytest.mark.parametrize("deepest", ["block1_conv1", "block4_conv2", "block5_conv4"])
@pytest.mark.parametrize("write", [h5, npz])
def test_cut(tmp_path, write, deepest):
    """The rest may be there, or may be absent; what is there is not even looked at."""
    path = tmp_path / ("a.npz" if write is npz else "a.h5")
    same(load(write(path), deepest), deepest=deepest)
    wanted = VGG19_LAYERS[: VGG19_LAYERS.index(deepest) + 1]
    rest = {layer: (np.zeros(()), np.zeros((2, 2))) for layer in VGG19_LAYERS if layer > deepest}
    kept = {layer: LAYERS[layer] for layer in wanted}
    same(load(write(path, layers=kept), deepest), deepest=deepest)
    same(load(write(path, layers=rest | kept), deepest), deepest=deepest)


def test_other_layers_and_optimiser_are_passed_over(tmp_path):
    path = h5(
        tmp_path / "a.h5",
        "model_weights/{0}/{0}/{1}:0",
        **{
            "model_weights/fc1/fc1/kernel:0": np.zeros((5, 5)),
            "optimizer_weights/adam/block1_conv1/kernel:0": np.zeros((3, 3, 3, 4)),
            "optimizer/vars/block1_conv1/0": np.zeros((3, 3, 3, 4)),
        },
    )
    same(load(path))


@pytest.mark.parametrize("dtype", ["<f2", ">f4", "<f8"])
@pytest.mark.parametrize("write", [h5, npz])
def test_float_types(tmp_path, dtype, write):
    stored = {layer: (k.astype(dtype), b.astype(dtype)) for layer, (k, b) in LAYERS.items()}
    found = load(write(tmp_path / ("a.npz" if write is npz else "a.h5"), layers=stored))
    same(found, {n: (k.astype(np.float32), b.astype(np.float32)) for n, (k, b) in stored.items()})


def test_int8_with_a_scale(tmp_path):
    kernel = np.arange(-54, 54, dtype=np.int8).reshape(3, 3, 3, 4)
    scale = np.array([1, 0.5, 0.25, 2], np.float32)
    more = {"block1_conv1__kernel": kernel, "block1_conv1__scale": scale}
    found = load(npz(tmp_path / "a.npz", **more))
    same(found, LAYERS | {"block1_conv1": (kernel * scale, LAYERS["block1_conv1"][1])})


def coded(layer="block1_conv1", count=20, **changed):
    """The arrays by which an index into a codebook takes the kernel's place, and the kernel."""
    rng = np.random.default_rng(0)
    codebook = rng.normal(size=count).astype(np.float32)
    index = rng.integers(0, count, LAYERS[layer][0].shape).astype(np.uint8)
    index.flat[0] = count - 1
    arrays = {"kernel": None, "index": index, "codebook": codebook} | changed
    return {f"{layer}__{role}": array for role, array in arrays.items()}, codebook[index]


@pytest.mark.parametrize("count", [1, 20, 256])
@pytest.mark.parametrize("layer", ["block1_conv1", "block4_conv3"])
def test_index_into_a_codebook(tmp_path, layer, count):
    more, kernel = coded(layer, count)
    found = load(npz(tmp_path / "a.npz", **more))
    same(found, LAYERS | {layer: (kernel, LAYERS[layer][1])})
    got = found.layers[layer][0]
    assert got.flags.c_contiguous
    assert not got.flags.writeable


def test_index_in_fortran_order_and_codebook_in_double(tmp_path):
    more, _ = coded()
    index, codebook = more["block1_conv1__index"], more["block1_conv1__codebook"].astype(">f8")
    changed = {"index": np.asfortranarray(index), "codebook": codebook}
    found = load(npz(tmp_path / "a.npz", **coded(**changed)[0]))
    expected = codebook.astype(np.float32)[index]
    same(found, LAYERS | {"block1_conv1": (expected, LAYERS["block1_conv1"][1])})
    assert found.layers["block1_conv1"][0].flags.c_contiguous


def test_index_of_a_layer_that_is_not_wanted_is_not_looked_at(tmp_path):
    more, _ = coded("block5_conv1", index=np.zeros(3), codebook=np.zeros(()))
    same(load(npz(tmp_path / "a.npz", **more), "block4_conv4"), deepest="block4_conv4")


def test_compressed(tmp_path):
    arrays = {
        f"{name}/{kind}": array
        for name, pair in LAYERS.items()
        for kind, array in zip(("kernel", "bias"), pair, strict=True)
    }
    np.savez_compressed(tmp_path / "a.npz", **arrays)
    same(load(str(tmp_path / "a.npz")))
    with h5py.File(tmp_path / "a.h5", "w") as file:
        for name, array in arrays.items():
            file.create_dataset(name, data=array, compression="gzip", chunks=True)
    same(load(str(tmp_path / "a.h5")))


# --- files that Keras itself writes ---


@pytest.fixture(scope="module")
def keras():
    return pytest.importorskip("keras")


def model(keras, named=True, top=False, layers=LAYERS, blocks=(2, 2, 4, 4, 4), cut=16):
    """The narrow VGG19 as a Keras model with the weights of `layers`."""
    x = inputs = keras.Input((32, 32, 3))
    for block, count in enumerate(blocks, start=1):
        for conv in range(1, count + 1):
            if (cut := cut - 1) < 0:
                break
            name = f"block{block}_conv{conv}" if named else None
            x = keras.layers.Conv2D(WIDTHS[block - 1], 3, padding="same", name=name)(x)
        x = keras.layers.MaxPooling2D()(x)
    if top:
        x = keras.layers.Dense(3)(keras.layers.Flatten()(x))
    made = keras.Model(inputs, x)
    if blocks == (2, 2, 4, 4, 4):
        convs = [layer for layer in made.layers if isinstance(layer, keras.layers.Conv2D)]
        for layer, arrays in zip(convs, layers.values(), strict=False):
            layer.set_weights(arrays)
    return made


@pytest.mark.parametrize("top", [False, True])
@pytest.mark.parametrize("named", [False, True])
@pytest.mark.parametrize("ending", [".h5", ".weights.h5"])
def test_keras_files(keras, tmp_path, named, top, ending):
    made = model(keras, named, top)
    path = str(tmp_path / f"a{ending}")
    made.save_weights(path) if ending == ".weights.h5" else made.save(path)
    same(load(path))
    same(load(path, "block5_conv4"), deepest="block5_conv4")


@pytest.mark.parametrize("named", [False, True])
def test_keras_model_in_a_model_with_an_optimiser(keras, tmp_path, named):
    inputs = keras.Input((32, 32, 3))
    outer = keras.Model(inputs, keras.layers.Flatten()(model(keras, named)(inputs)))
    outer.compile("adam", "mse")
    outer.optimizer.build(outer.trainable_variables)
    outer.save_weights(tmp_path / "a.weights.h5")
    outer.save(tmp_path / "a.h5")
    same(load(str(tmp_path / "a.weights.h5")))
    if named:
        same(load(str(tmp_path / "a.h5")))


def test_keras_unnamed_and_cut(keras, tmp_path):
    model(keras, named=False, cut=13).save_weights(tmp_path / "a.weights.h5")
    same(load(str(tmp_path / "a.weights.h5")))
    text = refusal(tmp_path / "a.weights.h5", "block5_conv2")
    assert text.endswith("layer block5_conv2 is missing")


def test_keras_vgg16_is_refused(keras, tmp_path):
    for named in (True, False):
        made = model(keras, named, blocks=(2, 2, 3, 3, 3))
        made.save_weights(tmp_path / "a.weights.h5")
        text = refusal(tmp_path / "a.weights.h5")
        assert "block3_conv4 is missing" in text or "change width at layer block3_conv4" in text


def test_keras_too_many_convolutions(keras, tmp_path):
    model(keras, named=False, blocks=(4, 4, 4, 4, 4), cut=20).save_weights(
        tmp_path / "a.weights.h5"
    )
    assert "20 convolutions, not 16" in refusal(tmp_path / "a.weights.h5")


@pytest.mark.slow
def test_keras_own_vgg19(keras, tmp_path):
    made = keras.applications.VGG19(weights=None, include_top=False)
    expected = {
        layer.name: tuple(layer.get_weights()) for layer in made.layers if layer.get_weights()
    }
    made.save_weights(tmp_path / "a.weights.h5")
    same(load(str(tmp_path / "a.weights.h5"), "block5_conv4"), expected, "block5_conv4")
    (tmp_path / "a.weights.h5").unlink()
    made.save(tmp_path / "a.h5")
    same(load(str(tmp_path / "a.h5"), "block5_conv4"), expected, "block5_conv4")


# --- refusals ---


@pytest.mark.parametrize("write", [h5, npz])
class TestWrongContent:
    def refusal(self, write, folder, changed):
        path = write(folder / ("a.npz" if write is npz else "a.h5"), layers=LAYERS | changed)
        return refusal(path).partition(": layer ")[2]

    def test_misshapen(self, tmp_path, write):
        kernel, bias = LAYERS["block2_conv1"]
        cases = {
            "kernel is 5×5×4×5, expected 3×3×4×n": (np.zeros((5, 5, 4, 5)), bias),
            "kernel is 3×3×9×5, expected 3×3×4×n": (np.zeros((3, 3, 9, 5)), bias),
            "kernel is 5×4×3×3, expected 3×3×4×n": (kernel.T, bias),
            "kernel is 3×3×4×0, expected 3×3×4×n": (kernel[..., :0], bias[:0]),
            "bias is 4, expected 5": (kernel, bias[1:]),
        }
        for text, arrays in cases.items():
            found = self.refusal(write, tmp_path, {"block2_conv1": arrays})
            assert found == f"block2_conv1: {text}"

    def test_first_layer_takes_three_channels(self, tmp_path, write):
        changed = {"block1_conv1": (np.zeros((3, 3, 1, 4)), np.zeros(4))}
        found = self.refusal(write, tmp_path, changed)
        assert found == "block1_conv1: kernel is 3×3×1×4, expected 3×3×3×n"

    def test_ranks(self, tmp_path, write):
        kernel, bias = LAYERS["block1_conv2"]
        self.refusal(write, tmp_path, {"block1_conv2": (kernel[0], bias)})
        self.refusal(write, tmp_path, {"block1_conv2": (kernel, bias[0])})

    @pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
    def test_not_finite(self, tmp_path, write, value):
        for which in (0, 1):
            arrays = [array.copy() for array in LAYERS["block3_conv2"]]
            arrays[which].flat[7 % arrays[which].size] = value
            found = self.refusal(write, tmp_path, {"block3_conv2": arrays})
            assert found.startswith("block3_conv2: " + ("bias" if which else "kernel"))
            assert found.endswith("holds values that are not finite")

    def test_too_large_for_float32(self, tmp_path, write):
        changed = {"block1_conv1": (LAYERS["block1_conv1"][0], np.full(4, 1e200))}
        found = self.refusal(write, tmp_path, changed)
        assert found == "block1_conv1: bias holds values that are not finite"

    @pytest.mark.parametrize("dtype", ["i4", "i1", "?", "c8", "S4"])
    def test_types(self, tmp_path, write, dtype):
        kernel, bias = LAYERS["block1_conv1"]
        found = self.refusal(write, tmp_path, {"block1_conv1": (kernel.astype(dtype), bias)})
        assert "expected float" in found

    def test_missing_layer(self, tmp_path, write):
        kept = {layer: arrays for layer, arrays in LAYERS.items() if layer != "block4_conv2"}
        path = write(tmp_path / ("a.npz" if write is npz else "a.h5"), layers=kept)
        assert refusal(path).endswith("layer block4_conv2 is missing")

    def test_another_network(self, tmp_path, write):
        other = {f"conv{i}\n{'x' * 99}": (np.zeros((3, 3, 3, 3)), np.zeros(3)) for i in range(5)}
        path = write(tmp_path / ("a.npz" if write is npz else "a.h5"), layers=other)
        text = refusal(path)
        assert "holds no layer of VGG19, but conv0?xxx" in text
        assert text.count("conv") == 3

    def test_nothing(self, tmp_path, write):
        path = write(tmp_path / ("a.npz" if write is npz else "a.h5"), layers={})
        assert refusal(path).endswith("holds no layer of VGG19, but nothing")

    def test_any_cut_or_flipped_byte_is_an_error_or_harmless(self, tmp_path, write):
        """Broken files never raise anything but InputError."""
        path = Path(write(tmp_path / ("a.npz" if write is npz else "a.h5")))
        whole, rng = path.read_bytes(), np.random.default_rng(0)
        path.write_bytes(whole[: len(whole) // 2])
        refusal(path)
        for _ in range(60):
            broken = bytearray(whole)
            for at in rng.integers(0, min(len(whole), 4000), 4):
                broken[at] = rng.integers(256)
            path.write_bytes(broken)
            with contextlib.suppress(InputError):
                load(str(path))


def test_one_array_lacks(tmp_path):
    assert refusal(npz(tmp_path / "a.npz", block2_conv2__bias=None)).endswith("has no bias")
    assert refusal(npz(tmp_path / "a.npz", block2_conv2__kernel=None)).endswith("has no kernel")


def test_two_kernels(tmp_path):
    path = h5(tmp_path / "a.h5", **{"more/block1_conv2/kernel:0": LAYERS["block1_conv2"][0]})
    assert refusal(path).endswith("layer block1_conv2 has 2 kernels")


def test_scales(tmp_path):
    kernel = np.ones((3, 3, 3, 4), np.int8)
    for scale in (np.ones(3), np.float32(1), np.full(4, np.nan), np.ones(4, int)):
        more = {"block1_conv1__kernel": kernel, "block1_conv1__scale": scale}
        assert "block1_conv1: scale" in refusal(npz(tmp_path / "a.npz", **more))


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"kernel": LAYERS["block1_conv1"][0]}, " has both kernel and index"),
        ({"index": None}, " has no index"),
        ({"codebook": None}, " has no codebook"),
        ({"index": np.zeros((3, 3, 3, 4))}, ": index is of type float64, expected uint8"),
        ({"index": np.zeros((3, 3, 3, 4), "u2")}, ": index is of type uint16, expected uint8"),
        ({"index": np.zeros((3, 3, 3, 4), "i1")}, ": index is of type int8, expected uint8"),
        ({"index": np.zeros((3, 3, 2, 4), "u1")}, ": index is 3×3×2×4, expected 3×3×3×n"),
        ({"index": np.zeros((3, 3, 3, 0), "u1")}, ": index is 3×3×3×0, expected 3×3×3×n"),
        ({"index": np.zeros(108, "u1")}, ": index is 108, expected 3×3×3×n"),
        (
            {"index": np.full((3, 3, 3, 4), 20, "u1")},
            ": index 20 is beyond the codebook, which has 20 values",
        ),
        ({"codebook": np.zeros(20, int)}, ": codebook is of type int64, expected float"),
        ({"codebook": np.zeros(0)}, ": codebook is 0, expected n"),
        ({"codebook": np.zeros((20, 1))}, ": codebook is 20×1, expected n"),
        ({"codebook": np.float64(1)}, ": codebook is one number, expected n"),
        ({"codebook": np.zeros(257)}, ": codebook has 257 values, at most 256 are possible"),
        ({"codebook": np.full(20, np.nan)}, ": codebook holds values that are not finite"),
        ({"codebook": np.full(20, 1e200)}, ": codebook holds values that are not finite"),
    ],
)
def test_wrong_index_or_codebook(tmp_path, changed, told):
    text = refusal(npz(tmp_path / "a.npz", **coded(**changed)[0]))
    assert text.endswith(f"layer block1_conv1{told}")


def test_no_index_in_hdf5(tmp_path):
    """Keras writes none: what has a kernel's rank there is a kernel."""
    more, _ = coded()
    kept = {layer: arrays for layer, arrays in LAYERS.items() if layer != "block1_conv1"}
    arrays = {n.replace("__", "/"): a for n, a in more.items() if a is not None}
    arrays["block1_conv1/bias"] = LAYERS["block1_conv1"][1]
    assert "block1_conv1" in refusal(h5(tmp_path / "a.h5", layers=kept, **arrays))


class Bomb:
    def __reduce__(self):
        return os._exit, (3,)


def test_nothing_is_unpickled(tmp_path):
    bomb = np.empty((3, 3, 3, 4), object)
    bomb[...] = Bomb()
    path = npz(tmp_path / "a.npz", block1_conv1__kernel=bomb)
    assert "type object, expected float" in refusal(path)
    path = npz(tmp_path / "a.npz", **coded(index=bomb)[0])
    assert "type object, expected uint8" in refusal(path)
    (tmp_path / "a.npz").write_bytes(pickle.dumps(Bomb()))
    refusal(path)


def test_absurd_sizes(tmp_path):
    """Both files are small, and say that they hold terabytes."""
    path = h5(tmp_path / "a.h5", layers={k: v for k, v in LAYERS.items() if k != "block1_conv1"})
    with h5py.File(path, "a") as file:
        file.create_dataset("block1_conv1/kernel", (3, 3, 3, 10**11), "f4", chunks=(3, 3, 3, 99))
        file["block1_conv1/bias"] = np.zeros(4)
    assert "is too large" in refusal(path)
    header = io.BytesIO()
    shape = {"descr": "<f4", "fortran_order": False, "shape": (3, 3, 3, 10**11)}
    np.lib.format.write_array_header_1_0(header, shape)
    path = npz(tmp_path / "a.npz", block1_conv1__kernel=None)
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("block1_conv1/kernel.npy", header.getvalue())
    assert "is too large" in refusal(path)


def test_npz_array_that_ends_early(tmp_path):
    header = io.BytesIO()
    shape = {"descr": "<f4", "fortran_order": False, "shape": (3, 3, 3, 10**5)}
    np.lib.format.write_array_header_2_0(header, shape)
    path = npz(tmp_path / "a.npz", block1_conv1__kernel=None)
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("block1_conv1/kernel.npy", header.getvalue())
    assert "is not a readable NumPy .npz file" in refusal(path)


def test_npz_read_as_hdf5_and_back(tmp_path):
    os.rename(npz(tmp_path / "a.npz"), tmp_path / "a.h5")
    assert "is not a readable HDF5 file" in refusal(tmp_path / "a.h5")
    os.rename(h5(tmp_path / "a.h5"), tmp_path / "a.npz")
    assert "is not a readable NumPy .npz file" in refusal(tmp_path / "a.npz")


@pytest.mark.parametrize("at", ["block1_conv1", "elsewhere"])
@pytest.mark.parametrize("kind", ["external", "soft"])
def test_links_are_not_followed(tmp_path, at, kind):
    other = h5(tmp_path / "other.h5")
    kept = {layer: arrays for layer, arrays in LAYERS.items() if layer != at}
    path = h5(tmp_path / "a.h5", layers=kept)
    with h5py.File(path, "a") as file:
        if kind == "external":
            file[at] = h5py.ExternalLink(other, "/block1_conv1")
        else:
            file[at] = h5py.SoftLink("/block1_conv2")
    assert refusal(path).endswith(f"{at} is a link, and links are not followed")


@pytest.mark.parametrize("kind", ["external", "virtual"])
def test_values_in_another_file(tmp_path, kind):
    kernel, bias = LAYERS["block1_conv1"]
    kernel.tofile(tmp_path / "secret")
    kept = {layer: arrays for layer, arrays in LAYERS.items() if layer != "block1_conv1"}
    path = h5(tmp_path / "a.h5", layers=kept)
    with h5py.File(path, "a") as file:
        file["block1_conv1/bias"] = bias
        if kind == "external":
            where = [(str(tmp_path / "secret"), 0, kernel.nbytes)]
            file.create_dataset("block1_conv1/kernel", kernel.shape, "f4", external=where)
        else:
            layout = h5py.VirtualLayout(kernel.shape, "f4")
            layout[...] = h5py.VirtualSource(str(tmp_path / "b.h5"), "k", kernel.shape)
            file.create_virtual_dataset("block1_conv1/kernel", layout)
    assert refusal(path).endswith("block1_conv1/kernel keeps its values in another file")


def test_group_inside_itself(tmp_path):
    path = h5(tmp_path / "a.h5")
    with h5py.File(path, "a") as file:
        file["block1_conv1/again"] = file["/"]
    same(load(path))


def test_too_many_objects(tmp_path, monkeypatch):
    monkeypatch.setattr(weight_files, "MAX_OBJECTS", 50)
    with (
        open(h5(tmp_path / "a.h5"), "rb") as file,
        pytest.raises(InputError, match="more than 50 groups and arrays"),
    ):
        weight_files.read_h5(file, "a.h5", ("block1_conv1",))


@pytest.mark.parametrize(
    ("harm", "seconds", "told"),
    [
        ("import os; os.abort()", HANGING, "a.h5 is damaged: it makes the HDF5 library crash"),
        ("while True: pass", 1, "a.h5 is damaged: it could not be read within 1 s"),
        ("import sys; sys.exit(1)", HANGING, "a.h5 is not a readable HDF5 file"),
    ],
)
def test_a_file_that_breaks_its_library_costs_one_line(tmp_path, monkeypatch, harm, seconds, told):
    """What libhdf5 does at some damaged files, done by the process that reads them."""
    monkeypatch.setattr(sandbox, "_CODE", harm)
    with open(h5(tmp_path / "a.h5"), "rb") as file, pytest.raises(InputError) as caught:
        sandbox.read_h5_apart(file, "a.h5", ("block1_conv1",), seconds=seconds)
    assert str(caught.value) == told


def test_without_another_process_the_file_is_read_here(tmp_path, monkeypatch):
    monkeypatch.setattr(sandbox.sys, "executable", str(tmp_path / "gone"))
    same(load(str(h5(tmp_path / "a.h5")), "block5_conv1"))
