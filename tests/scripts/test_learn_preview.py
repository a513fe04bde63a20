"""The learner of the preview weights, in miniature, and the file it shipped."""

import importlib
import sys
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from places import ROOT, SCRIPTS

SHIPPED = ROOT / "artistyle_tf" / "data" / "preview_vgg19.npz"


@pytest.fixture
def learner(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(str(SCRIPTS / "weights"))
    # Under its own name in sys.modules: dataclasses look their module up there.
    monkeypatch.delitem(sys.modules, "learn_preview_weights", raising=False)
    return importlib.import_module("learn_preview_weights")


def tiny(learner: ModuleType, seed: int = 0) -> tuple[list[np.ndarray], object]:
    recipe = learner.Recipe(
        widths=(4, 6, 8, 8, 8), patches=600, rounds=3, picture_size=64, drawn=2, seed=seed
    )
    rng = np.random.default_rng(recipe.seed)
    return learner.drawn_pictures(recipe.picture_size, recipe.drawn, rng), recipe


def test_same_seed_gives_the_same_bytes(learner: ModuleType, tmp_path: Path) -> None:
    files = [tmp_path / f"{n}.npz" for n in range(3)]
    for file, seed in zip(files, (0, 0, 1), strict=True):
        learner.save(learner.learn(*tiny(learner, seed)), file)
    assert files[0].read_bytes() == files[1].read_bytes()
    assert files[0].read_bytes() != files[2].read_bytes()


def test_shapes_firing_rates_and_means(learner: ModuleType) -> None:
    pictures, recipe = tiny(learner)
    weights = learner.learn(pictures, recipe)
    maps = learner.preprocess(pictures)
    for layer in learner.MEAN_ACTIVATION:
        if layer.endswith("conv1") and layer != "block1_conv1":
            maps = learner.max_pool(maps)
        kernel, bias = weights[f"{layer}/kernel"], weights[f"{layer}/bias"]
        block = int(layer[5]) - 1
        width, rate = recipe.widths[block], recipe.firing_rate[block]
        assert kernel.shape == (3, 3, maps.shape[-1], width)
        assert kernel.dtype == np.float16
        assert bias.shape == (width,)
        assert bias.dtype == np.float32
        maps = learner.convolve(maps, kernel, bias)
        # Few patches and padded borders make the small version rough, above all at 4 x 4.
        inner = maps[:, 1:-1, 1:-1]
        assert inner.mean() == pytest.approx(learner.target_mean(layer, width), rel=0.15), layer
        assert (inner > 0).mean() == pytest.approx(rate, abs=0.05), layer


def test_narrow_style_layers_are_scaled_by_the_root_of_their_share(learner: ModuleType) -> None:
    gain = learner.GAINS["block3_conv1"]
    assert learner.target_mean("block3_conv1", 256) == pytest.approx(145 * gain)
    assert learner.target_mean("block3_conv1", 64) == pytest.approx(145 / 2 * gain)
    assert learner.target_mean("block3_conv2", 64) == 172


def test_convolution_agrees_with_a_sum_written_out(learner: ModuleType) -> None:
    rng = np.random.default_rng(3)
    maps = rng.normal(size=(1, 4, 5, 2)).astype(np.float32)
    kernel, bias = rng.normal(size=(3, 3, 2, 3)), rng.normal(size=3)
    out = learner.convolve(maps, kernel, bias)
    assert out.shape == (1, 4, 5, 3)
    inside = np.einsum("yxc,yxco->o", maps[0, 1:4, 2:5], kernel) + bias
    np.testing.assert_allclose(out[0, 2, 3], np.maximum(inside, 0), rtol=1e-5, atol=1e-5)
    corner = np.einsum("yxc,yxco->o", maps[0, :2, :2], kernel[1:, 1:]) + bias
    np.testing.assert_allclose(out[0, 0, 0], np.maximum(corner, 0), rtol=1e-5, atol=1e-5)


def test_max_pool_drops_an_odd_edge(learner: ModuleType) -> None:
    maps = np.arange(15, dtype=np.float32).reshape(1, 3, 5, 1)
    np.testing.assert_array_equal(learner.max_pool(maps)[0, ..., 0], [[6, 8]])


def test_kmeans_finds_directions_whatever_their_length(learner: ModuleType) -> None:
    rng = np.random.default_rng(5)
    rows = np.repeat(np.eye(3, dtype=np.float32), 40, axis=0) * rng.uniform(1, 9, (120, 1))
    # One start may put two centres on one direction; several leave no excuse.
    found = [learner.spherical_kmeans(rows, 3, 5, np.random.default_rng(s)) for s in range(8)]
    best = max(found, key=lambda centres: (rows @ centres.T).max(1).sum())
    np.testing.assert_allclose(best[np.argsort(best.argmax(1))], np.eye(3), atol=1e-6)


def test_photographs_come_from_the_wheel_and_are_named_with_their_terms(
    learner: ModuleType,
) -> None:
    pytest.importorskip("skimage")
    pictures = learner.photographs(48)
    assert len(pictures) == 2 * len(learner.PHOTOGRAPHS)
    assert {picture.shape for picture in pictures} == {(48, 48, 3)}
    assert all(terms.endswith(("CC0", "public domain")) for terms in learner.PHOTOGRAPHS.values())


def test_shipped_weights_are_of_the_default_recipe(learner: ModuleType) -> None:
    recipe = learner.Recipe()
    with np.load(SHIPPED) as weights:
        keys = {
            f"{layer}/{part}" for layer in learner.MEAN_ACTIVATION for part in ("kernel", "bias")
        }
        assert set(weights.files) == keys
        channels = 3
        for layer in learner.MEAN_ACTIVATION:
            width = recipe.widths[int(layer[5]) - 1]
            assert weights[f"{layer}/kernel"].shape == (3, 3, channels, width)
            assert weights[f"{layer}/bias"].shape == (width,)
            assert np.isfinite(weights[f"{layer}/kernel"]).all()
            channels = width
    assert SHIPPED.stat().st_size <= 4 * 2**20
