"""Writing pictures, and seeing beforehand that they can be written."""

import errno
import io
import os
import stat
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageCms

from artistyle_tf import files
from artistyle_tf.errors import ConfigError, InputError
from artistyle_tf.images import read, write

LOSSLESS = (".png", ".tif", ".tiff")


def _pattern(height: int = 24, width: int = 40) -> np.ndarray:
    """uint8 [H, W, 3], smooth, and different at each corner."""
    y, x = np.mgrid[0:height, 0:width]
    planes = [255 * x / (width - 1), 255 * y / (height - 1), 40 + 60 * x / (width - 1)]
    return np.rint(np.stack(planes, axis=-1)).astype(np.uint8)


def test_write_takes_views(tmp_path: Path) -> None:
    write.write(tmp_path / "a.png", _pattern()[::-1, ::2])
    np.testing.assert_array_equal(read.read(tmp_path / "a.png").rgb, _pattern()[::-1, ::2])


@pytest.mark.parametrize("extension", write.EXTENSIONS)
def test_write_and_read_back(tmp_path: Path, extension: str) -> None:
    path = tmp_path / f"out{extension.upper()}"
    assert write.write(path, _pattern()) is None
    rgb = read.read(path).rgb
    difference = np.abs(rgb.astype(int) - _pattern())
    assert difference.max() <= (0 if extension in LOSSLESS else 12)
    assert difference.mean() < 2
    with Image.open(path) as image:
        profile = ImageCms.ImageCmsProfile(io.BytesIO(image.info["icc_profile"]))
        assert "sRGB" in ImageCms.getProfileDescription(profile)
        assert image.format == write._FORMATS[extension]
        if extension == ".tif":
            assert image.info["compression"] == "tiff_adobe_deflate"


def test_jpeg_keeps_the_colour_resolution(tmp_path: Path) -> None:
    write.write(tmp_path / "a.jpg", _pattern())
    with Image.open(tmp_path / "a.jpg") as image:
        assert [layer[1:3] for layer in image.layer] == [(1, 1)] * 3  # type: ignore[attr-defined]


@pytest.mark.parametrize("extension", [".png", ".webp", ".tif"])
def test_alpha_is_restored(tmp_path: Path, extension: str) -> None:
    alpha = np.zeros((24, 40), np.uint8)
    alpha[:, 10:20], alpha[:, 20:] = 51, 255
    write.write(tmp_path / f"a{extension}", _pattern(), alpha=alpha)
    picture = read.read(tmp_path / f"a{extension}")
    assert picture.alpha is not None
    np.testing.assert_array_equal(picture.alpha, alpha)
    assert (picture.rgb[:, :10] == 255).all()
    difference = np.abs(picture.rgb[:, 20:].astype(int) - _pattern()[:, 20:])
    assert difference.max() <= (0 if extension in LOSSLESS else 12)


def test_alpha_of_another_size_and_in_jpeg(tmp_path: Path) -> None:
    alpha = np.full((6, 10), 51, np.uint8)
    write.write(tmp_path / "a.png", _pattern(), alpha=alpha)
    restored = read.read(tmp_path / "a.png").alpha
    assert restored is not None
    assert restored.shape == (24, 40)
    assert (restored == 51).all()
    write.write(tmp_path / "a.jpg", _pattern(), alpha=alpha)
    write.write(tmp_path / "b.jpg", _pattern())
    assert (tmp_path / "a.jpg").read_bytes() == (tmp_path / "b.jpg").read_bytes()


@pytest.mark.parametrize("extension", write.EXTENSIONS)
def test_equal_bytes(tmp_path: Path, extension: str) -> None:
    a, b = tmp_path / f"a{extension}", tmp_path / f"b{extension}"
    write.write(a, _pattern(), alpha=_pattern()[..., 0], record={"x": 1, "y": {"p": 2, "q": 3}})
    write.write(b, _pattern(), alpha=_pattern()[..., 0], record={"y": {"q": 3, "p": 2}, "x": 1})
    assert a.read_bytes() == b.read_bytes()


def test_wrong_arrays_to_write(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"rgb must be uint8 \[H, W, 3\], not float32"):
        write.write(tmp_path / "a.png", _pattern().astype(np.float32))
    with pytest.raises(ConfigError, match=r"not uint8 \[24, 40\]"):
        write.write(tmp_path / "a.png", _pattern()[..., 0])
    with pytest.raises(ConfigError, match="alpha must be uint8"):
        write.write(tmp_path / "a.png", _pattern(), alpha=_pattern())
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize("existing", [b"the old picture", None])
@pytest.mark.parametrize("where", ["save", "fsync", "replace"])
def test_full_disk_keeps_the_old_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, where: str, existing: bytes | None
) -> None:
    path = tmp_path / "out.png"
    if existing is not None:
        path.write_bytes(existing)

    def full(*_args: object, **_kwargs: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Image.Image if where == "save" else os, where, full)
    with pytest.raises(InputError) as caught:
        write.write(path, _pattern())
    monkeypatch.undo()
    assert str(caught.value) == f"can't write {path}: No space left on device"
    assert os.listdir(tmp_path) == ([] if existing is None else ["out.png"])
    if existing is not None:
        assert path.read_bytes() == existing


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="no /dev/full")
def test_interrupt_leaves_no_temporary_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(*_args: object) -> None:
        assert len(os.listdir(tmp_path)) == 1
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "fsync", interrupt)
    with pytest.raises(KeyboardInterrupt):
        write.write(tmp_path / "out.png", _pattern())
    assert os.listdir(tmp_path) == []


def test_permissions_follow_the_umask(tmp_path: Path) -> None:
    old = os.umask(0o027)
    try:
        write.write(tmp_path / "a.png", _pattern())
    finally:
        os.umask(old)
    assert stat.S_IMODE((tmp_path / "a.png").stat().st_mode) == 0o640


def test_write_replaces_and_follows_links(tmp_path: Path) -> None:
    (tmp_path / "real.png").write_bytes(b"old")
    (tmp_path / "link.png").symlink_to("real.png")
    write.write(tmp_path / "link.png", _pattern())
    assert (tmp_path / "link.png").is_symlink()
    np.testing.assert_array_equal(read.read(tmp_path / "real.png").rgb, _pattern())


def test_long_names(tmp_path: Path) -> None:
    name = "x" * 251 + ".png"
    write.check_output(tmp_path / name)
    write.write(tmp_path / name, _pattern())
    assert os.listdir(tmp_path) == [name]
    with pytest.raises(InputError, match="too long"):
        write.check_output(tmp_path / f"x{name}")


def test_format_with_too_little_room(tmp_path: Path) -> None:
    wide = np.zeros((16, 16_384, 3), np.uint8)
    for attempt in (
        lambda: write.write(tmp_path / "a.webp", wide),
        lambda: write.check_output(tmp_path / "a.webp", (16, 16_384)),
    ):
        with pytest.raises(InputError, match="16384×16 px"):
            attempt()
    write.check_output(tmp_path / "a.png", (16, 16_384))
    write.check_output(tmp_path / "a.webp", (16, 16_383))
    write.write(tmp_path / "a.webp", wide[:, 1:])


# check_output


def test_check_output_leaves_nothing(tmp_path: Path) -> None:
    for extension in write.EXTENSIONS:
        assert write.check_output(tmp_path / f"a{extension}") is None
    write.check_output(str(tmp_path / "A.PNG"))
    assert os.listdir(tmp_path) == []
    (tmp_path / "a.png").write_bytes(b"precious")
    write.check_output(tmp_path / "a.png")
    assert (tmp_path / "a.png").read_bytes() == b"precious"


def test_check_output_in_the_current_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    write.check_output("a.png")
    write.write("a.png", _pattern())
    assert os.listdir() == ["a.png"]


@pytest.mark.parametrize("name", ["out", "out.", "out.gif", "out.png.bak", ".png", "", "out.png/"])
def test_check_output_names_the_extensions(name: str) -> None:
    with pytest.raises(ConfigError, match=r"\.png \.jpg \.jpeg \.webp \.tif \.tiff"):
        write.check_output(name)
    with pytest.raises(ConfigError, match="extension"):
        write.write(name, _pattern())


def test_check_output_of_impossible_places(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    (tmp_path / "dir.png").mkdir()
    places = {
        tmp_path / "no" / "a.png": "there is no folder",
        tmp_path / "file" / "a.png": "Not a directory",
        tmp_path / "dir.png": "it is a folder",
        tmp_path / "a\0.png": "null",
    }
    for place, reason in places.items():
        for attempt in (write.check_output, lambda path: write.write(path, _pattern())):
            with pytest.raises(InputError) as caught:
                attempt(place)
            assert reason in str(caught.value)
            assert "\n" not in str(caught.value)
    assert sorted(os.listdir(tmp_path)) == ["dir.png", "file"]


@pytest.mark.skipif(not os.path.isdir("/proc/self"), reason="no /proc")
def test_check_output_in_a_folder_closed_even_to_root() -> None:
    with pytest.raises(InputError, match=r"can't write /proc/a\.png"):
        write.check_output("/proc/a.png")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes here")
def test_check_output_spares_devices(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "a.png")
    with pytest.raises(InputError, match="not a regular file"):
        write.check_output(tmp_path / "a.png")
    with pytest.raises(InputError, match="not a regular file"):
        write.write(tmp_path / "a.png", _pattern())
    assert stat.S_ISFIFO((tmp_path / "a.png").stat().st_mode)


def test_check_output_unwritable(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_args: object, **_kwargs: object) -> None:
        raise OSError(errno.EROFS, "Read-only file system")

    monkeypatch.setattr("builtins.open", refuse)
    with pytest.raises(InputError, match="Read-only file system"):
        write.check_output(tmp_path / "a.png")


@pytest.mark.parametrize("path", [None, 3, b"a.png"])
def test_outputs_are_paths(path: object) -> None:
    for attempt in (write.check_output, files.check_folder):
        with pytest.raises(ConfigError, match=type(path).__name__):
            attempt(path)  # type: ignore[arg-type]


# Other files


def test_write_bytes(tmp_path: Path) -> None:
    path = tmp_path / "trace.json"
    files.check_folder(path)
    assert os.listdir(tmp_path) == []
    for data in (b"[[1, 2]]", b"[]"):
        files.write_bytes(path, data)
        files.check_folder(str(path))
        assert path.read_bytes() == data
    assert os.listdir(tmp_path) == ["trace.json"]


def test_write_bytes_to_impossible_places(tmp_path: Path) -> None:
    for place in (tmp_path, tmp_path / "no" / "trace.json", tmp_path / "a\0"):
        for attempt in (files.check_folder, lambda path: files.write_bytes(path, b"")):
            with pytest.raises(InputError, match="can't write"):
                attempt(place)
    assert os.listdir(tmp_path) == []


def test_full_disk_keeps_the_old_trace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "trace.json"
    path.write_bytes(b"old")

    def full(*_args: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(InputError, match="No space left on device"):
        files.write_bytes(path, b"new")
    monkeypatch.undo()
    assert path.read_bytes() == b"old"
    assert os.listdir(tmp_path) == ["trace.json"]


def test_import_is_light() -> None:
    code = (
        "import sys, artistyle_tf.images.write\n"
        "assert not {'tensorflow', 'absl', 'keras'} & set(sys.modules)\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
