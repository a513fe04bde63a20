"""Writing pictures, and seeing beforehand that they can be written."""

import errno
import io
import os
import stat

import numpy as np
import pytest
from picture_files import pattern
from PIL import Image, ImageCms

from artistyle_tf import files
from artistyle_tf.errors import ConfigError, InputError
from artistyle_tf.images import metadata
from artistyle_tf.images.read import read
from artistyle_tf.images.write import EXTENSIONS, check_output, write

LOSSLESS = (".png", ".tif", ".tiff")
STEPS = {"interrupt": "fsync"}
FORMATS = {".jpg": "JPEG", ".jpeg": "JPEG", ".webp": "WEBP", ".png": "PNG"}


@pytest.mark.parametrize("extension", EXTENSIONS)
def test_write_and_read_back(tmp_path, extension):
    path, same = tmp_path / f"out{extension.upper()}", tmp_path / f"b{extension}"
    view = pattern(24, 80)[::-1, ::2]
    assert write(path, view, record={"x": 1, "y": {"p": 2, "q": 3}}) is None
    difference = np.abs(read(path).rgb.astype(int) - view)
    assert difference.max() <= (0 if extension in LOSSLESS else 12)
    assert difference.mean() < 2
    write(same, view, record={"y": {"q": 3, "p": 2}, "x": 1})
    assert path.read_bytes() == same.read_bytes()
    with Image.open(path) as image:
        profile = ImageCms.ImageCmsProfile(io.BytesIO(image.info["icc_profile"]))
        assert "sRGB" in ImageCms.getProfileDescription(profile)
        assert image.format == FORMATS.get(extension, "TIFF")
        if image.format == "TIFF":
            assert image.info["compression"] == "tiff_adobe_deflate"
        if image.format == "JPEG":  # the colours' resolution too
            assert [layer[1:3] for layer in image.layer] == [(1, 1)] * 3


@pytest.mark.parametrize("extension", [".png", ".webp", ".tif"])
def test_alpha_is_restored(tmp_path, extension):
    alpha = np.zeros((24, 40), np.uint8)
    alpha[:, 10:20], alpha[:, 20:] = 51, 255
    path = tmp_path / f"a{extension}"
    write(path, pattern(), alpha=alpha)
    picture = read(path)
    np.testing.assert_array_equal(picture.alpha, alpha)
    assert (picture.rgb[:, :10] == 255).all()
    difference = np.abs(picture.rgb[:, 20:].astype(int) - pattern()[:, 20:])
    assert difference.max() <= (0 if extension in LOSSLESS else 12)
    small = np.full((6, 10), 51, np.uint8)
    write(path, pattern(), alpha=small)  # resized to the picture
    assert (read(path).alpha == 51).all()
    write(tmp_path / "a.jpg", pattern(), alpha=small)
    assert read(tmp_path / "a.jpg").alpha is None


def test_wrong_arrays(tmp_path):
    with pytest.raises(ConfigError, match=r"rgb must be uint8 \[H, W, 3\], not float32"):
        write(tmp_path / "a.png", pattern().astype(np.float32))
    with pytest.raises(ConfigError, match=r"not uint8 \[24, 40\]"):
        write(tmp_path / "a.png", pattern()[..., 0])
    with pytest.raises(ConfigError, match="alpha must be uint8"):
        write(tmp_path / "a.png", pattern(), alpha=pattern())
    assert os.listdir(tmp_path) == []


# Atomically


@pytest.mark.parametrize("existing", [b"the old picture", None])
@pytest.mark.parametrize("where", ["encode", "fsync", "replace", "interrupt"])
def test_full_disk_or_ctrl_c_keeps_the_old_file(tmp_path, monkeypatch, where, existing):
    path = tmp_path / "out.png"
    if existing is not None:
        path.write_bytes(existing)

    def fail(*_args, **_kwargs):
        if where == "interrupt":
            raise KeyboardInterrupt
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(metadata if where == "encode" else os, STEPS.get(where, where), fail)
        with pytest.raises((InputError, KeyboardInterrupt)) as caught:
            write(path, pattern(), record={})
    if where != "interrupt":
        assert str(caught.value) == f"can't write {path}: No space left on device"
    assert os.listdir(tmp_path) == ([] if existing is None else ["out.png"])
    if existing is not None:
        assert path.read_bytes() == existing


def test_permissions_links_and_long_names(tmp_path):
    (tmp_path / "real.png").write_bytes(b"old")
    (tmp_path / "link.png").symlink_to("real.png")
    write(tmp_path / "link.png", pattern())
    assert (tmp_path / "link.png").is_symlink()
    np.testing.assert_array_equal(read(tmp_path / "real.png").rgb, pattern())
    old = os.umask(0o027)
    try:
        write(tmp_path / "a.png", pattern())
    finally:
        os.umask(old)
    assert stat.S_IMODE((tmp_path / "a.png").stat().st_mode) == 0o640
    name = "x" * 251 + ".png"
    check_output(tmp_path / name)
    write(tmp_path / name, pattern())
    assert sorted(os.listdir(tmp_path)) == ["a.png", "link.png", "real.png", name]
    with pytest.raises(InputError, match="too long"):
        check_output(tmp_path / f"x{name}")


def test_format_with_too_little_room(tmp_path):
    wide = np.zeros((16, 16_384, 3), np.uint8)
    for attempt in (
        lambda: write(tmp_path / "a.webp", wide),
        lambda: check_output(tmp_path / "a.webp", (16, 16_384)),
    ):
        with pytest.raises(InputError, match="16384×16 px"):
            attempt()
    check_output(tmp_path / "a.png", (16, 16_384))
    check_output(tmp_path / "a.webp", (16, 16_383))
    write(tmp_path / "a.webp", wide[:, 1:])


# Beforehand


def test_outputs_are_paths_with_extensions():
    for name in ("out", "out.gif", "out.png.bak", ".png", "", "out.png/"):
        with pytest.raises(ConfigError, match=r"\.png \.jpg \.jpeg \.webp \.tif \.tiff"):
            check_output(name)
        with pytest.raises(ConfigError, match="extension"):
            write(name, pattern())
    for path in (None, 3, b"a.png"):
        with pytest.raises(ConfigError, match=type(path).__name__):
            check_output(path)


def test_impossible_places(tmp_path):
    (tmp_path / "file.png").touch()
    (tmp_path / "dir.png").mkdir()
    os.mkfifo(tmp_path / "pipe.png")
    places = {
        tmp_path / "no" / "a.png": "there is no folder",
        tmp_path / "file.png" / "a.png": "Not a directory",
        tmp_path / "dir.png": "it is a folder",
        tmp_path / "pipe.png": "not a regular file",
        tmp_path / "a\0.png": "null",
        "/proc/a.png": "can't write /proc/a.png",  # closed even to root
    }
    for place, reason in places.items():
        for attempt in (
            check_output,
            files.check_folder,
            lambda path: write(path, pattern()),
            lambda path: files.write_bytes(path, b""),
        ):
            with pytest.raises(InputError) as caught:
                attempt(place)
            assert reason in str(caught.value)
            assert "\n" not in str(caught.value)
    assert sorted(os.listdir(tmp_path)) == ["dir.png", "file.png", "pipe.png"]
