"""Packing of weights: k-means against trying everything, files to the byte, and the shipped one."""

import configparser
import hashlib
import itertools
import subprocess
import sys
import zipfile

import numpy as np
import pytest

from artistyle_tf.vgg.vgg19 import VGG19_LAYERS
from artistyle_tf.vgg.weights import load
from places import ROOT, SCRIPTS
from weight_networks import LAYERS, h5, npz, same

SCRIPT = SCRIPTS / "weights" / "pack_weights.py"
SHIPPED = ROOT / "artistyle_tf" / "data" / "vgg19_8bit.npz"


@pytest.fixture
def pack_weights(script):
    return script("pack_weights")


# k-means


def cost(numbers, centres):
    return float((np.abs(numbers[:, None] - centres).min(axis=1) ** 2).sum())


def least_cost(numbers, count):
    """By trying all ways to cut the sorted numbers."""
    ordered = np.sort(numbers)
    ways = (
        np.split(ordered, cuts)
        for cuts in itertools.combinations(range(1, ordered.size), count - 1)
    )
    return min(sum(float(((run - run.mean()) ** 2).sum()) for run in way) for way in ways)


@pytest.mark.parametrize("count", [1, 2, 3, 5])
@pytest.mark.parametrize("seed", range(4))
def test_k_means_is_the_best_of_all_ways(pack_weights, seed, count):
    rng = np.random.default_rng(seed)
    numbers = rng.laplace(size=13).astype(np.float32)
    if seed == 3:  # with many equal ones
        numbers = np.round(numbers)
        count = min(count, np.unique(numbers).size)
    found = pack_weights.k_means(numbers.reshape(1, 13), count)
    assert found.dtype == np.float32
    assert (np.diff(found) > 0).all()
    assert cost(numbers, found) == pytest.approx(least_cost(numbers, count), rel=1e-5, abs=1e-9)


def test_k_means_of_many_finds_what_it_finds_with_all_places(pack_weights):
    """With few places at first, refined later, as for the largest layers."""
    numbers = np.random.default_rng(0).laplace(size=6000).astype(np.float32)
    whole = pack_weights.k_means(numbers, 24)
    refined = pack_weights.k_means(numbers, 24, grid=2048)
    assert cost(numbers, refined) == pytest.approx(cost(numbers, whole), rel=1e-6)


def test_nearest_value_of_the_codebook(pack_weights):
    kernel = np.random.default_rng(0).normal(size=(3, 3, 8, 8)).astype(np.float32)
    index, codebook, lossless = pack_weights.pack(kernel)
    assert not lossless
    assert (index.dtype, codebook.size) == (np.uint8, 256)
    nearest = np.abs(kernel.reshape(-1, 1) - codebook).argmin(axis=1).reshape(kernel.shape)
    np.testing.assert_array_equal(index, nearest)
    assert 0 < pack_weights.relative_error(kernel, index, codebook) < 0.05


# Files


def coarse(layers=LAYERS):
    """The network with at most 129 values a kernel."""
    return {
        layer: (np.clip(np.round(kernel * 20), -64, 64) / np.float32(20), bias)
        for layer, (kernel, bias) in layers.items()
    }


def test_few_values_are_packed_without_loss_and_to_the_same_bytes(pack_weights, tmp_path, capsys):
    layers, packed = coarse(), []
    sources = [h5(tmp_path / "a.h5", layers=layers), npz(tmp_path / "a.npz", layers=layers)]
    for number, source in enumerate([*sources, sources[1]]):
        output = tmp_path / f"packed{number}.npz"
        assert pack_weights.main([source, str(output)]) == 0
        same(load(str(output)), layers)
        packed.append(output.read_bytes())
    assert packed[0] == packed[1] == packed[2]
    assert pack_weights.main([str(output), str(tmp_path / "again.npz")]) == 0  # packed already
    assert (tmp_path / "again.npz").read_bytes() == packed[0]
    told = capsys.readouterr().out
    assert told.count("lossless") == 4 * 13
    assert told.endswith(
        f"{len(packed[0]):,} bytes, SHA-256 {hashlib.sha256(packed[0]).hexdigest()}\n"
    )
    with zipfile.ZipFile(output) as archive:
        names = [f"{la}/{n}.npy" for la in VGG19_LAYERS[:13] for n in ("index", "codebook", "bias")]
        assert archive.namelist() == names
        assert {info.date_time for info in archive.infolist()} == {(1980, 1, 1, 0, 0, 0)}


def test_many_values_are_clustered(pack_weights, tmp_path, capsys):
    source, output = npz(tmp_path / "a.npz"), tmp_path / "packed.npz"
    assert pack_weights.main([source, str(output), "--deepest=block3_conv1"]) == 0
    found = load(str(output), "block3_conv1").layers
    for layer, (kernel, bias) in found.items():
        np.testing.assert_array_equal(bias, LAYERS[layer][1])
        np.testing.assert_allclose(kernel, LAYERS[layer][0], atol=0.5)
        assert np.unique(kernel).size <= 256
    told = capsys.readouterr().out.splitlines()
    assert [line.split()[3] for line in told[:-1]] == ["lossless"] * 4 + ["error"]
    assert told[4].startswith("block3_conv1  256 values  error 0.")


@pytest.mark.parametrize(
    ("arguments", "status", "told"),
    [
        (["a.npz", "out.h5"], 2, "the output out.h5 must end in .npz"),
        (["a.txt", "out.npz"], 2, "weights is 'a.txt'"),
        (["a.npz", "out.npz", "--deepest=fc1"], 2, "no VGG19 layer is called 'fc1'"),
        (["no.npz", "out.npz"], 1, "no.npz cannot be read"),
        (["broken.npz", "out.npz"], 1, "broken.npz is not a readable NumPy .npz file"),
        (["a.npz", "nowhere/out.npz"], 1, "out.npz"),
    ],
)
def test_mistakes_cost_a_line_and_leave_nothing(
    pack_weights, tmp_path, monkeypatch, capsys, arguments, status, told
):
    monkeypatch.chdir(tmp_path)
    npz(tmp_path / "a.npz")
    (tmp_path / "broken.npz").write_bytes(b"PK")
    assert pack_weights.main(arguments) == status
    error = capsys.readouterr().err
    assert error.startswith("pack_weights.py: ")
    assert told in error
    assert error.count("\n") == 1
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.npz", "broken.npz"]


def test_as_a_command(tmp_path):
    source = npz(tmp_path / "a.npz", layers=coarse())
    command = [sys.executable, str(SCRIPT), source, str(tmp_path / "b.npz")]
    done = subprocess.run(command, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")


# The shipped file


def test_shipped_file_is_small_and_has_thirteen_layers_of_full_width():
    assert SHIPPED.stat().st_size <= 12_500_000
    found = load(str(SHIPPED)).layers
    assert tuple(found) == VGG19_LAYERS[:13]
    shapes = [kernel.shape for kernel, _ in found.values()]
    widths = [64] * 2 + [128] * 2 + [256] * 4 + [512] * 5
    assert shapes == [(3, 3, *pair) for pair in itertools.pairwise([3, *widths])]
    for kernel, _ in found.values():
        assert kernel.dtype == np.float32
        assert kernel.flags.c_contiguous
        assert not kernel.flags.writeable
    with zipfile.ZipFile(SHIPPED) as archive:
        assert len(archive.namelist()) == 3 * 13


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


def test_notice_goes_with_the_package_and_names_authors_and_licences():
    setup = configparser.ConfigParser()
    setup.read(ROOT / "setup.cfg", "utf-8")
    assert setup["metadata"]["license_files"].split() == ["LICENSE", "NOTICE"]
    assert "data/*" in setup["options.package_data"]["artistyle_tf"]
    notice = (ROOT / "NOTICE").read_text("utf-8")
    for needed in (
        SHIPPED.name,
        "preview_vgg19.npz",
        "Karen Simonyan and Andrew Zisserman",
        "arXiv:1409.1556",
        "https://creativecommons.org/licenses/by/4.0/",
        "Keras Applications",
        "256 values by k-means",
        "Copyright (c) 2019 Daniel Steinberg",
        "Permission is hereby granted, free of charge",
        "beyond block5_conv1 were left out",
        "endorses",
    ):
        assert needed in " ".join(notice.split()), needed
