"""The event of a run. No TensorFlow."""

import base64
import dataclasses
import io
import re

import pytest
from PIL import Image

from artistyle_tf.engine.results import Step


def make_step(rgb=None):
    nothing = dict.fromkeys(("parts", "image", "unclipped"), lambda: None)
    step = Step(2, 3, (32, 48), 12, 300, 14, 1302.34, 0.1, 75.2, **nothing)
    return step if rgb is None else dataclasses.replace(step, image=lambda: rgb)


@pytest.mark.parametrize(
    ("size", "shown"), [((32, 48), (48, 32)), ((300, 600), (512, 256)), ((700, 300), (300, 700))]
)
def test_a_notebook_shows_how_far_the_run_is(picture, size, shown):
    """What notebooks prefer to the picture alone holds the picture, at most 512 px wide."""
    html = make_step(picture(*size))._repr_html_()
    rows = re.findall("<tr><th>(.*?)</th><td>(.*?)</td></tr>", html)
    assert dict(rows) == {
        "level": "2/3, 48×32 px",
        "iteration": "12/300",
        "objective": "1302",
        "time left": "1:15",
    }
    (data,) = re.findall('<img src="data:image/png;base64,([^"]*)">', html)
    with Image.open(io.BytesIO(base64.b64decode(data))) as image:
        assert image.size == shown
