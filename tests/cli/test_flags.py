"""The command line as flags: what becomes of it, and what is refused. No TensorFlow here."""

import dataclasses
import os
import re

import pytest
from absl import flags as absl_flags

from artistyle_tf import __version__
from artistyle_tf.cli.flag_table import COMMON, all_flags, help_text, shown
from artistyle_tf.cli.flags import Command, parse
from artistyle_tf.cli.values import setting
from artistyle_tf.config.config import Config
from artistyle_tf.config.presets import PRESETS
from artistyle_tf.errors import ConfigError, InputError
from artistyle_tf.vgg.vgg19 import VGG19_LAYERS

FIELDS = {field.name: field for field in dataclasses.fields(Config)}
FILES = ["--content=c.jpg", "--style=s.jpg", "--output=o.png"]
# Another value for every setting, as text and as it is meant.
OTHER = {
    "task": ("texture", "texture"),
    "size": ("0", 0),
    "iterations": ("7", 7),
    "init": ("content", "content"),
    "init_noise": ("0.3", 0.3),
    "seed": ("5", 5),
    "levels": ("3", 3),
    "finest": ("0.5", 0.5),
    "carry": ("picture", "picture"),
    "tolerance": ("0.01", 0.01),
    "padding": ("zeros", "zeros"),
    "optimizer": ("adam", "adam"),
    "history": ("7", 7),
    "learning_rate": ("2.5", 2.5),
    "precondition": ("0.5", 0.5),
    "settle": ("1", 1.0),
    "weights": ("preview", "preview"),
    "pooling": ("avg", "avg"),
    "content_weight": ("1e-3", 1e-3),
    "strength": ("0.7", 0.7),
    "style_weight": ("5", 5.0),
    "tv_weight": ("0.1", 0.1),
    "gamut_weight": ("7", 7.0),
    "palette_weight": ("7", 7.0),
    "noise_amplitude": ("60", 60.0),
    "coarsest": ("64", 64),
    "level_step": ("1.5", 1.5),
    "finer_iterations": ("9", 9),
    "style_scale": ("2", 2.0),
    "style_blend": ("0.7,0.3", (0.7, 0.3)),
    "style_layers": (
        "block1_conv1:0.5,block4_conv1",
        (("block1_conv1", 0.5), ("block4_conv1", 1.0)),
    ),
    "content_layers": ("block3_conv2:2", (("block3_conv2", 2.0),)),
    "balance": ("0.3", 0.3),
    "color": ("match", "match"),
    "formula": ("paper", "paper"),
    "statistics": ("w2", "w2"),
    "precision": ("bfloat16", "bfloat16"),
    "tile_size": ("512", 512),
    "memory": ("8GB", "8GB"),
    "jit_compile": ("on", "on"),
    "steps_per_execution": ("7", 7),
}


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


def test_least_command():
    assert parsed() == Command("c.jpg", ["s.jpg"], "o.png", Config(), None)


def test_every_setting_is_tried():
    assert OTHER.keys() == FIELDS.keys()


@pytest.mark.parametrize("name", OTHER)
def test_every_setting_has_a_flag(name):
    text, value = OTHER[name]
    second = ["--style=t.jpg"] if name == "style_blend" else []
    files = FILES[1:] if name == "task" else FILES  # a texture has no content
    config = parse([*files, f"--{name}={text}", *second]).config
    assert getattr(config, name) == value != getattr(Config(), name)
    assert config == Config.preset("artistyle", **{name: value})


def test_every_flag_is_a_setting_or_named_here():
    shown = [line.strip() for line in help_text(True).splitlines() if line.startswith("  --")]
    assert shown == [
        "--content", "--style", "--output", "--depth", "--content_mask", "--style_mask",
        "--flagfile", "--trace", "--report", "--save_every", "--checkpoint_dir", "--resume",
        "--tensorboard_dir", "--quiet", "--device", "--strategy", "--deterministic", "--preset",
        "--rerun",
        *(f"--{n}" for n in FIELDS),
    ]  # fmt: skip


def test_help_shows_defaults_choices_and_groups():
    words = " ".join(help_text(full=True).split())
    for name, field in FIELDS.items():
        assert " ".join(field.metadata["help"].split()) in words
        assert f"{field.metadata['group']}: --" in words
        assert all(choice in words for choice in field.metadata["choices"])
        if isinstance(field.default, int | float):
            start = words.index(f"--{name} ")
            assert f"[{field.default:g}]" in words[start : start + 200], name
    assert "[block4_conv2:1]" in words
    assert "(.h5, .weights.h5, .npz) [auto]" in words
    assert all(preset in words for preset in PRESETS)
    assert words.endswith("130 interrupted, 143 terminated.")
    assert max(map(len, help_text(full=True).splitlines())) <= 80


@pytest.mark.parametrize("flag", ["--help", "-h", "-help"])
def test_help_needs_nothing_else(flag):
    assert parse([flag]) == help_text()
    assert parse([*FILES, flag]) == help_text()


def test_help_shows_first_what_most_people_need():
    lines = help_text().splitlines()
    shown = [line.split()[0] for line in lines if line.startswith("  --")]
    assert shown == [f"--{name}" for name in COMMON]
    assert 12 <= len(shown) <= 16
    assert COMMON.keys() < {*FIELDS, *re.findall(r"^  --(\w+)$", help_text(True), re.MULTILINE)}
    assert len(lines) <= 30
    assert max(map(len, lines)) <= 80
    for words in ("--size           longer side of the result in px", "[512]", "[artistyle]"):
        assert words in help_text()
    assert f"--helpfull shows all {len(all_flags())} flags." in lines


@pytest.mark.parametrize("flag", ["--helpfull", "-helpfull"])
def test_helpfull_shows_all(flag):
    assert parse([flag]) == parse([*FILES, "--help", flag]) == help_text(full=True)


def test_version():
    assert parse(["--version"]) == f"artistyle {__version__}"


@pytest.mark.parametrize("flag", ["--iterations=7", "--iterations 7", "-iterations=7"])
def test_spellings(flag):
    assert parsed(*flag.split()).config.iterations == 7


def test_presets_and_single_settings():
    assert parsed("--preset=fast").config == Config.preset("fast")
    paper = parsed("--preset=paper", "--pooling=max", "--content_weight=2").config
    assert paper == Config.preset("paper", pooling="max", content_weight=2.0)
    assert paper.formula == "paper"


@pytest.mark.parametrize("preset", PRESETS)
def test_every_preset_takes_the_network_that_is_there(preset):
    assert parsed(f"--preset={preset}").config.weights == "auto"
    assert parsed(f"--preset={preset}", "--weights=preview").config.weights == "preview"


def test_strength():
    for preset in PRESETS:
        config = parsed(f"--preset={preset}", "--strength=1").config
        assert config == Config.preset(preset, strength=1)
    for arguments, said in (
        (["--strength=2"], "--strength is 2.0; it must be a number from 0 to 1"),
        (["--strength=much"], "--strength is 'much'; it must be a number from 0 to 1"),
        (["--strength=0.5", "--style_weight=60"], "--strength and style_weight are both given"),
        (["--preset=paper", "--statistics=w2"], "--statistics is 'w2'; formula paper is of Gram"),
    ):
        assert refused(*arguments).startswith(said)


def test_layers_and_shares_as_lists_and_repeated():
    wanted = (("block1_conv1", 1.0), ("block3_conv1", 0.25))
    for arguments in (
        ["--style_layers=block1_conv1,block3_conv1:0.25"],
        ["--style_layers= block1_conv1 , block3_conv1 : 0.25 "],
        ["--style_layers=block1_conv1", "--style_layers=block3_conv1:0.25"],
    ):
        assert parsed(*arguments).config.style_layers == wanted
    three = ["--style=t.jpg", "--style=u.jpg", "--style_blend=1", "--style_blend=2,3"]
    assert parsed(*three).config.style_blend == (1, 2, 3)
    assert parsed("--style_blend=").config.style_blend == ()


def test_styles(tmp_path):
    def styles(*texts):
        flags = [f"--style={text}" for text in texts]
        return parse(["--content=c", "--output=o.png", *flags]).styles

    assert styles("a.png") == ["a.png"]
    assert styles("a.png,b.png") == ["a.png", "b.png"]
    assert styles("a.png, b.png") == ["a.png", "b.png"]
    assert styles("~/a.png") == [os.path.expanduser("~/a.png")]
    assert styles("a.png", "b,c.png") == ["a.png", "b,c.png"]
    both = tmp_path / "night, starry.png"
    assert len(styles(both)) == 2
    both.touch()
    assert styles(both) == [str(both)]


@pytest.mark.parametrize("texts", [[","], ["a,"], ["a,,b"], ["a", ""]])
def test_style_without_a_name(texts):
    files = ["--content=c", "--output=o.png", *(f"--style={text}" for text in texts)]
    assert refused(files=files).startswith("--style has an empty name")


@pytest.mark.parametrize("name", ["content", "style", "output"])
def test_missing_files(name):
    rest = [flag for flag in FILES if not flag.startswith(f"--{name}=")]
    for files in (rest, [*rest, f"--{name}="]):
        assert refused(files=files).startswith(f"--{name} is missing: artistyle --content=")


@pytest.mark.parametrize(
    ("argument", "said"),
    [
        ("--contnt=x", "Unknown command line flag 'contnt'. Did you mean: content"),
        ("--iter=3", "Unknown command line flag 'iter'. Did you mean: iterations"),
        ("--nocontent", "Unknown command line flag 'nocontent'"),
        ("--wibble", "Unknown command line flag 'wibble'"),
        ("--size", "Missing value for flag --size"),
        ("--version=abc", "flag --version=abc"),
        ("photo.jpg", "'photo.jpg' is not a flag; write --content=FILE"),
        ("--size=5", "--size is 5; it must be 0 or at least 16 px"),
        ("--size=-64", "--size is -64; it must be a whole number from 0 to 65536"),
        ("--size=64.5", "--size is '64.5'; it must be a whole number from 0 to 65536"),
        ("--size=", "--size is ''; it must be a whole number"),
        ("--levels=few", "--levels is 'few'; it must be a whole number from 1 to 16 or auto"),
        ("--iterations=0", "--iterations is 0; it must be a whole number from 1"),
        ("--content_weight=nan", "--content_weight is nan; it must be a number from 0"),
        ("--content_weight=much", "--content_weight is 'much'; it must be a number from 0"),
        ("--optimizer=sgd", "--optimizer is 'sgd'; it must be one of tfp, lbfgs, adam, averaged"),
        (
            "--preset=nope",
            "--preset is 'nope'; it must be one of artistyle, fast, large, paper",
        ),
        ("--weights=", "--weights is ''; it must be auto, imagenet"),
        ("--style_layers=relu1_1", "--style_layers has 'relu1_1'; it must be one of block1_conv1"),
        ("--style_layers=", "--style_layers is empty"),
        ("--style_layers=block1_conv1:x", "--style_layers: block1_conv1 is 'x'; it must be a numb"),
        ("--style_layers=block1_conv1,block1_conv1", "--style_layers names a layer twice"),
        ("--style_blend=0.5;0.5", "--style_blend is '0.5;0.5'; it must be a number"),
        ("--style_blend=0,0", "--style_blend is all zeros"),
        (
            "--style_blend=1,2",
            "--style_blend is (1.0, 2.0); it must have one share for each style: 1",
        ),
        ("--depth=12", "--depth is '12'; it must be 8, 16 or 32"),
        ("--depth=", "--depth is ''; it must be 8, 16 or 32"),
        (
            "--depth=32",
            "the output o.png can't have depth 32: PNG has 8 or 16 bits a channel; choose",
        ),
        ("--trace=", "--trace is empty"),
        ("--trace=./o.png", "--trace is './o.png', which is one of the pictures"),
        ("--report=", "--report is empty"),
        ("--report=./o.png", "--report is './o.png', which is one of the pictures"),
        ("--report=o.pdf", "--report is 'o.pdf'; it must end in .html"),
    ],
)
def test_refusals(argument, said):
    assert refused(argument).startswith(said)


@pytest.mark.parametrize("name", ["o.jpg", "o.webp"])
def test_depths_that_a_format_lacks(name):
    output = f"--output={name}"
    kind = {"o.jpg": "JPEG", "o.webp": "WEBP"}[name]
    assert refused(output, "--depth=16") == (
        f"the output {name} can't have depth 16: {kind} has 8 bits a channel; choose .png or .tif"
    )
    assert refused(output, "--depth=32").endswith("; choose .tif")
    assert parsed(output, "--depth=8").depth == 8
    assert parsed("--output=o.tif", "--depth=32").depth == 32


def test_of_a_flag_given_twice_the_last_counts():
    """People have aliases and files with their flags."""
    command = parsed("--size=64", "--preset=fast", "--content=d.jpg", "--size=80", "--preset=paper")
    assert command.config == Config.preset("paper", size=80)
    assert command.content == "d.jpg"
    assert parsed("--size=nonsense", "--size=64").config.size == 64
    assert not parsed("--quiet", "--resume", "--noresume", "--checkpoint_dir=d").resume
    assert refused("--size=64", "--size=").startswith("--size is ''")
    assert refused("--content=").startswith("--content is missing")


def test_files_of_flags(tmp_path):
    inner, mine = tmp_path / "inner", tmp_path / "mine"
    inner.write_text("--seed=3\n")
    mine.write_text(
        f"# often used\n--size=64\n  --iterations=7\n\n--quiet\n--flagfile={inner}\n"
        "--style=night, starry.png\n"
    )
    for spelled in ([f"--flagfile={mine}"], ["--flagfile", str(mine)]):
        command = parsed("--iterations=5", *spelled, "--size=80")
        assert command.config == Config(size=80, iterations=7, seed=3)
        assert command.styles == ["s.jpg", "night, starry.png"]
        assert command.quiet
    for path, said in (
        (tmp_path / "none", f"can't read the flagfile {tmp_path}/none: No such file or directory"),
        (tmp_path, f"can't read the flagfile {tmp_path}: Is a directory"),
    ):
        with pytest.raises(InputError) as caught:
            parsed(f"--flagfile={path}")
        assert str(caught.value) == said
    mine.write_bytes(b"\x89PNG\xff\n")
    with pytest.raises(InputError, match=r"a --flagfile is not text"):
        parsed(f"--flagfile={mine}")
    assert "--flagfile with no argument" in refused("--flagfile")


def test_a_setting_that_is_text_or_nothing():
    """Its text is passed on as it is, and no default is shown."""
    field = dataclasses.field(default=None)
    field.name = "memory"
    assert setting(field, ["8GB"]) == "8GB"
    assert not shown(None)


def test_both_weights_zero():
    text = refused("--content_weight=0", "--style_weight=0")
    assert text.startswith("--content_weight and style_weight")


def test_unknown_layer_is_answered_with_the_known():
    text = refused("--content_layers=conv4_2")
    assert all(layer in text for layer in VGG19_LAYERS)


def test_a_bad_flag_is_found_wherever_it_stands():
    assert "'x.jpg' is not a flag" in refused("x.jpg", "--size=64")
    assert "'x.jpg' is not a flag" in refused("--", "x.jpg")


def test_the_hosts_flags_are_left_alone():
    before = set(absl_flags.FLAGS)
    parsed("--size=64")
    assert set(absl_flags.FLAGS) == before
    assert not {"size", "content_weight"} & before


def test_a_picture_is_never_overwritten():
    for name in ("c.jpg", "s.jpg", "./c.jpg"):
        text = refused(files=["--content=c.jpg", "--style=s.jpg", f"--output={name}"])
        assert text.startswith("--output is")
        assert "one of the pictures to read" in text
