"""What a level begins with."""

import numpy as np
import pytest

from artistyle_tf.config.config import Config
from artistyle_tf.images.sizes import resample
from painters import stylize


@pytest.fixture
def first_and_last(small_file, picture):
    """(the picture at the end of the coarse level, the one after the fine level's first step)."""

    def paint(**settings):
        # First steps are of one grey level, so the start shows.
        config = Config(
            size=64,
            weights=str(small_file),
            optimizer="adam",
            learning_rate=1e-6,
            levels=2,
            iterations=8,
            finest=0.5,
            precondition=0.0,
            **settings,
        )
        seen = {}

        def watch(step):
            seen.setdefault((step.level, step.iteration), step.unclipped())

        stylize(picture(64, 64, 1), picture(64, 64, 2), config, callback=watch)
        keys = sorted(seen)
        coarse = [seen[key] for key in keys if key[0] == 1][-1]
        fine = next(seen[key] for key in keys if key[0] == 2)
        return coarse, fine

    return paint


def test_the_detail_of_a_photo_stays(first_and_last, picture):
    """The steps are too short to be seen: the coarse level has changed nothing."""
    _, fine = first_and_last(init="content")
    np.testing.assert_allclose(fine, picture(64, 64, 1), atol=0.01)


@pytest.mark.parametrize("settings", [{"init": "content", "carry": "picture"}, {"init": "noise"}])
def test_what_was_painted_is_enlarged(first_and_last, settings):
    coarse, fine = first_and_last(**settings)
    np.testing.assert_allclose(fine, resample(coarse.astype(np.float32), (64, 64)), atol=0.02)
