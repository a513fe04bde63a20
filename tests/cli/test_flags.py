"""The command line as flags: what becomes of it, and what is refused. No TensorFlow here."""

import dataclasses
import os
import re

import pytest
from absl import flags as absl_flags

from artistyle_tf import __version__
from artistyle_tf.cli.flags import COMMON, PROGRAM, Command, parse
from artistyle_tf.config.config import Config
from artistyle_tf.config.presets import PRESETS
from artistyle_tf.errors import ConfigError, InputError
from artistyle_tf.text import flag_text

FIELDS = {field.name: field for field in dataclasses.fields(Config)}
FILES = ["--content=c.jpg", "--style=s.jpg", "--output=o.png"]
OTHER = {
    "task": "texture", "size": 0, "iterations": 7, "init": "content", "init_noise": 0.3, "seed": 5,
    "levels": 3, "finest": 0.5, "carry": "picture", "tolerance": 0.01, "padding": "zeros",
    "optimizer": "adam", "history": 7, "learning_rate": 2.5, "precondition": 0.5, "settle": 1.0,
    "weights": "preview", "pooling": "avg", "content_weight": 1e-3, "strength": 0.7,
    "style_weight": 5.0, "tv_weight": 0.1, "gamut_weight": 7.0, "palette_weight": 7.0,
    "noise_amplitude": 60.0, "coarsest": 64, "level_step": 1.5, "finer_iterations": 9,
    "style_scale": 2.0, "style_blend": (0.7, 0.3),
    "style_layers": (("block1_conv1", 0.5), ("block4_conv1", 1.0)),
    "content_layers": (("block3_conv2", 2.0),), "balance": 0.3, "color": "match",
    "formula": "paper", "statistics": "w2", "precision": "bfloat16", "tile_size": 512,
    "memory": "8GB", "jit_compile": "on", "steps_per_execution": 7,
}  # fmt: skip
"""Another value for every setting."""


def parsed(*arguments):
    command = parse([*FILES, *arguments])
    assert isinstance(command, Command)
    return command


def refused(*arguments, files=FILES):
    with pytest.raises(ConfigError) as caught:
        parse([*files, *arguments])
    text = str(caught.value)
    assert "\n" not in text
    assert caught.value.exit_status == 2
    return text


def test_every_setting_has_a_flag():
    assert parsed() == Command("c.jpg", ["s.jpg"], "o.png", Config())
    assert OTHER.keys() == FIELDS.keys()
    for name, value in OTHER.items():
        second = ["--style=t.jpg"] if name == "style_blend" else []
        files = FILES[1:] if name == "task" else FILES  # a texture has no content
        config = parse([*files, f"--{name}={flag_text(value)}", *second]).config
        assert getattr(config, name) == value != getattr(Config(), name)
        assert config == Config.preset("artistyle", **{name: value})
    assert parse([*FILES[1:], "--task=texture", "--size=64x32"]).config.size == (64, 32)


def test_helpfull_shows_every_flag_with_default_choices_and_group():
    text = parse(["--helpfull"])
    assert text == parse([*FILES, "--help", "-helpfull"])
    flags = re.findall(r"^  --(\w+)$", text, re.MULTILINE)
    assert flags == [flag.name for flag in PROGRAM.flags]
    assert flags[-len(FIELDS) :] == list(FIELDS)
    words = " ".join(text.split())
    for name, field in FIELDS.items():
        assert " ".join(field.metadata["help"].split()) in words
        assert f"{field.metadata['group']}: --" in words
        if isinstance(field.default, int | float):
            start = words.index(f"--{name} ")
            assert f"[{field.default:g}]" in words[start : start + 200], name
    for piece in ("[block4_conv2:1]", "(tfp, lbfgs, adam, averaged) [tfp]", *PRESETS):
        assert piece in words
    assert words.endswith("130 interrupted, 143 terminated.")
    assert max(map(len, text.splitlines())) <= 80


def test_help_shows_what_most_people_need():
    text = parse(["--help"])
    assert text == parse(["-h"]) == parse([*FILES, "-help"])
    lines = text.splitlines()
    named = [line.split()[0] for line in lines if line.startswith("  --")]
    assert named == [f"--{name}" for name in COMMON]
    assert len(lines) <= 30
    assert max(map(len, lines)) <= 80
    assert "  --size           longer side of the result in px; 0: that of the photo [512]" in lines
    assert f"--helpfull shows all {len(PROGRAM.flags)} flags." in lines
    assert parse(["--version"]) == f"artistyle {__version__}"


def test_spellings_and_presets():
    for flag in ("--iterations=7", "--iterations 7", "-iterations=7"):
        assert parsed(*flag.split()).config.iterations == 7
    for preset in PRESETS:
        assert parsed(f"--preset={preset}").config == Config.preset(preset)
        config = parsed(f"--preset={preset}", "--strength=1", "--weights=preview").config
        assert config == Config.preset(preset, strength=1, weights="preview")


def test_layers_and_shares_as_lists_and_repeated():
    wanted = (("block1_conv1", 1.0), ("block3_conv1", 0.25))
    for arguments in (
        ["--style_layers= block1_conv1 , block3_conv1 : 0.25 "],
        ["--style_layers=block1_conv1", "--style_layers=block3_conv1:0.25"],
    ):
        assert parsed(*arguments).config.style_layers == wanted
    three = ["--style=t.jpg", "--style=u.jpg", "--style_blend=1", "--style_blend=2,3"]
    assert parsed(*three).config.style_blend == (1, 2, 3)
    assert parsed("--style_blend=").config.style_blend == ()


def test_styles(tmp_path):
    def flags(*texts):
        return ["--content=c", "--output=o.png", *(f"--style={text}" for text in texts)]

    for texts, wanted in (
        (["a.png, b.png"], ["a.png", "b.png"]),
        (["~/a.png"], [os.path.expanduser("~/a.png")]),
        (["a.png", "b,c.png"], ["a.png", "b,c.png"]),
    ):
        assert parse(flags(*texts)).styles == wanted
    both = tmp_path / "night, starry.png"
    assert len(parse(flags(both)).styles) == 2
    both.touch()
    assert parse(flags(both)).styles == [str(both)]
    for texts in ([","], ["a,"], ["a,,b"], ["a", ""]):
        assert refused(files=flags(*texts)).startswith("--style has an empty name")


@pytest.mark.parametrize("name", ["content", "style"])
def test_missing_files(name):
    rest = [flag for flag in FILES if not flag.startswith(f"--{name}=")]
    for files in (rest, [*rest, f"--{name}="]):
        assert refused(files=files).startswith(f"--{name} is missing: artistyle photo.jpg ")


def test_files_without_names_of_flags():
    wanted = parse(["--content=a/photo.jpg", "--style=b.jpg", "--output=o.png", "--size=64"])
    assert parse(["--size=64", "a/photo.jpg", "b.jpg", "o.png"]) == wanted
    assert parse(["a/photo.jpg", "--size", "64", "b.jpg", "--output=o.png"]) == wanted
    assert parse(["a/photo.jpg", "b.jpg"]).output == "photo-b.png"
    assert parse(["--task=texture", "--style=b.jpg,c.jpg"]).output == "texture-b.png"
    assert parse(["--task=reconstruct", "photo.jpg"]).output == "photo-reconstruct.png"
    said = refused("o.png", files=["a.jpg", "b.jpg", "c.png"])
    assert said.startswith("'o.png' is one too many; write artistyle photo.jpg painting.jpg [out")
    said = refused("b.jpg", files=["a.jpg", "--style=c.jpg"])
    assert said == "--style and 'b.jpg' are both given; write one of them"


@pytest.mark.parametrize(
    ("argument", "said"),
    [
        ("--contnt=x", "Unknown command line flag 'contnt'. Did you mean: content"),
        ("--size", "Missing value for flag --size"),
        ("--version=abc", "flag --version=abc"),
        ("--content=a.jpg,b.jpg", "--content is 'a.jpg,b.jpg'; it must be one picture: artistyle-"),
        ("--size=5", "--size is 5; it must be 0 or at least 16 px"),
        ("--size=64.5", "--size is '64.5'; it must be a whole number from 0 to 65536"),
        ("--strength=0.5 --style_weight=60", "--strength and style_weight are both given"),
        ("--preset=nope", "--preset is 'nope'; it must be one of artistyle, fast, large, paper"),
        ("--style_layers=block1_conv1:x", "--style_layers: block1_conv1 is 'x'; it must be a numb"),
        ("--style_blend=1,2", "--style_blend is (1.0, 2.0); it must have one share for each style"),
        ("--depth=12", "--depth is '12'; it must be 8, 16 or 32"),
        ("--output=o.webp --depth=16", "the output o.webp can't have depth 16: WEBP has 8 bits"),
        ("--output=", "--output is empty"),
        ("--report=./p.html --content=p.html", "--report is './p.html', which is one of the pictu"),
        ("--report=o.pdf", "--report is 'o.pdf'; it must end in .html"),
        ("--output=./c.jpg", "--output is './c.jpg', which is one of the pictures to read"),
        ("--save_every=0", "--save_every is '0'; it must be a whole number of iterations, 1 or"),
        ("--save_every=2 --style=o-0002.png", "--save_every would write "),
        ("--device=cuda", "--device is 'cuda'; it must be like cpu, gpu, gpu:1 or tpu"),
        ("--strategy=many", "--strategy is 'many'; it must be one of mirrored, multiworker, tpu"),
        ("--device=cpu --strategy=mirrored", "--device and --strategy are both given"),
        ("--resume", "--resume needs --checkpoint_dir=FOLDER"),
        ("--flagfile", "--flagfile with no argument"),
    ],
)  # fmt: skip
def test_refusals(argument, said):
    text = refused(*argument.split(" "))
    assert said in text if said.startswith("--flagfile") else text.startswith(said)


def test_of_a_flag_given_twice_the_last_counts():
    """People have aliases and files with their flags."""
    command = parsed("--size=x", "--preset=fast", "--content=d.jpg", "--size=80", "--preset=paper")
    assert command.config == Config.preset("paper", size=80)
    assert command.content == "d.jpg"
    assert not parsed("--resume", "--noresume").resume


def test_files_of_flags(tmp_path):
    inner, mine = tmp_path / "inner", tmp_path / "mine"
    inner.write_text("--seed=3\n")
    mine.write_text(
        f"# often used\n--size=64\n  --iterations=7\n\n--quiet\n--flagfile={inner}\n"
        "--style=night, starry.png\n"
    )
    command = parsed("--iterations=5", "--flagfile", str(mine), "--size=80")
    assert command.config == Config(size=80, iterations=7, seed=3)
    assert command.styles == ["s.jpg", "night, starry.png"]
    assert command.quiet
    mine.write_bytes(b"\x89PNG\xff\n")
    for path in (tmp_path / "none", tmp_path, mine):
        with pytest.raises(InputError, match=r"^can't read a --flagfile: .+"):
            parsed(f"--flagfile={path}")


def test_the_hosts_flags_are_left_alone():
    before = set(absl_flags.FLAGS)
    parsed("--size=64")
    assert set(absl_flags.FLAGS) == before
    assert not {"size", "content_weight"} & before
