"""Clips read and written: times, colours, depth, sound, turned ones, and bad files."""

from fractions import Fraction

import numpy as np
import pytest

import clips
from artistyle_tf.errors import ConfigError, InputError
from artistyle_tf.video.clip import read_clip
from artistyle_tf.video.film import check_name, write_film

FRAMES = clips.pan(6)


def write(path, frames=FRAMES, **options):
    clips.write(path, frames, **options)
    return str(path)


def copied(source, target, **options):
    """The clip written again as it is read: (as read, as read again)."""
    clip = read_clip(source)
    frames = list(clip.frames())
    pixels = [(frame.pts, as_file(frame.rgb)) for frame in frames]
    assert write_film(str(target), clip, pixels, **options) == len(frames)
    again = read_clip(str(target))
    return clip, frames, again, list(again.frames())


def as_file(rgb):
    return rgb if rgb.dtype == np.uint8 else np.rint(rgb * 257).astype(np.uint16)


def far(one, other):
    return np.abs(one.astype(float) - other.astype(float)).mean()


@pytest.mark.parametrize("extension", ["mp4", "mov", "mkv", "webm"])
def test_frames_times_and_rate_are_kept(tmp_path, extension):
    source = write(tmp_path / "clip.mp4", rate=Fraction(30000, 1001))
    clip, frames, again, found = copied(source, tmp_path / f"out.{extension}")
    assert (clip.size, len(frames)) == ((64, 96), 6)
    assert clip.rate == Fraction(30000, 1001)
    assert clip.look.bits == 8
    times = [[one.pts * base for one in each] for each, base in
             ((frames, clip.time_base), (found, again.time_base))]  # fmt: skip
    assert np.allclose(np.float64(times[0]), np.float64(times[1]), atol=1e-3)
    assert far(frames[0].rgb, FRAMES[0]) < 8
    for one, other in zip(frames, found, strict=True):
        assert far(one.rgb, other.rgb) < 6


def test_variable_rates_keep_their_times(tmp_path):
    at = [0, 1, 5, 6, 20, 23]
    source = write(tmp_path / "clip.mkv", at=at)
    clip, frames, again, found = copied(source, tmp_path / "out.mp4")
    for base, each in ((clip.time_base, frames), (again.time_base, found)):
        assert [round(float(one.pts * base) * 25) for one in each] == at


@pytest.mark.parametrize("full", [False, True])
def test_the_colour_range_is_kept(tmp_path, full):
    """Black and white come out as such, whichever range, and the file says which."""
    frames = [np.repeat(np.full((64, 48, 3), level, np.uint8), 2, axis=1) for level in (0, 255)]
    source = write(tmp_path / "clip.mp4", frames, color_range=2 if full else 1)
    clip, read, again, found = copied(source, tmp_path / "out.mp4")
    assert clip.look.color_range == again.look.color_range == (2 if full else 1)
    for each in (read, found):
        assert each[0].rgb.max() <= 2
        assert each[1].rgb.min() >= 250


def test_the_matrix_is_kept(tmp_path):
    """Saturated colours tell BT.601 and BT.709 apart."""
    red = np.zeros((64, 96, 3), np.uint8)
    red[..., 0] = 230
    for matrix in (1, 5):
        source = write(tmp_path / f"{matrix}.mp4", [red] * 2, colorspace=matrix)
        clip, read, again, found = copied(source, tmp_path / f"out{matrix}.mp4")
        assert clip.look.matrix == again.look.matrix == matrix
        for each in (read, found):
            assert far(each[0].rgb, red) < 5


def test_ten_bits_are_kept(tmp_path):
    """A ramp of fewer than 8-bit steps has more different levels than those."""
    ramp = np.linspace(100, 110, 96, dtype=np.float32)
    frame = np.rint(np.broadcast_to(ramp[None, :, None], (64, 96, 3)) * 257).astype(np.uint16)
    source = write(tmp_path / "clip.mkv", [frame] * 2, pix_fmt="yuv420p10le")
    clip, read, again, found = copied(source, tmp_path / "out.mp4")
    assert clip.look.bits == again.look.bits == 10
    for each in (read, found):
        assert each[0].rgb.dtype == np.float32
        assert len(np.unique(each[0].rgb[..., 1])) > 20
        assert far(each[0].rgb, frame / 257) < 1
        assert each[0].rgb8.dtype == np.uint8


@pytest.mark.parametrize("degrees", [90, 180, -90])
def test_turned_clips_come_out_upright(tmp_path, degrees):
    source = write(tmp_path / "clip.mp4", rotation=degrees)
    clip, read, again, found = copied(source, tmp_path / "out.mp4")
    wanted = np.rot90(FRAMES[0], degrees // 90)
    assert clip.size == again.size == wanted.shape[:2]
    for each in (read, found):
        assert far(each[0].rgb, wanted) < 10


@pytest.mark.parametrize("until_end", [True, False])
def test_sound_is_copied_packet_by_packet(tmp_path, until_end):
    source = write(tmp_path / "clip.mp4", sound="aac")
    copied(source, tmp_path / "out.mp4", until_end=until_end)
    packets = [clips.packets(path) for path in (source, str(tmp_path / "out.mp4"))]
    count = len(packets[1])
    assert packets[0][:count] == packets[1]
    assert count > 5
    assert (count == len(packets[0])) == until_end


def test_sound_that_the_container_cannot_hold_is_left_out(tmp_path, caplog):
    source = write(tmp_path / "clip.mkv", sound="pcm_s16le")
    copied(source, tmp_path / "out.mkv")
    assert len(clips.packets(str(tmp_path / "out.mkv"))) == len(clips.packets(source)) > 5
    copied(source, tmp_path / "out.webm")
    assert "pcm_s16le" in caplog.text
    assert clips.packets(str(tmp_path / "out.webm")) == []


def test_odd_sides_lose_a_row(tmp_path):
    source = write(tmp_path / "clip.mp4")
    clip = read_clip(source)
    odd = [(frame.pts, frame.rgb[:63, :95]) for frame in clip.frames()]
    write_film(str(tmp_path / "out.mp4"), clip, odd)
    assert read_clip(str(tmp_path / "out.mp4")).size == (62, 94)


def refusal(path):
    with pytest.raises(InputError) as caught:
        list(read_clip(str(path)).frames())
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_bad_clips_are_refused_in_one_line(tmp_path):
    (tmp_path / "text.mp4").write_text("no clip")
    assert "can't read text.mp4" in refusal(tmp_path / "text.mp4")
    assert "can't read none.mp4" in refusal(tmp_path / "none.mp4")
    clips.write(tmp_path / "sound.mp4", [], sound="aac")
    assert "no video" in refusal(tmp_path / "sound.mp4")
    write(tmp_path / "tiny.mkv", [frame[:8] for frame in FRAMES])
    assert "at least 16 px" in refusal(tmp_path / "tiny.mkv")


def test_what_was_there_stays_if_writing_fails(tmp_path):
    source = write(tmp_path / "clip.mp4")
    clip, target = read_clip(source), tmp_path / "out.mp4"
    target.write_bytes(b"before")

    def frames():
        yield 0, FRAMES[0]
        raise InputError("broken")

    with pytest.raises(InputError, match=r"^broken$"):
        write_film(str(target), clip, frames())
    assert target.read_bytes() == b"before"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["clip.mp4", "out.mp4"]
    with pytest.raises(InputError, match="can't write"):
        write_film(str(tmp_path / "no" / "out.mp4"), clip, [(0, FRAMES[0])])


def test_names():
    check_name("a/b.MP4")
    with pytest.raises(ConfigError, match=r"must be named \.mp4"):
        check_name("a.gif")
