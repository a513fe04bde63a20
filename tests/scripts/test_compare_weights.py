"""What 8 bits cost: nothing for equal files, something for different ones."""

import json

import numpy as np
import pytest
from PIL import Image

from conftest import make_weights


@pytest.fixture
def compare_weights(script):
    return script("compare_weights")


def test_equal_files_differ_by_nothing(compare_weights, small_file, picture, tmp_path, capsys):
    for name, seed in (("photo", 0), ("painting", 1)):
        Image.fromarray(picture(40, 32, seed)).save(tmp_path / f"{name}.png")
    written = tmp_path / "figures.json"
    status = compare_weights.main(
        [
            *(f"--original={small_file}", f"--packed={small_file}", "--deepest=block2_conv1"),
            *(f"--pair={tmp_path}/photo.png,{tmp_path}/painting.png", f"--json={written}"),
            *("--size=32", "--iterations=2"),
        ]
    )
    printed, told = capsys.readouterr()
    assert status == 0, told
    figures = json.loads(written.read_text())
    layers = ["block1_conv1", "block1_conv2", "block2_conv1"]
    assert [row["layer"] for row in figures["layers"]] == layers
    for row in figures["layers"]:
        assert (row["kernel"], row["activations"], row["Gram matrix"]) == (0, 0, 0)
    assert [row["at"] for row in figures["objective"]] == ["photo", "noise", "painting"]
    for row in figures["objective"]:
        assert row["pair"] == "photo × painting"
        assert row["value"] > 0
        # Sums over threads may be rounded in another order.
        assert row["value, 8 bits"] == pytest.approx(0, abs=1e-5)
        assert row["gradient, 8 bits"] == pytest.approx(0, abs=1e-3)
        assert row["cosine"] == pytest.approx(1, abs=1e-5)
    photo, noise = figures["pictures"]
    assert (photo["start"], noise["start"]) == ("photo", "noise")
    for row in (photo, noise):
        assert row["8 bits: grey levels apart"] == pytest.approx(0, abs=0.2)
        assert row["8 bits: closed"] == pytest.approx(row["float32: closed"], abs=1e-3)
    assert noise["another seed: grey levels apart"] > noise["8 bits: grey levels apart"]
    assert "another seed: closed" not in photo
    assert printed.count("|---") > 3
    assert "| block2_conv1 | 0.000 % | 0.000 % | 0.000 % |" in printed


def test_different_kernels_differ(compare_weights, small_arrays, picture):
    """With every kernel 1 % larger and no bias, activations and Gram matrices are known."""
    original = make_weights({layer: (k, 0 * bias) for layer, (k, bias) in small_arrays.items()})
    larger = make_weights({layer: (k * 1.01, b) for layer, (k, b) in original.layers.items()})
    networks = [compare_weights.network(weights) for weights in (original, larger)]
    rows = compare_weights.by_layer(
        original, larger, networks, [picture(32, 48), picture(48, 32, 1)]
    )
    assert [row["layer"] for row in rows] == list(original.layers)
    for depth, row in enumerate(rows, start=1):
        assert row["kernel"] == pytest.approx(0.01, rel=1e-4)
        assert row["activations"] == pytest.approx(1.01**depth - 1, rel=1e-3)
        assert row["Gram matrix"] == pytest.approx(1.01 ** (2 * depth) - 1, rel=1e-3)


def test_relative_error_by_hand(compare_weights):
    assert compare_weights.error(np.array([3.0, 0.0]), np.array([0.0, 4.0])) == 5 / 4
    assert compare_weights.error(np.zeros(2), np.zeros(2)) == 0
    assert compare_weights.layers_for("block5_conv1") == (
        [f"block{block}_conv1" for block in range(1, 6)],
        "block4_conv2",
    )
    assert compare_weights.layers_for("block3_conv4")[1] == "block3_conv2"
    assert compare_weights.layers_for("block1_conv2") == (["block1_conv1"], "block1_conv2")


@pytest.mark.parametrize(
    ("flags", "status", "told"),
    [
        (["--pair=one.png"], 2, "--pair='one.png' must be two files"),
        (["--deepest=fc1"], 2, "fc1"),
        (["--packed=no.npz"], 1, "no.npz cannot be read"),
        (["--packed=preview"], 1, "preview_vgg19.npz is of other widths than small.npz"),
        (["--json=nowhere/a.json"], 1, "a.json"),
    ],
)
def test_mistakes_cost_a_line(
    compare_weights, small_file, tmp_path, monkeypatch, capsys, flags, status, told
):
    monkeypatch.chdir(tmp_path)
    for name in ("a", "b"):
        Image.new("RGB", (20, 20)).save(f"{name}.png")
    assert (
        compare_weights.main([f"--original={small_file}", "--pair=a.png,b.png", *flags]) == status
    )
    error = capsys.readouterr().err
    assert error.startswith("compare_weights.py: ")
    assert told in error
    assert error.count("\n") == 1
