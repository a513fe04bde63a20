"""Pictures on disk while a run goes on, and what callbacks may do to a run."""

import numpy as np
import pytest
from PIL import Image

from artistyle_tf import Config, Previews
from painters import stylize


@pytest.fixture(scope="module")
def config(small_file):
    return Config(
        size=64, levels=2, iterations=7, weights=str(small_file), optimizer="lbfgs",
        style_layers={"block1_conv1": 1}, content_layers={"block2_conv1": 1},
    )  # fmt: skip


@pytest.fixture
def pair(picture):
    return picture(64, 64), picture(64, 64, 1)


def test_a_run_leaves_every_nth_picture(config, pair, tmp_path):
    seen = {}

    def look(step):
        seen[step.iteration] = step.image()

    plain = stylize(*pair, config)
    result = stylize(*pair, config, callback=[look, Previews(tmp_path / "o.png", 3)])
    assert sorted(path.name for path in tmp_path.iterdir()) == ["o-0003.png", "o-0006.png"]
    for iteration in (3, 6):
        with Image.open(tmp_path / f"o-000{iteration}.png") as file:
            assert np.array_equal(np.asarray(file), seen[iteration])
    assert [seen[n].shape for n in (1, 7)] == [(32, 32, 3), (64, 64, 3)]
    # Who looks on changes nothing: neither pixels nor the record.
    assert np.array_equal(result.image, plain.image)
    assert result.record == plain.record


def test_a_preview_that_cannot_be_written_ends_no_run(config, pair, tmp_path, caplog):
    mine = tmp_path / "o-0002.png"
    mine.write_bytes(b"a photo")
    stylize(*pair, config, callback=Previews(tmp_path / "o.png", 2))
    assert mine.read_bytes() == b"a photo"
    assert caplog.text.count("artistyle did not make it; --overwrite replaces it; the run") == 1
    result = stylize(*pair, config, callback=Previews(tmp_path / "gone" / "o.png", 2))
    assert result.error is None
    assert len(result.trace) == 7
    assert caplog.text.count("can't write") == 3
    assert "the run continues" in caplog.text
