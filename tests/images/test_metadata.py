"""The record of a run, inside pictures of every format."""

import json
import struct
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, PngImagePlugin

from artistyle_tf.errors import InputError
from artistyle_tf.images import metadata, read, write

RGB = np.random.default_rng(0).integers(0, 256, (20, 30, 3), dtype=np.uint8)


def _png_with(path: Path, text: str, *, compressed: bool = False) -> Path:
    info = PngImagePlugin.PngInfo()
    info.add_text("artistyle", text, zip=compressed)
    Image.fromarray(RGB).save(path, pnginfo=info)
    return path


def _exif_with(path: Path, comment: object) -> Path:
    exif = Image.Exif()
    exif[0x8769] = {0x9286: comment}
    Image.fromarray(RGB).save(path, exif=exif.tobytes())
    return path


@pytest.mark.parametrize("extension", write.EXTENSIONS)
def test_round_trip(tmp_path: Path, extension: str) -> None:
    path = tmp_path / f"a{extension}"
    record = {
        "seed": 7,
        "objective": 1.25e-7,
        "name": 'snow "☃" \n\0 \udc80 🎨',
        "nested": {"list": [1, None, True, "x"], "empty": {}},
    }
    write.write(path, RGB, record=record, alpha=RGB[..., 0])
    assert read.read_record(path) == record
    write.write(path, RGB, record={})
    assert read.read_record(str(path)) == {}
    write.write(path, RGB)
    assert read.read_record(path) is None


@pytest.mark.parametrize("extension", [".png", ".jpg"])
def test_values_that_json_lacks(tmp_path: Path, extension: str) -> None:
    path = tmp_path / f"a{extension}"
    record = {
        "nan": float("nan"),
        "inf": [float("inf"), -float("inf"), np.float32("nan")],
        "numpy": (np.float32(0.5), np.int64(3), np.bool_(True), np.arange(3)),
        "path": tmp_path,
        "set": {3, 1, 2},
        5: "number",
    }
    write.write(path, RGB, record=record)
    assert read.read_record(path) == {
        "nan": "nan",
        "inf": ["inf", "-inf", "nan"],
        "numpy": [0.5, 3, True, [0, 1, 2]],
        "path": str(tmp_path),
        "set": [1, 2, 3],
        "5": "number",
    }


def test_form_in_the_file(tmp_path: Path) -> None:
    expected = '{"a":"\\u00e9","b":[1,2]}'
    record = {"b": [1, 2], "a": "é"}
    write.write(tmp_path / "a.png", RGB, record=record)
    with Image.open(tmp_path / "a.png") as image:
        assert image.info["artistyle"] == expected
    for name in ("a.jpg", "a.webp", "a.tif"):
        write.write(tmp_path / name, RGB, record=record)
        with Image.open(tmp_path / name) as image:
            comment = image.getexif().get_ifd(0x8769)[0x9286]
        assert comment == b"ASCII\0\0\0" + expected.encode()


def test_tiff_directories_are_in_order(tmp_path: Path) -> None:
    """Strict readers want ascending tags and directories at even places."""
    for length in range(4):
        for size in (30, 29):
            path = tmp_path / "a.tif"
            write.write(path, RGB[:, :size], record={"x": "y" * length}, alpha=RGB[..., 0])
            data = path.read_bytes()
            end = "<" if data[:2] == b"II" else ">"
            (start,) = struct.unpack_from(end + "I", data, 4)
            (count,) = struct.unpack_from(end + "H", data, start)
            tags, values = [], {}
            for i in range(count):
                tag, kind, _, value = struct.unpack_from(end + "HHII", data, start + 2 + 12 * i)
                tags.append(tag)
                values[tag] = kind, value
            assert tags == sorted(set(tags))
            assert values[0x8769][0] == 4
            assert start % 2 == values[0x8769][1] % 2 == 0
            assert len(data) == start + 2 + 12 * count + 4
            assert read.read_record(path) == {"x": "y" * length}


def test_padding_behind_the_record(tmp_path: Path) -> None:
    path = _exif_with(tmp_path / "a.jpg", b'ASCII\0\0\0{"a":1}\0\0 \0')
    assert read.read_record(path) == {"a": 1}


def test_the_record_changes_no_pixel(tmp_path: Path) -> None:
    for extension in (".png", ".jpg", ".webp", ".tif"):
        a, b = tmp_path / f"a{extension}", tmp_path / f"b{extension}"
        write.write(a, RGB, record={"x": "y" * 5000})
        write.write(b, RGB)
        assert read.read(a).digest == read.read(b).digest


@pytest.mark.parametrize(
    ("extension", "length", "kept"),
    [
        (".jpg", 60_000, True),
        (".jpg", 70_000, False),
        (".png", 1_000_000, True),
        (".png", 1_100_000, False),
        (".webp", 1_000_000, True),
        (".tif", 1_000_000, True),
        (".tif", 1_100_000, False),
    ],
)
def test_too_long_a_record_does_not_cost_the_picture(
    tmp_path: Path, extension: str, length: int, kept: bool
) -> None:
    path = tmp_path / f"a{extension}"
    record = {"text": "x" * length}
    write.write(path, RGB, record=record)
    found = read.read_record(path)
    assert found is not None
    assert found == record if kept else list(found) == ["record_left_out"]
    assert read.read(path).rgb.shape == RGB.shape


def test_text_behind_the_pixels(tmp_path: Path) -> None:
    path = _png_with(tmp_path / "a.png", '{"x":1}')
    data = path.read_bytes()
    start = data.index(b"tEXt") - 4
    length = 12 + int.from_bytes(data[start : start + 4], "big")
    chunk, rest = data[start : start + length], data[:start] + data[start + length :]
    path.write_bytes(rest[:-12] + chunk + rest[-12:])
    assert read.read_record(path) == {"x": 1}


@pytest.mark.parametrize("extension", [".jpg", ".webp", ".tif"])
@pytest.mark.parametrize(
    "comment", [b"ASCII\0\0\0on the beach", b"", b"UNICODE\0{\0", b"\0" * 40, "text", 7]
)
def test_another_comment_is_no_record(tmp_path: Path, extension: str, comment: object) -> None:
    assert read.read_record(_exif_with(tmp_path / f"a{extension}", comment)) is None


@pytest.mark.parametrize(
    "text",
    ["{", "[1]", "7", "", "text", '{"a":1}}', "{" * 5000, "[" * 200_000, '{"a":' * 100_000],
    ids=lambda text: text[:7],
)
def test_malformed_records(tmp_path: Path, text: str) -> None:
    paths = [_png_with(tmp_path / "a.png", text)]
    if text.startswith("{") and len(text) < 60_000:
        paths.append(_exif_with(tmp_path / "a.jpg", b"ASCII\0\0\0" + text.encode()))
    for path in paths:
        with pytest.raises(InputError, match="its record is not") as caught:
            read.read_record(path)
        assert str(caught.value).startswith(str(path))
        assert "\n" not in str(caught.value)
        assert read.read(path).rgb.shape == RGB.shape


def test_size_limit_on_reading(tmp_path: Path) -> None:
    long = json.dumps({"a": "x" * metadata.MAX_RECORD})
    with pytest.raises(InputError, match="longer than"):
        read.read_record(_png_with(tmp_path / "a.png", long))
    with pytest.raises(InputError, match="longer than"):
        read.read_record(_exif_with(tmp_path / "a.tif", b"ASCII\0\0\0" + long.encode()))


def test_compressed_text_bomb(tmp_path: Path) -> None:
    path = _png_with(tmp_path / "a.png", "{" + " " * 50_000_000, compressed=True)
    assert path.stat().st_size < 200_000
    with pytest.raises(InputError):
        read.read_record(path)


def test_files_without_a_record_or_a_picture(tmp_path: Path) -> None:
    for name in ("a.bmp", "a.gif", "a.ppm"):
        Image.fromarray(RGB).save(tmp_path / name)
        assert read.read_record(tmp_path / name) is None
    with pytest.raises(InputError, match="does not exist"):
        read.read_record(tmp_path / "no.png")
    (tmp_path / "text.png").write_text("text")
    with pytest.raises(InputError, match="is not a picture"):
        read.read_record(tmp_path / "text.png")
