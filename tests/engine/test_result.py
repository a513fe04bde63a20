"""What a run tells and hands back, as notebooks show it. No TensorFlow."""

import base64
import dataclasses
import io
import re

import numpy as np
import pytest
from PIL import Image

from artistyle_tf.engine.results import Result, Step


def make_result(rgb, **more):
    return Result(
        **{
            "image": rgb,
            "unclipped": rgb.astype(np.float32),
            "alpha": None,
            "trace": [],
            "stop_reason": "all 9 iterations done",
            "seconds": 12.345,
            "setup_seconds": 1.0,
            "objective": 1302.34,
            "saved_objective": 1303.0,
            "record": {},
        }
        | more
    )


def opened(data):
    return np.asarray(Image.open(io.BytesIO(data)))


@pytest.mark.parametrize("alpha", [None, np.array([[0, 255]], np.uint8)])
def test_a_notebook_shows_the_picture_with_its_alpha(picture, alpha):
    """The alpha, at the content's own size, is resized to the picture."""
    result = make_result(picture(300, 600), alpha=alpha)
    (data,) = re.findall('<img src="data:image/png;base64,([^"]*)">', result._repr_html_())
    whole, small = opened(result._repr_png_()), opened(base64.b64decode(data))
    np.testing.assert_array_equal(whole[..., :3], result.image)
    channels = 3 if alpha is None else 4
    assert whole.shape == (300, 600, channels)
    assert small.shape == (256, 512, channels)
    if alpha is not None:
        assert (whole[:, 0, 3] == 0).all()
        assert (small[:, -1, 3] == 255).all()


def test_a_notebook_shows_how_it_came_about(picture):
    """With what could be markup escaped."""
    html = make_result(picture(30, 40), stop_reason="<script>x</script> & more")._repr_html_()
    rows = re.findall("<tr><th>(.*?)</th><td>(.*?)</td></tr>", html)
    assert dict(rows) == {
        "size": "40×30 px",
        "stopped": "&lt;script&gt;x&lt;/script&gt; &amp; more",
        "seconds": "12.3",
        "objective": "1302",
    }
    assert "<script" not in html


def test_its_repr_is_one_line(picture):
    wanted = "<Result 40×30 px: 'all 9 iterations done', 12.3 s, objective 1302>"
    assert repr(make_result(picture(30, 40))) == wanted


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
