"""Folders, patterns, URLs and masks become jobs. No TensorFlow, no Ray."""

import fsspec
import pytest
from PIL import Image

from artistyle_tf.batch.expand import crossed
from artistyle_tf.batch.places import expanded, fetched, is_url, joined, store
from artistyle_tf.errors import ConfigError, InputError


@pytest.fixture
def desk(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in (
        "photos/b.jpg",
        "photos/a.PNG",
        "photos/sub/c.png",
        "styles/s.png",
        "styles/t.png",
    ):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (20, 20)).save(tmp_path / name)
    (tmp_path / "photos" / "notes.txt").write_text("none")
    (tmp_path / "photos" / ".hidden.png").write_text("none")
    return tmp_path


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        (["photos"], ["photos/a.PNG", "photos/b.jpg"]),
        (["photos/*.jpg", "photos"], ["photos/b.jpg", "photos/a.PNG"]),
        (["photos/**/*.png"], ["photos/sub/c.png"]),
        (["photos/b.jpg"], ["photos/b.jpg"]),
    ],
)
def test_what_texts_stand_for(desk, asked, found):
    assert expanded(asked) == found


def test_nothing_is_said(desk):
    (desk / "empty").mkdir()
    for text, fault in (("x.jpg", "does not exist"), ("*.jpg", "no picture"), ("empty", "no pic")):
        with pytest.raises(InputError, match=fault):
            expanded([text])


def test_every_photo_in_every_style(desk):
    jobs = crossed({"content": ["photos"], "style": ["styles/s.png,styles/t.png"], "size": ["64"]})
    assert [(job.content, job.styles) for job in jobs] == [
        (photo, (style,))
        for photo in ("photos/a.PNG", "photos/b.jpg")
        for style in ("styles/s.png", "styles/t.png")
    ]
    assert {job.config.size for job in jobs} == {64}


def test_tasks_without_one_of_them(desk):
    textures = crossed({"style": ["styles"], "task": ["texture"]})
    assert [(job.content, job.stem) for job in textures] == [(None, "s"), (None, "t")]
    again = crossed({"content": ["photos"], "task": ["reconstruct"]})
    assert [(job.styles, job.stem) for job in again] == [((), "a"), ((), "b")]
    with pytest.raises(ConfigError, match="--style is missing"):
        crossed({"content": ["photos"]})


def test_masks_are_called_like_their_pictures(desk):
    (desk / "masks").mkdir()
    Image.new("L", (20, 20)).save(desk / "masks" / "b.tif")
    given = {"content": ["photos"], "style": ["styles/s.png"], "content_mask": ["masks"]}
    assert [job.content_masks for job in crossed(given)] == [(), ("masks/b.tif",)]
    given["style_mask"] = ["masks/b.tif"]
    assert [job.style_masks for job in crossed(given)] == [(), ("masks/b.tif",)]


def test_urls_are_fsspecs():
    system = fsspec.filesystem("memory")
    for name in ("a.png", "b.jpg", "c.txt"):
        system.pipe(f"/there/{name}", name.encode())
    urls = ["memory:///there/a.png", "memory:///there/b.jpg"]
    assert expanded(["memory://there/*.png"]) == urls[:1]
    assert expanded(["memory://there"]) == urls
    with fetched(*urls, "here.png") as local:
        assert local["here.png"] == "here.png"
        with open(local[urls[1]], "rb") as file:
            assert file.read() == b"b.jpg"
        assert local[urls[1]].endswith("/b.jpg")
    with (
        pytest.raises(InputError, match=r"memory://there/x\.png does not exist"),
        fetched("memory://there/x.png"),
    ):
        pass


def test_what_is_stored_appears_whole(tmp_path, monkeypatch):
    (tmp_path / "a.png").write_text("new")
    store(str(tmp_path / "a.png"), "memory://kept/a.png")
    system = fsspec.filesystem("memory")
    assert system.cat("/kept/a.png") == b"new"

    def fail(*paths):
        raise OSError("no room")

    monkeypatch.setattr(type(system), "mv", fail)
    (tmp_path / "a.png").write_text("newer")
    with pytest.raises(InputError, match=r"can't access memory://kept/a\.png: no room"):
        store(str(tmp_path / "a.png"), "memory://kept/a.png")
    assert [path["name"] for path in system.ls("/kept")] == ["/kept/a.png"]
    assert system.cat("/kept/a.png") == b"new"


def test_unknown_protocols_and_file_urls(monkeypatch):
    with pytest.raises(InputError, match="can't access nope://x"):
        expanded(["nope://x/a.png"])
    assert joined("x", "file:///a%20b.png") == "/a b.png"
    assert not is_url("file:///a.png")
    assert joined("memory://x", "a.png") == "memory://x/a.png"
