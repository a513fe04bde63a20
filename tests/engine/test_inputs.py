"""Texture from a style alone, and a content out of one of its layers."""

import numpy as np
import pytest
from PIL import Image

from artistyle_tf import Config, ConfigError
from artistyle_tf.cli.main import main
from artistyle_tf.engine.export import build_objective
from artistyle_tf.engine.inputs import read_inputs, style_sides, white_noise
from artistyle_tf.engine.provenance import kinds_of, read_rerun
from artistyle_tf.errors import InputError
from artistyle_tf.images.network_scale import to_network
from artistyle_tf.images.read import read_record
from painters import stylize

FAST = {"optimizer": "lbfgs", "precision": "float32"}

pytestmark = pytest.mark.usefixtures("unfrozen")


@pytest.mark.parametrize(
    ("size", "made"),
    [((70, 44), (44, 70)), (48, (48, 48)), (0, (40, 56)), ([33, 47], (47, 33))],
)
def test_a_texture_has_the_size_asked_for(small_file, picture, size, made):
    config = Config(task="texture", size=size, iterations=3, weights=str(small_file), **FAST)
    assert stylize(None, picture(40, 56), config).image.shape == (*made, 3)


def test_a_texture_has_the_styles_gram_matrices(small_file, picture):
    """The style's loss falls below a two hundredth of the noise's."""
    config = Config(
        task="texture",
        size=(64, 48),
        iterations=150,
        levels=1,
        weights=str(small_file),
        palette_weight=0,
        **FAST,  # noise, blurred, is not of its own colours
    )
    style = picture(64, 64, 1)
    bound = build_objective(None, style, config)
    assert bound.size == (48, 64)
    start, _ = bound(white_noise((48, 64), 0, 60))
    result = stylize(None, style, config)
    end, _ = bound(to_network(result.unclipped))
    assert float(end) < float(start) / 200
    assert result.record["content"] is None
    assert result.record["outcome"]["objective"]["content"] == 0


def test_a_texture_keeps_its_styles_scale():
    """Twice the canvas takes no larger strokes; `style_scale` is relative to the style's own."""
    for canvas in ((512, 512), (256, 1024)):
        for scale, longer in ((1, 300), (0.5, 150)):
            config = Config(task="texture", style_scale=scale)
            assert style_sides(config, (200, 300), canvas, canvas) == (longer * 2 // 3, longer)
    half = style_sides(Config(task="texture"), (200, 300), (256, 256), (512, 512))
    assert half == (100, 150)  # at a level half as large
    assert style_sides(Config(), (200, 300), (256, 256), (512, 512)) == (171, 256)


def test_reconstructions_lose_pixels_with_depth(shared, picture):
    """From the first layer the photo comes back nearly to the pixel; from deeper ones less."""
    with Image.open(shared / "images" / "tuebingen.jpg") as file:
        photo = np.asarray(file.convert("RGB").resize((48, 36)))
    errors = []
    for layer in ("block1_conv1", "block3_conv1", "block4_conv1"):
        config = Config(
            task="reconstruct",
            content_layers={layer: 1},
            size=48,
            iterations=40,
            levels=1,
            weights="preview",
            **FAST,
        )
        result = stylize(photo, None, config)
        assert result.record["styles"] == []
        errors.append(np.abs(result.image.astype(float) - photo).mean())
    assert errors[0] < 4
    assert errors[0] < errors[1] / 2
    assert errors[1] < errors[2]


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({"task": "texture", "size": (640, 8)}, "size is 8; it must be a whole number from 16"),
        ({"task": "texture", "size": (1, 2, 3)}, r"size is \(1, 2, 3\); it must be a whole number"),
        ({"size": (640, 480)}, "two, width and height, are for task texture"),
        (
            {"task": "texture", "init": "content"},
            "init is 'content', which task texture",
        ),
        (
            {"task": "reconstruct", "init": "style"},
            "init is 'style', which task reconstruct",
        ),
        ({"task": "texture", "color": "match"}, "color is 'match', which needs content and style"),
    ],
)
def test_settings_that_do_not_go_with_the_task(settings, told):
    with pytest.raises(ConfigError, match=told):
        Config(**settings)


def test_pictures_that_do_not_go_with_the_task(picture):
    one = picture(32, 32)
    for task, content, styles, masks, told in (
        ("texture", one, [one], (), "content is given, and task texture has none"),
        ("texture", None, [], (), "style is missing"),
        ("stylize", None, [one], (), "content is missing; name a picture"),
        ("reconstruct", one, [one], (), "style is given, and task reconstruct has none"),
        ("reconstruct", None, [], (), "content is missing"),
        ("texture", None, [one], [one], "content_mask is given, and task texture takes no masks"),
    ):
        with pytest.raises(ConfigError, match=told):
            read_inputs(Config(task=task), content, styles, masks)
    with pytest.raises(InputError):
        read_inputs(Config(task="texture"), None, ["gone.png"])


def test_the_command(small_file, picture, tmp_path, capsys):
    for name, seed in (("photo", 0), ("painting", 1)):
        Image.fromarray(picture(40, 56, seed)).save(tmp_path / f"{name}.png")
    out = tmp_path / "o.png"
    rest = [f"--output={out}", f"--weights={small_file}", "--preset=fast", "--iterations=3"]
    style, content = f"--style={tmp_path}/painting.png", f"--content={tmp_path}/photo.png"
    assert main(["--task=texture", style, "--size=70x44", *rest]) == 0
    with Image.open(out) as file:
        assert file.size == (70, 44)
    assert read_record(out)["config"]["size"] == [70, 44]
    rerun = read_rerun(out, weights=str(small_file))
    assert rerun.config.size == (70, 44)
    picked = read_inputs(rerun.config, None, [tmp_path / "painting.png"])
    assert rerun.differences(kinds_of(picked.content, picked.styles, None, picked.masks)) == []
    again = [f"--rerun={out}", f"--output={tmp_path}/p.png", f"--weights={small_file}"]
    assert main([*again, style]) == 0
    assert (tmp_path / "p.png").read_bytes() == out.read_bytes()
    assert main(["--task=reconstruct", content, "--size=48", *rest]) == 0
    with Image.open(out) as file:
        assert file.size == (48, 34)
    capsys.readouterr()
    for flags, told in (
        (["--task=texture", style, content], "--content is given, and task texture has none"),
        ([style], "--content is missing: artistyle"),
    ):
        assert main([*flags, *rest]) == 2
        error = capsys.readouterr().err
        assert told in error
        assert error.count("\n") == 1
