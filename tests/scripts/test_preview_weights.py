"""The maker of the preview network: its parts on narrow networks, and all of it in miniature."""

import numpy as np
import pytest

from artistyle_tf.vgg.vgg19 import STYLE_LAYERS, VGG19_LAYERS
from artistyle_tf.vgg.weights import load
from weight_networks import WIDTHS

NAMES = VGG19_LAYERS[: VGG19_LAYERS.index("block5_conv1") + 1]


def narrow(seed=0):
    """A VGG19 of 4 to 8 channels whose activations neither die nor grow."""
    rng, inputs, layers = np.random.default_rng(seed), 3, {}
    for name in NAMES:
        width = WIDTHS[int(name[5]) - 1]
        kernel = rng.normal(0, np.sqrt(2 / (9 * inputs)), (3, 3, inputs, width))
        layers[name] = kernel.astype(np.float32), rng.normal(0, 1, width).astype(np.float32)
        inputs = width
    return layers


def doubled(layers):
    """The same function, each channel but the input's there twice, halved on its way on."""
    made = {}
    for name, (kernel, bias) in layers.items():
        if name != NAMES[0]:
            kernel = np.concatenate([kernel, kernel], 2) / 2
        made[name] = np.concatenate([kernel, kernel], 3), np.concatenate([bias, bias])
    return made


@pytest.fixture
def pictures(script):
    material = script("material")
    rng = np.random.default_rng(4)
    return material.preprocess(material.drawn(48, 2, rng))


def seen(script, layers, pictures):
    return dict(script("prune").forward(layers, pictures))


def silent(text):
    assert text


# Closed form


def test_channels_that_others_make_up_for_are_left_out(script):
    rng = np.random.default_rng(0)
    free = rng.uniform(size=(200, 3)) * [3, 2, 1]
    columns = np.stack([free[:, 0], free[:, 0] / 2, free[:, 1], free @ [0.1, 0.1, 0], free[:, 2]])
    assert script("prune").choose(columns.T, 3) == (0, 2, 4)
    assert script("prune").choose(columns.T, 9) == (0, 1, 2, 3, 4)


def test_fit_finds_filters_and_lets_values_below_nought_be(script):
    rng = np.random.default_rng(1)
    patches = rng.normal(size=(3000, 6)).astype(np.float32)
    wanted = rng.normal(size=(7, 2)).astype(np.float32)
    targets = patches @ wanted[:-1] + wanted[-1]
    np.testing.assert_allclose(script("prune").fit(patches, targets), wanted, atol=1e-3)
    # What is below nought may be anything: ReLU hides it, where plain least squares is misled.
    bent = np.where(targets > 0, targets, targets - 5)
    found = script("prune").fit(patches, bent)
    plain = np.linalg.lstsq(np.c_[patches, np.ones(3000)], bent, rcond=None)[0]

    def error(filters):
        made = patches @ filters[:-1] + filters[-1]
        return np.mean((np.maximum(made, 0) - np.maximum(targets, 0)) ** 2)

    assert error(found) < error(plain) / 3


def test_a_network_with_every_channel_twice_is_pruned_to_half(script, pictures):
    teacher = doubled(narrow())
    widths = {name: bias.size // 2 for name, (_, bias) in teacher.items()}
    lines = []
    student, kept = script("prune").prune(
        teacher, widths, pictures, np.random.default_rng(0), lines.append
    )
    assert [line.split()[0] for line in lines] == list(NAMES)
    ours, theirs = seen(script, student, pictures), seen(script, teacher, pictures)
    for name in NAMES:
        half = widths[name]
        # Rounding decides between the two of a pair, and what depends on others may be left out.
        missing = sorted(set(range(half)) - {channel % half for channel in kept[name]})
        known = theirs[name][..., kept[name]].reshape(-1, len(kept[name]))
        others = theirs[name][..., missing].reshape(len(known), len(missing))
        again = known @ np.linalg.lstsq(known, others, rcond=None)[0]
        assert np.abs(again - others).sum() <= 0.02 * np.abs(others).sum(), name
        wanted = theirs[name][..., kept[name]]
        assert np.abs(ours[name] - wanted).mean() < 0.02 * wanted.mean(), name


def test_a_whole_first_layer_stays_as_it_is(script, pictures):
    teacher = narrow()
    widths = {name: bias.size for name, (_, bias) in teacher.items()}
    student, _ = script("prune").prune(teacher, widths, pictures, np.random.default_rng(0), silent)
    for array, other in zip(student["block1_conv1"], teacher["block1_conv1"], strict=True):
        assert array is other


# Scales


def test_scaled_changes_the_layers_named_and_no_other(script, pictures):
    factors = {"block1_conv1": 2.0, "block4_conv2": 0.5, "block5_conv1": 3.0}
    before = seen(script, narrow(), pictures)
    after = seen(script, script("balance").scaled(narrow(), factors), pictures)
    for name in NAMES:
        np.testing.assert_allclose(
            after[name], before[name] * factors.get(name, 1), rtol=1e-3, atol=1e-3
        )


def test_losses_of_a_narrower_network_become_the_whole_one_s(script, pictures):
    teacher, balance = narrow(), script("balance")
    student = balance.scaled(teacher, {"block2_conv1": 0.7, "block4_conv2": 3.0})
    found, factors = balance.balanced(student, teacher, pictures, {})
    assert factors["block2_conv1"] == pytest.approx(1 / 0.7, rel=1e-3)
    assert factors["block4_conv2"] == pytest.approx(1 / 3, rel=1e-3)
    others = [factors[name] for name in STYLE_LAYERS if name != "block2_conv1"]
    assert others == pytest.approx([1] * 4, rel=1e-3)
    for name, maps in seen(script, found, pictures).items():
        np.testing.assert_allclose(maps, seen(script, teacher, pictures)[name], rtol=1e-2, atol=0.1)
    gains = {"block3_conv1": 16.0, "block4_conv2": 4.0}
    more = balance.balanced(student, teacher, pictures, gains)[1]
    assert more["block3_conv1"] == pytest.approx(2 * factors["block3_conv1"], rel=1e-3)
    assert more["block4_conv2"] == pytest.approx(2 * factors["block4_conv2"], rel=1e-3)


# Material


def test_material_comes_from_the_wheel_and_is_named_with_its_terms(script):
    pytest.importorskip("skimage")
    material = script("material")
    found = material.gather()
    assert len(found) == len(material.PHOTOGRAPHS) + 2  # the samples
    assert all(picture.ndim == 3 and picture.dtype == np.uint8 for picture in found)
    ends = ("CC0", "public domain", "no known restrictions")
    assert all(terms.endswith(ends) for terms in material.PHOTOGRAPHS.values())


def test_a_folder_joins_the_material(script, picture, tmp_path):
    pytest.importorskip("skimage")
    from PIL import Image

    from artistyle_tf.errors import InputError

    material = script("material")
    with pytest.raises(InputError, match="holds no pictures"):
        material.gather(tmp_path)
    Image.fromarray(picture(40, 30, 1)).save(tmp_path / "a.png")
    (tmp_path / "notes.txt").write_text("not a picture")
    np.testing.assert_array_equal(material.gather(tmp_path)[-1], picture(40, 30, 1))


def test_crops_and_colours(script, picture):
    material = script("material")
    whole, rng = picture(60, 90, 2), np.random.default_rng(3)
    for side in (16, 48, 64):
        part = material.crop(whole, side, rng)
        assert (part.shape, part.dtype) == ((side, side, 3), np.uint8)
    other = material.recoloured(whole, rng)
    assert (other.shape, other.dtype) == (whole.shape, np.uint8)
    assert np.abs(other.astype(int) - whole).mean() > 3


# All of it


@pytest.mark.slow
def test_the_same_seed_makes_the_same_network(script, monkeypatch, tmp_path, capsys):
    pytest.importorskip("skimage")
    maker = script("make_preview_weights")
    monkeypatch.setattr(maker, "SIDE", 48)
    monkeypatch.setattr(maker, "WIDTHS", (64, *(8 for _ in NAMES[1:])))
    for name in "ab":
        assert maker.main([str(tmp_path / f"{name}.npz")]) == 0
    assert capsys.readouterr().out.count("block5_conv1  8 of 512 channels") == 2
    one, other = (load(str(tmp_path / f"{name}.npz")) for name in "ab")
    assert [bias.size for _, bias in one.layers.values()] == list(maker.WIDTHS)
    for name in NAMES:
        for array, same in zip(one.layers[name], other.layers[name], strict=True):
            np.testing.assert_allclose(array, same, rtol=1e-3, atol=1e-5)


def test_the_shipped_file_has_the_widths_of_the_script(script):
    maker = script("make_preview_weights")
    sizes = [bias.size for _, bias in load("preview").layers.values()]
    assert tuple(sizes) == maker.WIDTHS
    assert maker.OUTPUT.stat().st_size < 4e6


def test_mistakes_cost_a_line(script, tmp_path, capsys):
    maker = script("make_preview_weights")
    assert maker.main([str(tmp_path / "no" / "a.npz")]) == 1
    assert maker.main([str(tmp_path / "a.npz"), f"--pictures={tmp_path}"]) == 1
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 2
    assert all(line.startswith("make_preview_weights.py: ") for line in lines)
