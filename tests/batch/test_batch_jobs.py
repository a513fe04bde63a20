"""Jobs from mappings, CSV and JSON lines; their names. No TensorFlow, no Ray."""

import json

import pytest

from artistyle_tf.batch.job_files import read_jobs, texts
from artistyle_tf.batch.jobs import COLUMNS, make_job, placed
from artistyle_tf.config.config import Config
from artistyle_tf.errors import ConfigError, InputError


def job(content="a.jpg", style="b.jpg", **more):
    return make_job(texts({"content": content, "style": style, **more}))


def test_a_job_has_the_settings_of_its_columns():
    made = job(preset="fast", size=96, style_layers={"block1_conv1": 2}, depth=16, seed="4")
    layers = {"block1_conv1": 2}
    assert made.config == Config.preset("fast", size=96, style_layers=layers, seed=4)
    assert (made.content, made.styles, made.depth) == ("a.jpg", ("b.jpg",), 16)


def test_several_styles_and_masks():
    styles = job(style="b.jpg, c.jpg", content_mask=["m.png", "n.png"]).styles
    assert styles == job(style=["b.jpg", "c.jpg"], content_mask="m.png,n.png").styles
    with pytest.raises(ConfigError, match="content_mask has 1 pictures, and style has 2"):
        job(style="b.jpg,c.jpg", content_mask="m.png")


@pytest.mark.parametrize(
    ("row", "fault"),
    [
        ({"sise": 3}, "there is no column 'sise'; columns are content, style, content_mask"),
        ({"size": "big"}, "size is 'big'"),
        ({"depth": 12}, "depth is '12'"),
        ({"quiet": 1}, "there is no column 'quiet'"),
        ({"style": None}, "style is missing"),
        ({"seed": True}, "seed is True; it must be text, a number or a list"),
        ({"style_blend": [True]}, "style_blend contains True"),
        ({"strength": 0.5, "style_weight": 3}, "strength and style_weight are both given"),
    ],
)
def test_what_is_no_job(row, fault):
    with pytest.raises(ConfigError, match=fault):
        job(**row)


def test_names_follow_from_the_jobs():
    jobs = [job("x/a.jpg"), job("a.png", "b.jpg,c d.png"), job(None, task="texture")]
    assert [one.output for one in placed(jobs, "out", ".jpg")] == [
        "out/a--b.jpg",
        "out/a--b+c d.jpg",
        "out/b.jpg",
    ]


def test_equal_names_are_told_apart_by_what_is_painted():
    first, again, other, third = job("x/a.jpg"), job("x/a.jpg"), job("y/A.jpg"), job("c.jpg")
    names = [one.output for one in placed([first, other, third], "out")]
    assert names[2] == "out/c--b.png"
    assert names[0].startswith("out/a--b-")
    assert names[0].casefold() != names[1].casefold()
    assert placed([other, third, first], "out")[2].output == names[0]
    with pytest.raises(ConfigError, match="two jobs have the same output"):
        placed([first, again], "out")
    seeds = [job(seed=1), job(seed=2)]
    assert len({one.output for one in placed(seeds, "out")}) == 2


def test_outputs_that_can_not_be(tmp_path):
    with pytest.raises(ConfigError, match=r"two jobs have the same output out/O\.png"):
        placed([job(output="o.png"), job(output="O.png")], "out")
    with pytest.raises(ConfigError, match=r"the output \S*/b.png is one of the pictures to read"):
        placed([job("a.jpg", f"{tmp_path}/b.png", output="b.png")], str(tmp_path))
    with pytest.raises(ConfigError, match="can't have depth 16"):
        placed([job(output="o.jpg", depth=16)], "out")
    with pytest.raises(ConfigError, match="has the extension"):
        placed([job(output="o.gif")], "out")


def test_outputs_may_be_anywhere():
    outputs = ["/there/o.png", "s3://bucket/o.png", "sub/o.png"]
    jobs = placed([job(output=output) for output in outputs], "memory://out")
    found = [one.output for one in jobs]
    assert found == ["/there/o.png", "s3://bucket/o.png", "memory://out/sub/o.png"]


CSV = """\
content, style, output, size, strength
a.jpg, "b.jpg,c.jpg", o.png, , 0.3
/x/a.jpg, s3://bucket/b.jpg, , 64,
"""


def test_csv(tmp_path):
    path = tmp_path / "jobs.csv"
    path.write_text(CSV, "utf-8-sig")
    base = {"size": ["96"], "style_weight": ["7"]}
    first, second = read_jobs(str(path), base)
    assert first.content == f"{tmp_path}/a.jpg"
    assert first.styles == (f"{tmp_path}/b.jpg", f"{tmp_path}/c.jpg")
    assert first.config == Config(size=96, strength=0.3)
    assert (second.content, second.styles) == ("/x/a.jpg", ("s3://bucket/b.jpg",))
    assert second.config == Config.preset("artistyle", size=64, style_weight=7)
    assert [one.where for one in (first, second)] == [f"{path}, line 2", f"{path}, line 3"]


def test_jsonl(tmp_path):
    rows = [
        {"content": "a.jpg", "style": ["b.jpg", "c, d.jpg"], "style_blend": [0.7, 0.3]},
        {"task": "texture", "style": "b.jpg", "size": [64, 48], "content_layers": {}},
        {"content": "a.jpg", "style": "b.jpg", "style_layers": [["block1_conv1", 2]]},
    ]
    path = tmp_path / "jobs.jsonl"
    path.write_text("\n\n".join(map(json.dumps, rows)))
    first, second, third = read_jobs(str(path))
    assert first.styles == (f"{tmp_path}/b.jpg", f"{tmp_path}/c, d.jpg")
    assert first.config.style_blend == (0.7, 0.3)
    assert (second.content, second.config.size) == (None, (64, 48))
    assert third.config.style_layers == (("block1_conv1", 2.0),)
    assert third.where == f"{path}, line 5"


@pytest.mark.parametrize(
    ("name", "text", "fault"),
    [
        ("j.csv", "content,style\na,b\na,b,c\n", "line 3: it has more cells than the 2 columns"),
        ("j.csv", "content,style\n\na\n", "line 3: it has fewer cells than columns"),
        ("j.csv", "content,content\na,b\n", "line 1: the column 'content' appears twice"),
        ("j.csv", "content,style,sise\na,b,3\n", "line 2: there is no column 'sise'"),
        ("j.csv", "content,style,size\na,b,3\na,b,-3\n", "line 2: size is 3"),
        ("j.csv", 'content,style\n"a,b\n', "line 2: unexpected end of data"),
        ("j.jsonl", '{"content": "a"}\n{', "line 1: style is missing"),
        ("j.jsonl", '{"content": "a", "style": "b"}\n{"c"', "line 2: invalid JSON: Expecting ':'"),
        ("j.jsonl", "[1]", "line 1: it must be an object"),
        ("j.jsonl", '{"content": {"a": [1]}, "style": "b"}', r"line 1: content contains \[1\]"),
        ("j.txt", "", "it must end in .csv or .jsonl"),
    ],
)
def test_faults_have_the_line(tmp_path, name, text, fault):
    (tmp_path / name).write_text(text)
    with pytest.raises(ConfigError, match=fault):
        read_jobs(str(tmp_path / name))


@pytest.mark.parametrize(
    ("data", "fault"),
    [(b"", "has no jobs"), (b"\xff\xfe", "is not UTF-8 text"), (None, "can't read")],
)
def test_files_that_are_none(tmp_path, data, fault):
    path = tmp_path / "jobs.csv"
    if data is not None:
        path.write_bytes(data)
    with pytest.raises(InputError, match=fault):
        read_jobs(str(path))


def test_every_setting_is_a_column():
    assert {"preset", *Config().to_dict()} < {*COLUMNS}
