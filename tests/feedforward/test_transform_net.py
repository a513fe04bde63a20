"""The network that paints in one pass: its layers, its seed, and what is refused."""

import numpy as np
import pytest

from artistyle_tf.errors import ConfigError
from artistyle_tf.feedforward import build_transform_net
from artistyle_tf.vgg.extractor import FROZEN


def test_the_network():
    model = build_transform_net()
    assert model.count_params() == 276_675
    photo = np.random.default_rng(0).uniform(0, 255, (2, 20, 36, 3)).astype(np.float32)
    painted = model(photo)
    assert painted.shape == photo.shape
    assert painted.dtype == "float32"
    assert 0 <= float(np.min(painted)) < float(np.max(painted)) <= 255
    # Instance normalisation: what is beside it in the batch changes nothing.
    alone = model(photo[:1])
    np.testing.assert_allclose(painted[:1], alone, atol=1e-2)


def test_width_and_blocks_of_the_paper():
    model = build_transform_net(32, 5)
    kernels = [tuple(one.shape) for one in model.weights if one.path.endswith("kernel")]
    residual = [(3, 3, 128, 128)] * 10
    assert kernels == [
        (9, 9, 3, 32), (3, 3, 32, 64), (3, 3, 64, 128), *residual,
        (3, 3, 128, 64), (3, 3, 64, 32), (9, 9, 32, 3),
    ]  # fmt: skip


def test_the_seed_is_of_the_weights():
    one, same, other = (build_transform_net(4, 1, seed=seed).get_weights() for seed in (1, 1, 2))
    assert all(np.array_equal(*pair) for pair in zip(one, same, strict=True))
    assert not np.array_equal(one[0], other[0])
    first, second = [array for array in one if array.shape == (3, 3, 16, 16)]
    assert not np.array_equal(first, second)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"width": 0}, "width is 0; it must be"),
        ({"blocks": -1}, "blocks is -1; it must be"),
        ({"seed": -1}, "seed is -1; it must be"),
    ],
)
def test_what_is_wrong_is_said(options, said):
    with pytest.raises(ConfigError, match=f"^{said}"):
        build_transform_net(**options)


def test_not_where_weights_are_promised_to_be_frozen(monkeypatch):
    monkeypatch.setenv(FROZEN, "1")
    with pytest.raises(ConfigError, match=f"^{FROZEN} is 1, with which .* a process without"):
        build_transform_net()
