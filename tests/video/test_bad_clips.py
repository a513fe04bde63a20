"""Clips that can't be used, or not to their end: one clear line each."""

import io
import struct

import av
import numpy as np
import pytest
from PIL import Image

import clips
from artistyle_tf.errors import InputError
from artistyle_tf.video.clip import BrokenClipError, read_clip
from artistyle_tf.video.film import write_film
from artistyle_tf.video.whole import is_cut_off

FRAMES = clips.pan(6, (48, 64))
Y4M = b"YUV4MPEG2 W64 H48 F%s Ip A1:1 C420jpeg\n"


@pytest.fixture
def save(tmp_path):
    """A function: (name, bytes) → path; without bytes those of a clip, written with `options`."""

    def make(name, data=None, frames=FRAMES, **options):
        path = tmp_path / name
        if data is None:
            clips.write(path, frames, **options)
        else:
            path.write_bytes(data)
        return str(path)

    return make


def data_of(path):
    with open(path, "rb") as file:
        return bytearray(file.read())


def read_all(path):
    """(number of frames read, the error or None)"""
    count, found = 0, None
    try:
        for _ in read_clip(path).frames():
            count += 1
    except InputError as error:
        found = error
    assert "\n" not in str(found)
    return count, found


def refusal(path):
    count, error = read_all(path)
    assert count == 0
    return str(error)


def test_clips_without_frames(save):
    assert refusal(save("none.y4m", Y4M % b"25:1")) == "none.y4m has no frames"
    header = data_of(save("some.ivf", codec="libvpx-vp9"))[:32]
    assert refusal(save("none.ivf", header)) == "none.ivf has no frames"
    data = data_of(save("some.mp4"))
    count = data.find(b"stsz") + 12
    data[count : count + 4] = bytes(4)
    assert refusal(save("none.mp4", data)) == "none.mp4 has no frames"


def test_no_frame_rate(save):
    """A frame that is shown for no time."""
    data = data_of(save("one.mp4", frames=FRAMES[:1]))
    duration = data.find(b"stts") + 16
    data[duration : duration + 4] = bytes(4)
    said = refusal(save("one.mp4", data))
    assert said == "one.mp4 doesn't say how many frames a second it has"


@pytest.mark.parametrize("rate", [b"0:1", b"0:0", b"25:0"])
def test_a_rate_of_0_is_read_as_25(save, rate):
    """FFmpeg's default."""
    body = b"".join(b"FRAME\n" + bytes(64 * 48 * 3 // 2) for _ in range(3))
    path = save("clip.y4m", Y4M % rate + body)
    assert read_clip(path).rate == 25
    assert read_all(path) == (3, None)


def test_files_of_other_kinds(save, tmp_path):
    assert "can't read empty.mp4: " in refusal(save("empty.mp4", b""))
    assert "Is a directory" in refusal(str(tmp_path))
    sound = save("sound.flac", frames=[], sound="flac")
    assert refusal(sound) == "sound.flac has no video in it"
    cover = io.BytesIO()
    Image.fromarray(FRAMES[0]).save(cover, "png")
    with av.open(sound) as source, av.open(str(tmp_path / "song.flac"), "w") as song:
        audio = song.add_stream_from_template(source.streams.audio[0])
        art = song.add_stream("png", rate=1)
        art.width, art.height, art.pix_fmt = 64, 48, "rgb24"
        art.disposition = av.stream.Disposition.attached_pic
        packet = av.Packet(cover.getvalue())
        packet.stream, packet.pts, packet.dts = art, 0, 0
        song.mux(packet)
        for packet in source.demux(audio=0):
            if packet.dts is not None:
                packet.stream = audio
                song.mux(packet)
    assert refusal(str(tmp_path / "song.flac")) == "song.flac has no video in it"


def test_an_unknown_codec(save):
    data = data_of(save("clip.mp4")).replace(b"avc1", b"xxxx")
    assert "Decoder not found" in refusal(save("clip.mp4", data))


@pytest.mark.parametrize(
    ("name", "codec"), [("a.webm", "libvpx-vp9"), ("a.mkv", "mpeg4"), ("a.mp4", "libx264")]
)
def test_a_broken_frame_breaks_off_there(save, name, codec):
    path = save(name, codec=codec)
    with av.open(path) as container:
        packet = [bytes(one) for one in container.demux(video=0) if one.size][4]
    save(name, data_of(path).replace(packet, b"\xff" * len(packet)))
    count, error = read_all(path)
    assert 1 <= count <= 4
    assert isinstance(error, BrokenClipError)
    assert str(error).startswith(f"{name} is broken at frame {count + 1}: ")


@pytest.mark.parametrize(
    ("name", "codec"),
    [("a.mkv", "libx264"), ("a.webm", "libvpx-vp9"), ("a.avi", "mpeg4"), ("a.mp4", "mpeg4")],
)
def test_a_clip_that_is_cut_off(save, tmp_path, name, codec):
    """FFmpeg itself takes it for the end of most of them."""
    path = save(name, frames=clips.pan(20, (96, 128)), codec=codec)
    assert read_all(path) == (20, None)
    data = data_of(path)
    if name.endswith("mp4"):  # what is needed to read it stands at its end
        at = data.find(b"moov") - 4
        data = _moov_first(data, at)
        save(name, data)
        assert read_all(path) == (20, None)
    save(name, data[: len(data) * 3 // 4])
    assert is_cut_off(path)
    count, error = read_all(path)
    assert 1 <= count < 20
    assert isinstance(error, BrokenClipError)
    assert str(error) == f"{name} is cut off after frame {count}"
    assert len(list(read_clip(path).frames(0, count))) == count


def _moov_first(data, at):
    """MP4 with its index before the samples, whose offsets in the file are moved."""
    moov, start = data[at:], data.find(b"ftyp") - 4
    length = int.from_bytes(data[start : start + 4], "big")
    table = moov.find(b"stco") + 8
    (count,) = struct.unpack_from(">I", moov, table)
    for entry in range(count):
        (offset,) = struct.unpack_from(">I", moov, table + 4 + 4 * entry)
        struct.pack_into(">I", moov, table + 4 + 4 * entry, offset + len(moov))
    return data[:length] + moov + data[length:at]


def test_files_that_do_not_say_how_long_they_are(save, tmp_path):
    assert not is_cut_off(save("a.txt", b"RIF"))
    assert not is_cut_off(save("empty", b""))
    assert not is_cut_off(str(tmp_path / "none.mp4"))
    streamed = b"RIFF\xff\xff\xff\xffAVI "
    assert not is_cut_off(save("a.avi", streamed))
    head = bytes.fromhex("1a45dfa381ff18538067")
    assert not is_cut_off(save("live.mkv", head + b"\x01" + b"\xff" * 7 + b"more"))
    assert not is_cut_off(save("a.mkv", head + b"\x84more"))
    assert is_cut_off(save("a.mkv", head + b"\x85more"))
    assert not is_cut_off(save("a.mkv", head))
    boxes = b"\0\0\0\x08ftyp" + b"\0\0\0\x01mdat" + (20).to_bytes(8, "big")
    assert is_cut_off(save("a.mp4", boxes + b"abc"))
    assert not is_cut_off(save("a.mp4", boxes + b"abcd"))
    assert not is_cut_off(save("a.mp4", boxes + b"abcd" + b"\0\0\0\0free"))


def test_tags_that_are_not_utf8_are_no_hindrance(save, tmp_path):
    path = save("clip.mp4", sound="aac")
    data = data_of(path)
    assert b"VideoHandler" in data
    save("clip.mp4", data.replace(b"VideoHandler", b"Vid\xe9oHandler"))
    clip = read_clip(path)
    frames = [(frame.pts, frame.rgb) for frame in clip.frames()]
    assert write_film(str(tmp_path / "out.mp4"), clip, frames) == 6


def test_damaged_files_never_give_a_traceback(save):
    random = np.random.default_rng(0)
    counts = []
    for name, codec in (("a.mp4", "libx264"), ("a.mkv", "libx264"), ("a.avi", "mpeg4")):
        whole = data_of(save(name, codec=codec))
        for _ in range(20):
            data = whole.copy()
            for at in random.integers(0, len(data), 6):
                data[at] = random.integers(256)
            counts.append(read_all(save(name, data))[0])
    assert 0 in counts
    assert len(FRAMES) in counts
