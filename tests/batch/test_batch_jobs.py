"""Jobs from mappings, files, folders and URLs; their names. No TensorFlow, no Ray."""

import dataclasses
import json
import pathlib
import shutil

import fsspec
import pytest
from fsspec.implementations.memory import MemoryFile
from PIL import Image

from artistyle_tf.batch.jobs import COLUMNS, combine, make_job, name_outputs, read_jobs
from artistyle_tf.batch.paths import copy_local, find_pictures, local_output
from artistyle_tf.config.config import Config
from artistyle_tf.errors import ConfigError, InputError


def job(content="a.jpg", style="b.jpg", **more):
    return make_job({"content": content, "style": style, **more})


def test_settings_are_values_or_texts():
    layers = {"block1_conv1": 2}
    wanted = Config.preset("fast", size=(96, 64), style_layers=layers, seed=4, task="texture")
    values = {"size": [96, 64], "style_layers": layers, "seed": 4}
    texts = {"size": "96x64", "style_layers": "block1_conv1:2", "seed": "4"}
    for row in (values, texts, {**values, "style_layers": [["block1_conv1", 2]]}):
        made = job(None, pathlib.Path("b.jpg"), preset="fast", task="texture", depth=16, **row)
        assert made.config == wanted
        assert (made.content, made.styles, made.depth) == (None, ("b.jpg",), 16)
    assert {"preset", *Config().to_dict()} < {*COLUMNS}


def test_several_styles_and_masks():
    styles = job(style="b.jpg, c.jpg", content_mask=["m.png", "n.png"]).styles
    assert styles == job(style=["b.jpg", "c.jpg"], content_mask="m.png,n.png").styles
    with pytest.raises(ConfigError, match="content_mask has 1 pictures, and style has 2"):
        job(style="b.jpg,c.jpg", content_mask="m.png")


@pytest.mark.parametrize(
    ("row", "fault"),
    [
        ({"sise": 3}, "there is no column 'sise'; columns are content, style, content_mask"),
        ({"depth": 12}, "depth is '12'"),
        ({"style": None}, "style is missing"),
        ({"content": ["a.jpg", "b.jpg"]}, r"content is \['a.jpg', 'b.jpg'\]; it must be one text"),
    ],
)
def test_what_is_no_job(row, fault):
    with pytest.raises(ConfigError, match=f"^{fault}"):
        job(**row)


def test_names_follow_from_the_pictures_only():
    jobs = [job("x/a.jpg"), job("a.png", "b.jpg,c d.png"), job(None, task="texture")]
    jobs += [job("y/A.jpg"), job("a.jpg", "b-3.jpg"), job("x/a.jpg", seed=9)]
    jobs += [job("q.jpg", output="sub/o.jpg")]
    names = ["a--b.jpg", "a--b+c d.jpg", "b.jpg", "A--b-2.jpg", "a--b-3.jpg", "a--b-4.jpg"]
    names += ["sub/o.jpg"]
    assert [one.output for one in name_outputs(jobs, "out", ".jpg")] == [f"out/{n}" for n in names]
    other = [dataclasses.replace(one, config=Config(seed=4)) for one in jobs]
    found = name_outputs(other, "memory://out/", ".jpg")
    assert [one.output for one in found] == [f"memory://out/{name}" for name in names]


@pytest.mark.parametrize("folder", ["out", "/there", "memory://there", "."])
def test_outputs_stay_inside_their_folder(folder):
    for output in ("../../escape.png", "/elsewhere/o.png", "s3://bucket/o.png", "a/../../o.png"):
        with pytest.raises(ConfigError, match=f"^the output .*o?.png is outside {folder}$"):
            name_outputs([job(output=output)], folder)
    kept = name_outputs([job(output="../o.png"), job(output="/elsewhere/o.png")], "")  # by Python
    assert [one.output for one in kept] == ["../o.png", "/elsewhere/o.png"]


def test_outputs_that_can_not_be(tmp_path):
    for jobs in ([job(output="o.png")] * 2, [job(output="o.png"), job(output="O.png")]):
        with pytest.raises(ConfigError, match="two jobs have the same output"):
            name_outputs(jobs, "out")
    with pytest.raises(ConfigError, match=r"the output \S*/b.png is one of the pictures to read"):
        name_outputs([job("a.jpg", f"{tmp_path}/b.png", output="b.png")], str(tmp_path))


CSV = """\
content, style, output, size, strength
a.jpg, "b.jpg,c.jpg", o.png, , 0.3

/x/a.jpg, s3://bucket/b.jpg, , 64,
"""


def test_files_of_jobs(tmp_path):
    path = tmp_path / "jobs.csv"
    path.write_text(CSV, "utf-8-sig")
    first, second = read_jobs(str(path), {"size": ["96"], "style_weight": ["7"]})
    assert first.content == f"{tmp_path}/a.jpg"
    assert first.styles == (f"{tmp_path}/b.jpg", f"{tmp_path}/c.jpg")
    assert first.config == Config(size=96, strength=0.3)
    assert (second.content, second.styles) == ("/x/a.jpg", ("s3://bucket/b.jpg",))
    assert second.config == Config.preset("artistyle", size=64, style_weight=7)
    assert [one.where for one in (first, second)] == [f"{path}, line 2", f"{path}, line 4"]
    path.write_text("content;style;strength\na.jpg;b.jpg,c.jpg;0.3\n")  # as Excel may write it
    (third,) = read_jobs(str(path))
    assert (third.styles, third.config) == (first.styles, Config(strength=0.3))
    rows = [
        {"content": "a.jpg", "style": ["b.jpg", "c, d.jpg"], "style_blend": [0.7, 0.3]},
        {"task": "texture", "style": "b.jpg", "size": [64, 48], "content_layers": {}},
    ]
    path = tmp_path / "jobs.jsonl"
    path.write_text("\n\n".join(map(json.dumps, rows)))
    first, second = read_jobs(str(path))
    assert first.styles == (f"{tmp_path}/b.jpg", f"{tmp_path}/c, d.jpg")
    assert first.config.style_blend == (0.7, 0.3)
    assert (second.content, second.config.size) == (None, (64, 48))
    assert second.where == f"{path}, line 3"


@pytest.mark.parametrize(
    ("name", "text", "fault"),
    [
        (
            "j.csv",
            b"content,style\na,b\na,b,c\n",
            "line 3: it has more or fewer cells than the header",
        ),
        ("j.csv", b"content,style,size\na,b,96\na,b,-3\n", "line 3: size is -3"),
        ("j.csv", b'content,style\n"a,b\n', "line 2: unexpected end of data"),
        ("j.csv", b"\xff\xfe", "is not UTF-8 text"),
        ("j.jsonl", b'{"content": "a", "style": "b"}\n{"c"', "line 2: invalid JSON: Expecting ':'"),
        ("j.jsonl", b'{"seed": ' + b"1" * 5000, "line 1: invalid JSON: Exceeds the limit"),
        ("j.jsonl", b"[" * 10**6, "line 1: invalid JSON: maximum recursion depth"),
        ("j.txt", b"", "it must end in .csv or .jsonl"),
    ],
)
def test_faults_of_files_have_the_line(tmp_path, name, text, fault):
    if text is not None:
        (tmp_path / name).write_bytes(text)
    with pytest.raises((ConfigError, InputError), match=fault):
        read_jobs(str(tmp_path / name))


@pytest.fixture
def desk(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    names = "photos/b.jpg", "photos/a.PNG", "photos/sub/c.png", "styles/s.png", "styles/t.png"
    for name in names:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (20, 20)).save(tmp_path / name)
    (tmp_path / "photos" / "notes.txt").write_text("none")
    (tmp_path / "photos" / ".hidden.png").write_text("none")
    return tmp_path


def test_folders_and_patterns(desk):
    assert find_pictures(["photos"]) == ["photos/a.PNG", "photos/b.jpg"]
    assert find_pictures(["photos/*.jpg", "photos"]) == ["photos/b.jpg", "photos/a.PNG"]
    assert find_pictures(["photos/**/*.png"]) == ["photos/sub/c.png"]
    (desk / "empty").mkdir()
    for text, fault in (("x.jpg", "does not exist"), ("*.jpg", "no picture"), ("empty", "no pic")):
        with pytest.raises(InputError, match=fault):
            find_pictures([text])


def test_every_photo_in_every_style(desk):
    jobs = combine({"content": ["photos"], "style": ["styles/s.png,styles/t.png"], "size": ["64"]})
    assert [(job.content, job.styles) for job in jobs] == [
        (photo, (style,))
        for photo in ("photos/a.PNG", "photos/b.jpg")
        for style in ("styles/s.png", "styles/t.png")
    ]
    assert {job.config.size for job in jobs} == {64}
    textures = combine({"style": ["styles"], "task": ["texture"]})
    assert [(job.content, job.stem) for job in textures] == [(None, "s"), (None, "t")]
    again = combine({"content": ["photos"], "task": ["reconstruct"]})
    assert [(job.styles, job.stem) for job in again] == [((), "a"), ((), "b")]


def test_masks_are_called_like_their_pictures(desk):
    (desk / "masks").mkdir()
    Image.new("L", (20, 20)).save(desk / "masks" / "b.tif")
    given = {"content": ["photos"], "style": ["styles/s.png"], "content_mask": ["masks"]}
    assert [job.content_masks for job in combine(given)] == [(), ("masks/b.tif",)]
    given["style_mask"] = ["masks/b.tif"]
    assert [job.style_masks for job in combine(given)] == [(), ("masks/b.tif",)]


def test_urls_are_for_fsspec(monkeypatch):
    system = fsspec.filesystem("memory")
    for name in ("a.png", "b.jpg", "c.txt"):
        system.pipe(f"/there/{name}", name.encode())
    urls = ["memory:///there/a.png", "memory:///there/b.jpg"]
    assert find_pictures(["memory://there/*.png"]) == urls[:1]
    assert find_pictures(["memory://there"]) == urls
    with copy_local(*urls, "here.png") as local, local_output("memory://kept/a.png") as path:
        shutil.copy(local[urls[1]], path)

    def fail(file, data):
        raise OSError("no room")

    monkeypatch.setattr(MemoryFile, "write", fail)
    fault = r"can't access memory://kept/a\.png: no room"
    with pytest.raises(InputError, match=fault), local_output("memory://kept/a.png") as path:
        shutil.copy(__file__, path)
    assert [path["name"] for path in system.ls("/kept")] == ["/kept/a.png"]
    assert system.cat("/kept/a.png") == b"b.jpg"
    for url, fault in (("memory://x.png", "does not exist"), ("nope://x/a.png", "can't access")):
        with pytest.raises(InputError, match=fault), copy_local(url):
            pass
