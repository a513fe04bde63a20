"""`artistyle-video` with a small network: masks, passes, previews, and clips that break off."""

import numpy as np
import pytest
from PIL import Image

import clips
from artistyle_tf.video import main
from artistyle_tf.video.clip import Frame, read_clip
from artistyle_tf.video.engine import Motion, paint_shot
from artistyle_tf.video.work import Work

SIZE = (48, 64)
SHOT = clips.pan(6, SIZE)


def half(left, right):
    """uint8 [h, w, 3], white from column `left` up to `right`."""
    mask = np.zeros((*SIZE, 3), np.uint8)
    mask[:, left:right] = 255
    return mask


@pytest.fixture
def run(tmp_path, small_file, monkeypatch, capsys, unfrozen):
    """A function: the pictures of the clip, flags → (exit status, lines on stderr).

    What was painted stays in the work folder.
    """
    monkeypatch.setattr(Work, "discard", lambda self: None)
    Image.fromarray(clips.texture(40, 50, 9, blur=1)).save(tmp_path / "style.png")

    def start(pictures, *flags):
        if pictures:
            clips.write(tmp_path / "clip.mp4", pictures)
        status = main.main(
            [f"--content={tmp_path}/clip.mp4", f"--style={tmp_path}/style.png",
             f"--output={tmp_path}/out.mp4", f"--weights={small_file}", "--size=64", "--levels=1",
             "--preset=fast", "--iterations=9", "--frame_iterations=9", "--quiet", *flags]
        )  # fmt: skip
        return status, capsys.readouterr().err.splitlines()

    return start


def painted(folder, number):
    """(painting, the frame as it was read), float32 [h, w, 3] each."""
    frame = next(read_clip(str(folder / "clip.mp4")).frames(number, number + 1)).rgb
    with Image.open(folder / "out.mp4.frames" / f"{number:08}.png") as painting:
        return np.float32(painting), np.float32(frame)


def difference(folder, number, columns):
    """Mean distance of a painting from its frame in these columns, in grey levels."""
    found, frame = painted(folder, number)
    return np.abs(found - frame)[:, columns].mean()


def times(path):
    clip = read_clip(str(path))
    return [round(float(frame.pts * clip.time_base), 3) for frame in clip.frames()]


def test_a_mask_clip_says_where_each_frame_is_painted_also_if_nowhere(tmp_path, run):
    """Outside the frame stays as it is, to the bit; a preview has the masks of its own frames."""
    masks = [half(0, 32), half(0, 64), half(32, 64), half(0, 64), half(0, 0), half(0, 0)]
    clips.write(tmp_path / "mask.mkv", masks, codec="ffv1", pix_fmt="yuv444p")
    flags = [f"--content_mask={tmp_path}/mask.mkv", "--preview_every=2"]
    assert run(SHOT, *flags) == (0, [])
    left, right = slice(0, 30), slice(34, 64)
    assert difference(tmp_path, 0, left) > 3
    assert difference(tmp_path, 0, right) == 0
    assert difference(tmp_path, 2, left) == 0
    assert difference(tmp_path, 2, right) > 3
    assert difference(tmp_path, 4, slice(None)) == 0
    frames = tmp_path / "out.mp4.frames"
    assert sorted(path.name for path in frames.glob("*.png")) == [
        "00000000.png", "00000002.png", "00000004.png"
    ]  # fmt: skip
    assert times(tmp_path / "out.mp4") == [0, 0.08, 0.16]


def test_passes_with_two_masks_of_which_one_comes_and_goes(tmp_path, run):
    """Each style is where its mask is; a frame without a region is painted like any other."""
    Image.fromarray(np.uint8([[[250, 10, 10]]]).repeat(40, 0).repeat(50, 1)).save(
        tmp_path / "red.png"
    )
    Image.fromarray(half(0, 32)).save(tmp_path / "left.png")
    clips.write(tmp_path / "right.mp4", [half(32, 64), half(0, 0), half(32, 64)])
    flags = [f"--content_mask={tmp_path}/left.png,{tmp_path}/right.mp4", "--passes=2"]
    assert run(SHOT[:3], f"--style={tmp_path}/red.png", *flags) == (0, [])
    left, right = slice(0, 30), slice(34, 64)
    for number in range(3):
        found, _ = painted(tmp_path, number)
        assert np.isfinite(found).all()
        assert difference(tmp_path, number, left) > 3
    assert difference(tmp_path, 0, right) > 3
    assert difference(tmp_path, 1, right) < 0.5
    assert difference(tmp_path, 2, right) > 3
    assert times(tmp_path / "out.mp4") == [0, 0.04, 0.08]
    assert run([], f"--style={tmp_path}/red.png", *flags) == (0, [])  # which paints nothing again


def test_a_mask_that_moves_over_what_stands_still_is_followed(tmp_path):
    """As a style that spreads over a picture: what came into it is not held to what was there."""

    class Painter:
        weights = np.ones(SIZE)

        def first(self, frame):
            inside = frame.masks[0][..., None] > 127
            return np.where(inside, 255 - frame.rgb, frame.rgb).astype(np.float32)

        def following(self, frame, start, picture, weights, strength):
            self.weights = weights
            return self.first(frame)

    painter = Painter()
    back, work = clips.texture(*SIZE), Work(str(tmp_path / "out.mp4"), {})
    masks = [half(0, 8 + 8 * number)[..., 0] for number in range(4)]
    shot = (Frame(n, n, back, (mask,)) for n, mask in enumerate(masks))
    for frame in paint_shot(shot, painter, work, Motion(0.5, static=2), SIZE):
        edge = 8 + 8 * frame.number
        found = work.read(frame.number)
        np.testing.assert_array_equal(found[:, : edge - 4], 255 - back[:, : edge - 4])
        np.testing.assert_array_equal(found[:, edge + 16 :], back[:, edge + 16 :])
        new = slice(edge - 8, edge) if frame.number else slice(0, 0)
        assert not painter.weights[:, new].any()
        assert painter.weights[:, edge:].all()
