"""What is found in a clip before it is painted: shots, times, a break; and a preview's frames."""

import numpy as np
from PIL import Image

import clips
from artistyle_tf.video.clip import BrokenClipError, Frame
from artistyle_tf.video.flags import parse
from artistyle_tf.video.session import Session
from artistyle_tf.video.survey import Shot, Survey, surveyed
from artistyle_tf.video.work import Work

SIZE = (48, 64)


def frames(pictures, every=1, breaks=False):
    for number, rgb in enumerate(pictures):
        if number % every == 0:
            yield Frame(number, 100 + number * 512, rgb)
    if breaks:
        raise BrokenClipError("clip.mp4 is broken at frame 4")


def test_shots_lie_between_cuts():
    pictures = [*clips.pan(4, SIZE), *clips.pan(3, SIZE, seed=7), *clips.pan(1, SIZE, seed=9)]
    found = surveyed(frames(pictures))
    assert found.shots == (Shot((0, 1, 2, 3)), Shot((4, 5, 6)), Shot((7,)))
    assert found.times == {number: 100 + number * 512 for number in range(8)}
    assert found.broken is None


def test_frames_between_those_of_a_preview_are_not_looked_at():
    """Numbers and times are those of the whole clip."""
    pictures = [*clips.pan(4, SIZE), *clips.pan(4, SIZE, seed=7)]
    found = surveyed(frames(pictures, every=3))
    assert found.shots == (Shot((0, 3)), Shot((6,)))
    assert found.times == {0: 100, 3: 100 + 3 * 512, 6: 100 + 6 * 512}


def test_what_is_before_a_break_is_found():
    found = surveyed(frames(clips.pan(3, SIZE), breaks=True))
    assert found.shots == (Shot((0, 1, 2)),)
    assert list(found.times) == [0, 1, 2]
    assert found.broken == "clip.mp4 is broken at frame 4"
    assert surveyed(frames([], breaks=True)) == Survey((), {}, found.broken)


def test_large_and_deep_frames_have_the_same_cuts():
    deep = [one.astype(np.float32) for one in [*clips.pan(2, SIZE), *clips.pan(2, SIZE, seed=7)]]
    assert surveyed(frames(deep)).shots == (Shot((0, 1)), Shot((2, 3)))
    large = [*clips.pan(2, (300, 400)), *clips.pan(1, (300, 400), seed=7)]
    assert surveyed(frames(large)).shots == (Shot((0, 1)), Shot((2,)))


def test_as_text_and_back():
    for one in (
        Survey((Shot((0, 2, 4)), Shot((6,))), {0: 5, 2: 1029, 4: 2053, 6: 3000}, None),
        Survey((), {}, "“clip” is broken"),
    ):
        again = Survey.from_json(one.to_json())
        assert again == one
        assert all(isinstance(number, int) for number in again.times)
        assert all(isinstance(shot, Shot) for shot in again.shots)


class Noted:
    """A painter that keeps what it is given."""

    def __init__(self):
        self.frames = []

    def first(self, frame):
        self.frames.append(frame)
        return frame.rgb.astype(np.float32)

    def following(self, frame, *_):
        return self.first(frame)


def test_a_preview_has_every_nth_frame_of_the_clip_and_of_the_masks(tmp_path):
    """Frames go on being every third across a cut, and each has the mask of its number."""
    clips.write(tmp_path / "clip.mp4", [*clips.pan(5, SIZE), *clips.pan(5, SIZE, seed=7)])
    columns = np.arange(SIZE[1])[None, :, None]
    masks = [np.broadcast_to(255 * (columns < 6 * n + 6), (*SIZE, 3)) for n in range(10)]
    clips.write(tmp_path / "mask.mp4", [mask.astype(np.uint8) for mask in masks])
    Image.fromarray(clips.texture(*SIZE)).save(tmp_path / "style.png")
    options = parse(
        [f"--content={tmp_path}/clip.mp4", f"--style={tmp_path}/style.png", "--size=64",
         f"--output={tmp_path}/out.mp4", f"--content_mask={tmp_path}/mask.mp4",
         "--preview_every=3"]
    )  # fmt: skip
    session = Session(options)
    session._made = painter = Noted()
    found = surveyed(session.frames())
    assert found.shots == (Shot((0, 3)), Shot((6, 9)))
    times = [frame.pts for frame in session.clip.frames()]
    assert found.times == {number: times[number] for number in (0, 3, 6, 9)}
    work = Work(options.output, {})
    for shot in found.shots:
        painted = list(session.paint(shot, work))
        assert [frame.number for frame in painted] == list(shot.numbers)
        assert all(work.has(number) for number in shot.numbers)
    assert [frame.number for frame in painter.frames] == [0, 3, 6, 9]
    for frame in painter.frames:
        (mask,) = frame.masks
        assert np.abs((mask > 127).mean() - (frame.number + 1) * 6 / 64) < 0.02
