"""Videos and their masks: read, written again with all that is kept, and refused in one line."""

import io
from fractions import Fraction

import av
import numpy as np
import pytest
from PIL import Image

import clips
from artistyle_tf.errors import ConfigError, InputError
from artistyle_tf.images.read import read
from artistyle_tf.video.frame_store import to_levels
from artistyle_tf.video.reader import (
    BrokenVideoError,
    Guides,
    frames_with_masks,
    read_guides,
    read_video,
)
from artistyle_tf.video.writer import write_video

SIZE = (32, 48)
FRAMES = clips.pan(6, SIZE)


@pytest.fixture
def save(tmp_path):
    """A function: (name, bytes, a picture, or frames of a clip that has these options) → path."""

    def make(name, what=FRAMES, **options):
        path = tmp_path / name
        if isinstance(what, bytes):
            path.write_bytes(what)
        elif isinstance(what, np.ndarray):
            Image.fromarray(what).save(path)
        else:
            clips.write(path, what, **options)
        return str(path)

    return make


def bytes_of(path):
    with open(path, "rb") as file:
        return file.read()


def copied(source, target, **options):
    """The clip written again as it is read: (clip, its frames, that clip, its frames)."""
    clip = read_video(source)
    frames = list(clip.frames())
    pixels = [(one.pts, to_levels(one.rgb, one.rgb.dtype == np.float32)) for one in frames]
    write_video(str(target), clip, pixels, **options)
    again = read_video(str(target))
    return clip, frames, again, list(again.frames())


def far(one, other):
    return np.abs(one.astype(float) - other.astype(float)).mean()


def read_all(path):
    """(number of frames read, the error as text or None)"""
    count, said = 0, None
    try:
        for _ in read_video(path).frames():
            count += 1
    except InputError as error:
        said = str(error)
    assert "\n" not in str(said)
    return count, said


@pytest.mark.parametrize("extension", ["mp4", "mov", "mkv", "webm"])
def test_times_and_rate_are_kept(tmp_path, save, extension):
    at, rate = [0, 1, 5, 6, 20, 23], Fraction(30000, 1001)
    source = save("clip.mkv", rate=rate, at=at)
    clip, frames, again, found = copied(source, tmp_path / f"out.{extension}")
    assert (clip.size, clip.look.bits, len(frames)) == (SIZE, 8, 6)
    for base, each in ((clip.time_base, frames), (again.time_base, found)):
        assert [round(float(one.pts * base * rate)) for one in each] == at
    assert far(frames[0].rgb, FRAMES[0]) < 8
    for one, other in zip(frames, found, strict=True):
        assert far(one.rgb, other.rgb) < 6


@pytest.mark.parametrize(("color_range", "matrix"), [(1, 1), (2, 5)])
def test_colours_are_kept(tmp_path, save, color_range, matrix):
    """Black and white come out as such in either range; saturated red tells the matrices apart."""
    frames = [np.full((*SIZE, 3), color, np.uint8) for color in (0, 255, (230, 0, 0))]
    source = save("clip.mp4", frames, color_range=color_range, colorspace=matrix)
    clip, read, again, found = copied(source, tmp_path / "out.mp4")
    for look, each in ((clip.look, read), (again.look, found)):
        assert (look.color_range, look.matrix) == (color_range, matrix)
        for one, wanted in zip(each, frames, strict=True):
            assert far(one.rgb, wanted) < 5


def test_ten_bits_are_kept(tmp_path, save):
    """A ramp of fewer than 8-bit steps has more different levels than those."""
    ramp = np.linspace(100, 110, SIZE[1], dtype=np.float32)
    frame = np.rint(np.broadcast_to(ramp[None, :, None], (*SIZE, 3)) * 257).astype(np.uint16)
    source = save("clip.mkv", [frame] * 2, pix_fmt="yuv420p10le")
    clip, read, again, found = copied(source, tmp_path / "out.mp4")
    assert clip.look.bits == again.look.bits == 10
    for each in (read, found):
        assert (each[0].rgb.dtype, each[0].rgb8.dtype) == (np.float32, np.uint8)
        assert len(np.unique(each[0].rgb[..., 1])) > 20
        assert far(each[0].rgb, frame / 257) < 1


@pytest.mark.parametrize("degrees", [90, 180])
def test_turned_clips_come_out_upright(tmp_path, save, degrees):
    clip, read, again, found = copied(save("clip.mp4", rotation=degrees), tmp_path / "out.mp4")
    wanted = np.rot90(FRAMES[0], degrees // 90)
    assert clip.size == again.size == wanted.shape[:2]
    for each in (read, found):
        assert far(each[0].rgb, wanted) < 10


@pytest.mark.parametrize("until_end", [True, False])
def test_sound_is_copied_packet_by_packet(tmp_path, save, until_end):
    """Tags that are not UTF-8 are no hindrance."""
    source = save("clip.mp4", sound="aac")
    data = bytes_of(source)
    assert b"VideoHandler" in data
    save("clip.mp4", data.replace(b"VideoHandler", b"Vid\xe9oHandler"))
    copied(source, tmp_path / "out.mp4", until_end=until_end)
    packets = [clips.packets(path) for path in (source, str(tmp_path / "out.mp4"))]
    count = len(packets[1])
    assert packets[0][:count] == packets[1]
    assert count > 5
    assert (count == len(packets[0])) == until_end


def test_sound_that_the_container_cannot_hold_is_left_out(tmp_path, save, caplog):
    source = save("clip.mkv", sound="pcm_s16le")
    copied(source, tmp_path / "out.mkv")
    assert len(clips.packets(str(tmp_path / "out.mkv"))) == len(clips.packets(source)) > 5
    copied(source, tmp_path / "out.webm")
    assert "pcm_s16le" in caplog.text
    assert clips.packets(str(tmp_path / "out.webm")) == []


def test_odd_sides_lose_a_row_and_what_was_there_stays_if_writing_fails(tmp_path, save):
    clip, target = read_video(save("clip.mp4")), tmp_path / "out.mp4"
    write_video(str(target), clip, [(one.pts, one.rgb[:31, :47]) for one in clip.frames()])
    assert read_video(str(target)).size == (30, 46)
    before = target.read_bytes()

    def frames():
        yield 0, FRAMES[0]
        raise InputError("broken")

    with pytest.raises(InputError, match=r"^broken$"):
        write_video(str(target), clip, frames())
    assert target.read_bytes() == before
    assert sorted(path.name for path in tmp_path.iterdir()) == ["clip.mp4", "out.mp4"]
    with pytest.raises(InputError, match="can't write"):
        write_video(str(tmp_path / "no" / "out.mp4"), clip, [(0, FRAMES[0])])


def test_files_that_are_no_clips_are_refused(tmp_path, save):
    for name, what, said in (
        ("text.mp4", b"no clip", "can't read text.mp4: "),
        ("empty.mp4", b"", "can't read empty.mp4: "),
        ("none.y4m", b"YUV4MPEG2 W48 H32 F25:1 Ip A1:1 C420jpeg\n", "none.y4m has no frames"),
        ("tiny.mkv", [frame[:8] for frame in FRAMES], "tiny.mkv is 48×8 px; both sides must be"),
    ):
        count, error = read_all(save(name, what))
        assert count == 0
        assert error.startswith(said)
    assert "can't read none.mp4: " in read_all(str(tmp_path / "none.mp4"))[1]
    for form in ("png", "gif"):
        picture = io.BytesIO()
        Image.fromarray(FRAMES[0]).save(picture, form)
        assert read_all(save("a.mp4", picture.getvalue())) == (0, "a.mp4 is a picture, not a video")


def test_sound_with_a_cover_has_no_video(tmp_path, save):
    sound = save("sound.flac", [], sound="flac")
    cover = io.BytesIO()
    Image.fromarray(FRAMES[0]).save(cover, "png")
    with av.open(sound) as source, av.open(str(tmp_path / "song.flac"), "w") as song:
        audio = song.add_stream_from_template(source.streams.audio[0])
        art = song.add_stream("png", rate=1)
        art.width, art.height, art.pix_fmt = 48, 32, "rgb24"
        art.disposition = av.stream.Disposition.attached_pic
        packet = av.Packet(cover.getvalue())
        packet.stream, packet.pts, packet.dts = art, 0, 0
        song.mux(packet)
        for packet in source.demux(audio=0):
            if packet.dts is not None:
                packet.stream = audio
                song.mux(packet)
    assert read_all(str(tmp_path / "song.flac")) == (0, "song.flac has no video in it")


def test_a_frame_rate_that_is_missing(save):
    """As of an MP4 with one frame that is shown for no time."""
    data = bytearray(bytes_of(save("one.mp4", FRAMES[:1])))
    duration = data.find(b"stts") + 16
    data[duration : duration + 4] = bytes(4)
    said = "one.mp4 doesn't say how many frames a second it has"
    assert read_all(save("one.mp4", bytes(data))) == (0, said)


@pytest.mark.parametrize(("name", "codec"), [("a.webm", "libvpx-vp9"), ("a.mp4", "libx264")])
def test_a_broken_frame_breaks_off_there(save, name, codec):
    path = save(name, codec=codec)
    with av.open(path) as container:
        packet = [bytes(one) for one in container.demux(video=0) if one.size][4]
    save(name, bytes_of(path).replace(packet, b"\xff" * len(packet)))
    count, error = read_all(path)
    assert 1 <= count <= 4
    assert error.startswith(f"{name} is broken at frame {count + 1}: ")


@pytest.mark.parametrize("name", ["a.webm", "a.mp4"])
def test_a_clip_that_is_cut_off_gives_a_warning(tmp_path, save, caplog, name):
    """FFmpeg itself takes it for the end."""
    codec = "libvpx-vp9" if name.endswith("webm") else "ffv1"
    frames = clips.pan(20, SIZE)
    path = save(name, frames, codec=codec, rate=5, options={"movflags": "faststart"})
    caplog.clear()
    assert read_all(path) == (20, None)
    assert caplog.text == ""
    with av.open(path) as container:
        second = [bytes(one) for one in container.demux(video=0) if one.size][1]
    data = bytes_of(path)
    save(name, data[: data.find(second)])
    assert read_all(path) == (1, None)
    assert f"{name} ends after 1 frame, but should be longer" in caplog.text
    save(name, data[: len(data) // 2])
    count, _ = read_all(path)
    assert 1 <= count < 15
    assert f"{name} ends after {count} frames, but should be longer" in caplog.text


def bar(left, right, size=SIZE):
    """uint8 [h, w, 3], white from column `left` up to `right`."""
    mask = np.zeros((*size, 3), np.uint8)
    mask[:, left:right] = 255
    return mask


MOVING = [bar(8 * n, 8 * n + 8) for n in range(4)]
STYLE = read(clips.texture(40, 50))


@pytest.fixture
def clip(save):
    return read_video(save("clip.mp4", FRAMES[:4]))


def refusal(error, content, own, clip, count=1):
    with pytest.raises(error) as caught:
        read_guides(content, own, clip, [STYLE] * count)
    return str(caught.value)


@pytest.mark.parametrize(("first", "stop"), [(0, None), (2, 4)])
def test_masks_are_pictures_or_clips_frame_by_frame(save, clip, first, stop):
    """A clip may be longer, of another size, and black for a while."""
    moving = [MOVING[0], bar(0, 0), *MOVING[2:], *MOVING]
    paths = [save("moving.mkv", moving, codec="ffv1"), save("mask.png", bar(5, 10, (16, 24)))]
    guides = read_guides(paths, [], clip, [STYLE] * 2)
    found = list(frames_with_masks(clip, guides, first, stop))
    assert [frame.number for frame in found] == list(range(first, 4))
    for frame in found:
        assert frame.masks[0].dtype == np.uint8
        assert far(frame.masks[0], moving[frame.number][..., 0]) < 8
        np.testing.assert_array_equal(frame.masks[1], bar(5, 10, (16, 24))[..., 0])
    assert read_guides([], [], clip, [STYLE]) == Guides()
    assert all(frame.masks == () for frame in frames_with_masks(clip, Guides()))


def test_a_mask_that_ends_early_breaks_the_clip_off_there(save, clip):
    guides = read_guides([save("mask.mp4", MOVING[:2])], [], clip, [STYLE])
    assert len(list(frames_with_masks(clip, guides, 0, 2))) == 2
    said = r"^the mask mask\.mp4 ends before frame 3 of clip\.mp4$"
    for first in (0, 1):
        found = frames_with_masks(clip, guides, first)
        assert [next(found).number for _ in range(first, 2)] == list(range(first, 2))
        with pytest.raises(BrokenVideoError, match=said):
            next(found)


def test_a_mask_that_changes_its_size_breaks_off_by_its_own_name(save, clip):
    joined = b""
    for size in (SIZE, SIZE[::-1]):
        joined += bytes_of(save("part.m4v", [bar(0, 9, size)] * 2, codec="mpeg4", form="m4v"))
    guides = read_guides([save("mask.m4v", joined)], [], clip, [STYLE])
    with pytest.raises(BrokenVideoError, match=r"^mask\.m4v changes its size .* at frame 3$"):
        list(frames_with_masks(clip, guides))


def test_masks_that_can_not_be_used(tmp_path, save, clip):
    wide, mask = bar(0, 24, (32, 64)), save("mask.png", bar(0, 24))
    for name, what, said in (
        ("wide.png", wide, "the mask wide.png is 64×32 px; it must have the shape of clip.mp4"),
        ("wide.mp4", [wide] * 4, "the mask wide.mp4 is 64×32 px; it must have the shape of clip"),
        ("black.png", bar(0, 0), "the mask black.png is all black"),
        ("text.png", b"no picture", f"{tmp_path}/text.png is not a picture"),
    ):
        assert refusal(InputError, [save(name, what)], [], clip).startswith(said)
    own = bar(0, 25, (40, 50))
    guides = read_guides([mask], [save("own.png", own)], clip, [STYLE])
    np.testing.assert_array_equal(guides.styles[0].rgb, own)
    for name, what in (("other.png", bar(0, 9, (50, 40))), ("moving.mp4", MOVING)):
        assert name in refusal(InputError, [mask], [save(name, what)], clip)
    for content, styles in ((1, 0), (3, 0), (2, 1), (0, 2)):
        refusal(ConfigError, [mask] * content, [mask] * styles, clip, 2)
