"""Sizes, iterations and noise from coarse to fine. NumPy only."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from artistyle_tf.engine.inputs import white_noise
from artistyle_tf.engine.plan import level_sizes, split_iterations, total_iterations
from artistyle_tf.images.sizes import fit, whole_cells
from artistyle_tf.vgg.vgg19 import CELL

sides = st.integers(16, 5000)
levels = st.one_of(st.just("auto"), st.integers(1, 16))
relaxed = settings(max_examples=60)


@relaxed
@given(sides, sides, levels)
def test_levels_grow_to_the_size(height, width, count):
    size = whole_cells((height, width))
    sizes = level_sizes(size, count, 128)
    assert sizes[-1] == size
    if count != "auto":
        assert len(sizes) <= count
    for coarse, fine in itertools.pairwise(sizes):
        assert coarse[0] <= fine[0]
        assert coarse[1] <= fine[1]
        assert max(coarse) < max(fine)
    for one in sizes[:-1]:
        assert min(one) >= 2 * CELL
        scale = max(one) / max(size)
        # Each side is off by half a cell at the most, and the scale by half a cell too.
        assert all(abs(a - b * scale) <= CELL for a, b in zip(one, size, strict=True))


@pytest.mark.parametrize(
    ("size", "settings", "wanted"),
    [
        ((512, 512), ("auto", 128), [(128, 128), (256, 256), (512, 512)]),
        ((160, 160), ("auto", 128), [(160, 160)]),
        ((192, 192), ("auto", 128), [(128, 128), (192, 192)]),
        ((512, 512), (1, 128), [(512, 512)]),
        ((64, 64), (3, 128), [(32, 32), (64, 64)]),
        ((32, 512), ("auto", 128), [(32, 512)]),  # a strip
        ((512, 512), ("auto", 256), [(256, 256), (512, 512)]),
        ((512, 512), ("auto", 2048), [(512, 512)]),
        ((512, 512), (2, 64), [(256, 256), (512, 512)]),
        ((512, 512), ("auto", 128, 4), [(128, 128), (512, 512)]),
        ((512, 512), (2, 128, 4), [(128, 128), (512, 512)]),
    ],
)
def test_levels_by_example(size, settings, wanted):
    assert level_sizes(size, *settings) == wanted


def test_finer_levels_with_iterations_of_their_own():
    assert split_iterations(1000, 3, finer=500) == [1000, 500, 500]
    assert split_iterations(1, 3, finer=500) == [1, 500, 500]
    assert total_iterations(1000, 3, 500) == 2000
    assert total_iterations(300, 3) == 300


@pytest.mark.parametrize("aspect", [(1, 1), (3, 4), (4, 3), (9, 16), (2, 3)])
def test_the_coarsest_level_is_the_same_at_every_size(aspect):
    """The same seed then gives the same composition."""
    height, width = (1000 * side for side in aspect)
    sizes = [fit(height, width, size) for size in (256, 512, 768, 1024, 2048)]
    assert len({level_sizes(size, "auto", 256)[0] for size in sizes}) == 1


@relaxed
@given(st.integers(1, 10**7), st.integers(1, 16))
def test_iterations_sum(total, count):
    budgets = split_iterations(total, count)
    assert sum(budgets) == total
    assert min(budgets) >= 1
    assert len(budgets) == min(count, total)
    assert budgets[-1] == max(budgets)
    if len(budgets) > 1:
        assert len(set(budgets[:-1])) == 1


def test_the_finest_level_gets_three_fifths():
    assert split_iterations(300, 1) == [300]
    assert split_iterations(500, 6, 0.06) == [94] * 5 + [30]
    assert split_iterations(300, 2) == [90, 210]
    assert split_iterations(300, 3) == [45, 45, 210]
    assert split_iterations(7, 3) == [1, 1, 5]
    assert split_iterations(2, 5) == [1, 1]


@pytest.mark.parametrize("seed", [0, 1, 2**63 - 1])
def test_noise_is_the_published_formula(seed):
    noise = white_noise((5, 7), seed, 60)
    wanted = np.random.default_rng(seed).uniform(-60, 60, (5, 7, 3)).astype(np.float32)
    assert (noise.shape, noise.dtype) == ((1, 5, 7, 3), np.float32)
    np.testing.assert_array_equal(noise[0], wanted)
