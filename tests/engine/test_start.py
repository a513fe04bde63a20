"""What a run starts from."""

import numpy as np
import pytest
from PIL import Image

from artistyle_tf import Config, InputError
from artistyle_tf.engine.inputs import cover, read_start, start_image, white_noise
from artistyle_tf.images.network_scale import to_network
from painters import stylize

SIZE = (32, 48)


def start(config, picture):
    return start_image(config, picture(32, 48), [picture(64, 96, 1)], read_start(config), SIZE)


def test_each_start(picture, tmp_path):
    Image.fromarray(picture(32, 48, 2)).save(tmp_path / "p.png")
    wanted = {
        "noise": white_noise(SIZE, 0, Config().noise_amplitude),
        "content": to_network(picture(32, 48)),
        "style": to_network(cover(picture(64, 96, 1), SIZE)),
        str(tmp_path / "p.png"): to_network(picture(32, 48, 2)),
    }
    for init, image in wanted.items():
        ours = start(Config(init=init), picture)
        assert (ours.dtype, ours.shape) == (np.float32, (1, *SIZE, 3))
        np.testing.assert_allclose(ours, image, atol=1e-5)


@pytest.mark.parametrize("share", [0.0, 0.3, 1.0])
def test_noise_is_blended_in_its_share(picture, share):
    image = start(Config(init="content", init_noise=share, noise_amplitude=60), picture)
    wanted = (1 - share) * to_network(picture(32, 48)) + share * white_noise(SIZE, 0, 60)
    np.testing.assert_allclose(image, wanted, atol=1e-4)


def test_pictures_are_cut_not_squashed():
    rgb = np.zeros((40, 160, 3), np.uint8)
    rgb[:, 60:100] = 255  # a square in the middle
    square = cover(rgb, (40, 40))
    assert square.shape == (40, 40, 3)
    assert square.min() == 255
    assert cover(rgb, (80, 17)).shape == (80, 17, 3)


def test_the_start_decides_the_picture_and_is_recorded(picture, small_file, tmp_path):
    Image.fromarray(picture(48, 48, 3)).save(tmp_path / "p.png")
    settings = {"size": 48, "iterations": 1, "weights": str(small_file), "optimizer": "adam"}
    settings |= {"learning_rate": 0.1}
    config = Config(init=tmp_path / "p.png", **settings)
    result = stylize(picture(48, 48), picture(48, 48, 1), config)
    assert np.abs(result.image - picture(48, 48, 3).astype(int)).max() <= 1
    assert result.record["config"]["init"] == "p.png"
    assert result.record["start"]["name"] == "p.png"
    assert len(result.record["start"]["sha256"]) == 64
    with pytest.raises(InputError, match="does not exist"):
        stylize(picture(48, 48), picture(48, 48, 1), Config(init="gone.png", **settings))


def test_luminance_keeps_the_chroma_of_the_photo_in_the_result(picture, small_file):
    content = picture(48, 48)
    plain, kept = (
        stylize(content, picture(48, 48, 1), Config.preset("fast", **settings)).unclipped
        for settings in (
            {"size": 48, "iterations": 25, "weights": str(small_file), "color": color}
            for color in ("style", "luminance")
        )
    )

    def chroma(rgb):
        return np.stack([rgb[..., 0] - rgb[..., 1], rgb[..., 1] - rgb[..., 2]])

    assert np.abs(chroma(kept) - chroma(content.astype(float))).max() < 0.01
    assert np.abs(chroma(plain) - chroma(content.astype(float))).mean() > 5
