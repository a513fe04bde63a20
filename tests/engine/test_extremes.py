"""Settings and pictures at the ends of their ranges: a finite picture, or one line of reason."""

import dataclasses

import numpy as np
import pytest

from artistyle_tf import ArtistyleError, Config, stylize

SIZE = (32, 48)
GREY, BLACK, WHITE = (np.full((*SIZE, 3), value, np.uint8) for value in (128, 0, 255))
NOISE = np.random.default_rng(0).integers(0, 256, (*SIZE, 3), np.uint8)
OTHER = np.random.default_rng(1).integers(0, 256, (40, 30, 3), np.uint8)

CASES = {
    "style equal to content": ({}, NOISE, [NOISE]),
    "one colour": ({}, GREY, [GREY]),
    "black content": ({}, BLACK, [OTHER]),
    "white style": ({}, NOISE, [WHITE]),
    "begun at the end": ({"init": "content"}, NOISE, [NOISE]),
    "a share of 0": ({"style_blend": (1.0, 0.0)}, NOISE, [OTHER, GREY]),
    "tiny weights": ({"content_weight": 1e-12, "style_weight": 1e-12}, NOISE, [OTHER]),
    "huge weights": ({"content_weight": 1e12, "style_weight": 1e12}, NOISE, [OTHER]),
    "no content": ({"content_weight": 0.0, "style_weight": 1e12}, NOISE, [OTHER]),
    "no style": ({"content_weight": 1e-12, "style_weight": 0.0}, NOISE, [OTHER]),
    "far apart": ({"content_weight": 1e-12, "style_weight": 1e12}, NOISE, [OTHER]),
    "smoothness alone": ({"tv_weight": 1e12}, NOISE, [OTHER]),
    "16 px": ({"size": 16}, NOISE[:16, :16], [OTHER]),
    "a strip": ({"size": 96}, NOISE[:16], [OTHER[:, :16]]),
    "paper": ({"formula": "paper", "style_weight": 1e12}, NOISE, [OTHER]),
    "no balance": ({"balance": 0}, NOISE, [OTHER]),
    "much style": ({"strength": 1, "balance": 0.5}, NOISE, [OTHER]),
    "no style by strength": ({"strength": 0, "content_weight": 1e-12}, NOISE, [OTHER]),
    "a huge palette weight": ({"palette_weight": 1e12}, NOISE, [OTHER]),
}


@pytest.mark.parametrize("case", CASES)
def test_a_finite_picture_or_one_line(small_file, case):
    settings, content, styles = CASES[case]
    config = Config(
        **{"size": 48, "iterations": 6, "levels": 1, **settings},
        optimizer="lbfgs",
        weights=str(small_file),
        precision="float32",
    )
    try:
        result = stylize(content, styles, config)
    except ArtistyleError as error:
        told = str(error)
        assert "\n" not in told
        assert "not finite" in told
        return
    assert np.isfinite(result.unclipped).all()
    if content is not BLACK:
        assert result.image.max() > 0
    assert result.stop_reason


def test_an_adam_that_diverges_hands_back_its_best(small_file):
    config = Config(
        size=48,
        iterations=80,
        levels=1,
        optimizer="adam",
        learning_rate=1e6,
        weights=str(small_file),
        precision="float32",
    )
    result = stylize(NOISE, OTHER, config)
    assert result.stop_reason.startswith("the objective grew")
    assert "again after a restart" in result.stop_reason
    assert len(result.trace) < 80
    start = stylize(NOISE, OTHER, dataclasses.replace(config, iterations=1, learning_rate=1e-6))
    assert np.abs(result.unclipped - start.unclipped).max() < 1
