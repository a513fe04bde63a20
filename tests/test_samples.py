"""The sample pictures: as they are described, small, and in one copy."""

import numpy as np
import pytest
from PIL import Image

from artistyle_tf import samples
from places import ROOT, SAMPLES

SIZES = {"content.jpg": (960, 540), "style.jpg": (512, 405)}


def test_shipped_files_are_small_and_say_nothing_of_their_way_here() -> None:
    assert {path.name for path in SAMPLES.glob("*.jpg")} == set(SIZES)
    assert sum(path.stat().st_size for path in SAMPLES.glob("*.jpg")) <= 400 * 1024
    for name, size in SIZES.items():
        with Image.open(SAMPLES / name) as file:
            assert (file.size, file.mode) == (size, "RGB")
            assert not {"exif", "icc_profile", "comment", "xmp", "photoshop"} & set(file.info)


@pytest.mark.parametrize(("name", "before"), [("content.jpg", ""), ("style.jpg", "style-")])
def test_masks_share_their_picture_between_them(name: str, before: str) -> None:
    top, bottom = (Image.open(SAMPLES / f"{before}{part}.png") for part in ("top", "bottom"))
    width, height = SIZES[name]
    assert top.size == bottom.size
    assert top.width / top.height == pytest.approx(width / height, rel=0.01)
    above, below = np.asarray(top, int), np.asarray(bottom, int)
    np.testing.assert_array_equal(above + below, 255)
    assert above[0].min() == below[-1].min() == 255


def test_the_package_says_where_they_are_and_the_repository_has_one_copy() -> None:
    assert samples.content() == SAMPLES / "content.jpg"
    assert samples.style() == SAMPLES / "style.jpg"
    link = ROOT / "samples"  # what commands in the documentation name
    if not link.is_symlink():
        pytest.skip("no link: an sdist, and a clone on Windows, have a copy instead")
    assert link.resolve() == SAMPLES
