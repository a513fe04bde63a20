"""Masks of a clip: stills, clips frame by frame, and those that can't be used."""

import numpy as np
import pytest
from PIL import Image

import clips
from artistyle_tf.errors import ConfigError, InputError
from artistyle_tf.images.read import read
from artistyle_tf.video.clip import BrokenClipError, read_clip
from artistyle_tf.video.guides import NO_GUIDES, read_guides, with_masks

SIZE = (48, 64)
COUNT = 4


def bar(left, right, size=SIZE):
    """uint8 [h, w, 3], white from column `left` up to `right`."""
    mask = np.zeros((*size, 3), np.uint8)
    mask[:, left:right] = 255
    return mask


MOVING = [bar(8 * n, 8 * n + 16) for n in range(COUNT)]


@pytest.fixture
def save(tmp_path):
    """A function: (name, picture or pictures of a clip) → path."""

    def make(name, what, **options):
        path = tmp_path / name
        if isinstance(what, list):
            clips.write(path, what, **options)
        else:
            Image.fromarray(what).save(path)
        return str(path)

    return make


@pytest.fixture
def clip(save):
    return read_clip(save("clip.mp4", clips.pan(COUNT, SIZE)))


@pytest.fixture
def style(save):
    return read(save("style.png", clips.texture(40, 50)))


def near(mask, wanted):
    """Whether it is that mask, but for what the codec does at edges."""
    return mask.dtype == np.uint8 and np.mean((mask > 127) != (wanted[..., 0] > 127)) < 0.03


def refusal(error, content, own, clip, styles):
    with pytest.raises(error) as caught:
        read_guides(content, own, clip, styles)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_a_still_applies_to_every_frame(save, clip, style):
    guides = read_guides([save("mask.png", bar(0, 32))], [], clip, [style])
    found = list(with_masks(clip, guides))
    assert [frame.number for frame in found] == list(range(COUNT))
    for frame in found:
        np.testing.assert_array_equal(frame.masks, [bar(0, 32)[..., 0]])


def test_clips_and_stills_together_frame_by_frame(save, clip, style):
    paths = [save("moving.mp4", MOVING), save("mask.png", bar(10, 20))]
    guides = read_guides(paths, [], clip, [style, style])
    for frame in with_masks(clip, guides):
        moving, still = frame.masks
        assert near(moving, MOVING[frame.number])
        assert moving.max() >= 250
        assert moving.min() <= 5
        np.testing.assert_array_equal(still, bar(10, 20)[..., 0])


def test_a_part_of_a_clip_has_the_masks_of_that_part(save, clip, style):
    guides = read_guides([save("moving.mkv", MOVING)], [], clip, [style])
    found = list(with_masks(clip, guides, 2, 4))
    assert [frame.number for frame in found] == [2, 3]
    for frame in found:
        assert near(frame.masks[0], MOVING[frame.number])


def test_without_masks_frames_have_none(clip, style):
    assert read_guides([], [], clip, [style]) == NO_GUIDES
    assert all(frame.masks == () for frame in with_masks(clip, NO_GUIDES))


def test_a_mask_that_ends_early_breaks_the_clip_off_there(save, clip, style):
    guides = read_guides([save("mask.mp4", MOVING[:2])], [], clip, [style])
    found = with_masks(clip, guides)
    assert [next(found).number, next(found).number] == [0, 1]
    with pytest.raises(BrokenClipError) as caught:
        next(found)
    assert str(caught.value) == "the mask mask.mp4 ends before frame 3 of clip.mp4"
    assert len(list(with_masks(clip, guides, 0, 2))) == 2
    with pytest.raises(BrokenClipError, match="ends before frame 3 of"):
        list(with_masks(clip, guides, 1))


def test_a_mask_may_be_longer_than_the_clip(save, clip, style):
    guides = read_guides([save("mask.mp4", [*MOVING, *MOVING])], [], clip, [style])
    assert len(list(with_masks(clip, guides))) == COUNT


def test_a_mask_that_changes_its_size_breaks_off_by_its_own_name(save, tmp_path, clip, style):
    joined = b""
    for size in (SIZE, SIZE[::-1]):
        part = save("part.m4v", [bar(0, 9, size)] * 2, codec="mpeg4", form="m4v")
        with open(part, "rb") as file:
            joined += file.read()
    (tmp_path / "mask.m4v").write_bytes(joined)
    guides = read_guides([str(tmp_path / "mask.m4v")], [], clip, [style])
    with pytest.raises(BrokenClipError, match=r"^mask\.m4v changes its size .* at frame 3$"):
        list(with_masks(clip, guides))


def test_all_black_is_refused_in_a_still_and_fine_in_a_clip(save, clip, style):
    black = bar(0, 0)
    said = refusal(InputError, [save("black.png", black)], [], clip, [style])
    assert said.startswith("the mask black.png is all black")
    guides = read_guides([save("some.mp4", [black, MOVING[1], black, black])], [], clip, [style])
    found = [frame.masks[0].max() for frame in with_masks(clip, guides)]
    assert found[1] >= 250
    assert max(found[0], *found[2:]) <= 5


@pytest.mark.parametrize("name", ["mask.png", "mask.mp4"])
def test_another_shape_is_refused(save, clip, style, name):
    wide = bar(0, 32, (48, 96))
    path = save(name, wide if name.endswith("png") else [wide] * COUNT)
    assert refusal(InputError, [path], [], clip, [style]) == (
        f"the mask {name} is 96×48 px; it must have the shape of clip.mp4, 64×48 px"
    )
    half = bar(0, 16, (24, 32))
    path = save(name, half if name.endswith("png") else [half] * COUNT)
    guides = read_guides([path], [], clip, [style])
    assert next(with_masks(clip, guides)).masks[0].shape == (24, 32)


def test_files_that_are_no_masks_are_refused(tmp_path, save, clip, style):
    (tmp_path / "text.png").write_text("no picture")
    assert "text.png" in refusal(InputError, [str(tmp_path / "text.png")], [], clip, [style])
    assert "none.mp4" in refusal(InputError, [str(tmp_path / "none.mp4")], [], clip, [style])
    clips.write(tmp_path / "sound.mp4", [], sound="aac")
    said = refusal(InputError, [str(tmp_path / "sound.mp4")], [], clip, [style])
    assert said == "sound.mp4 has no video in it"
    assert str(tmp_path) not in said


def test_masks_of_styles_are_stills_of_their_shape(save, clip, style):
    content = save("mask.png", bar(0, 32))
    own = bar(0, 25, (40, 50))
    guides = read_guides([content], [save("own.png", own)], clip, [style])
    np.testing.assert_array_equal(guides.styles[0].rgb, own)
    said = refusal(InputError, [content], [save("other.png", bar(0, 9, (50, 40)))], clip, [style])
    assert "other.png is 40×50 px; it must have the shape of style.png, 50×40 px" in said
    said = refusal(InputError, [content], [save("moving.mp4", MOVING)], clip, [style])
    assert "moving.mp4" in said


@pytest.mark.parametrize(("content", "own"), [(1, 0), (3, 0), (2, 1), (0, 2)])
def test_there_is_one_for_each_style_or_none(save, clip, style, content, own):
    path = save("mask.png", bar(0, 32))
    refusal(ConfigError, [path] * content, [path] * own, clip, [style] * 2)
