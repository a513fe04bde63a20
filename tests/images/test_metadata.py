"""The record of a run, inside pictures of every format."""

import struct

import numpy as np
import pytest
from PIL import Image, PngImagePlugin

from artistyle_tf.errors import InputError
from artistyle_tf.images.read import read, read_record
from artistyle_tf.images.write import EXTENSIONS, write

RGB = np.random.default_rng(0).integers(0, 256, (20, 30, 3), dtype=np.uint8)


def png_with(path, text, *, compressed=False):
    info = PngImagePlugin.PngInfo()
    info.add_text("artistyle", text, zip=compressed)
    Image.fromarray(RGB).save(path, pnginfo=info)
    return path


def exif_with(path, comment):
    exif = Image.Exif()
    exif[0x8769] = {0x9286: comment}
    Image.fromarray(RGB).save(path, exif=exif.tobytes())
    return path


@pytest.mark.parametrize("extension", EXTENSIONS)
def test_round_trip(tmp_path, extension):
    path, bare = tmp_path / f"a{extension}", tmp_path / f"b{extension}"
    record = {
        "seed": 7,
        "objective": 1.25e-7,
        "name": 'snow "☃" \n\0 \udc80 🎨',
        "nested": {"list": [1, None, True, "x"], "empty": {}},
    }
    write(path, RGB, record=record, alpha=RGB[..., 0])
    write(bare, RGB, alpha=RGB[..., 0])
    assert read_record(path) == record
    assert read_record(bare) is None
    assert read(path).digest == read(bare).digest
    write(path, RGB, record={})
    assert read_record(str(path)) == {}


def test_tiff_directories_are_in_order(tmp_path):
    """Strict readers want ascending tags and directories at even places."""
    for length in range(4):
        path = tmp_path / "a.tif"
        write(path, RGB, record={"x": "y" * length}, alpha=RGB[..., 0])
        data = path.read_bytes()
        end = "<" if data[:2] == b"II" else ">"
        (start,) = struct.unpack_from(end + "I", data, 4)
        (count,) = struct.unpack_from(end + "H", data, start)
        places = range(start + 2, start + 2 + 12 * count, 12)
        entries = [struct.unpack_from(end + "HHII", data, at) for at in places]
        tags = [tag for tag, *_ in entries]
        assert tags == sorted(set(tags))
        (exif,) = [value for tag, _, _, value in entries if tag == 0x8769]
        assert start % 2 == exif % 2 == 0
        assert read_record(path) == {"x": "y" * length}


def test_where_editors_put_it(tmp_path):
    """Padded, or behind the pixels."""
    assert read_record(exif_with(tmp_path / "a.jpg", b'ASCII\0\0\0{"a":1}\0\0 \0')) == {"a": 1}
    path = png_with(tmp_path / "a.png", '{"x":1}')
    data = path.read_bytes()
    start = data.index(b"tEXt") - 4
    length = 12 + int.from_bytes(data[start : start + 4], "big")
    chunk, rest = data[start : start + length], data[:start] + data[start + length :]
    path.write_bytes(rest[:-12] + chunk + rest[-12:])
    assert read_record(path) == {"x": 1}


def test_another_comment_is_no_record(tmp_path):
    for comment in (b"ASCII\0\0\0on the beach", b"", b"UNICODE\0{\0", "text", 7):
        for extension in (".jpg", ".tif"):
            assert read_record(exif_with(tmp_path / f"a{extension}", comment)) is None


def test_malformed_records(tmp_path):
    path = tmp_path / "a.png"
    for text in ("{", "[1]", "text", '{"a":1}}', "[" * 200_000):
        png_with(path, text)
        with pytest.raises(InputError, match=f"^{path}: its record is not"):
            read_record(path)
        assert read(path).rgb.shape == RGB.shape
    exif_with(tmp_path / "a.jpg", b"ASCII\0\0\0{")
    with pytest.raises(InputError, match="its record is not"):
        read_record(tmp_path / "a.jpg")


def test_a_record_that_unpacks_to_gigabytes(tmp_path):
    path = png_with(tmp_path / "b.png", "{" + " " * 50_000_000, compressed=True)
    with pytest.raises(InputError, match="too large"):
        read_record(path)
