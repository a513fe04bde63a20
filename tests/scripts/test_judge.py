"""The judge: its figures by hand, and runs of the script on finished and on painted pictures."""

import json
import math
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

import artistyle_tf
from artistyle_tf.images.network_scale import to_network
from artistyle_tf.images.read import read_record
from artistyle_tf.images.sizes import resize
from places import SAMPLES, SCRIPTS

PAIR = f"--pair={SAMPLES / 'content.jpg'},{SAMPLES / 'style.jpg'}"


@pytest.fixture
def measures(script):
    return script("measures")


@pytest.fixture
def judge(script):
    return script("judge")


def grey(levels):
    return np.repeat(np.array(levels, np.uint8)[..., None], 3, axis=2)


# Figures of pixels


def test_colour_steps_by_hand(measures):
    rgb = np.array([[[10, 0, 0], [0, 0, 4]], [[0, 3, 0], [7, 7, 7]]], np.uint8)
    # (R - G, B - G): (10, 0) (0, 4) / (-3, -3) (0, 0)
    right = (10 + 4 + 3 + 3) / 4
    down = (13 + 3 + 0 + 4) / 4
    assert measures.colour_steps(rgb) == right + down
    assert measures.colour_steps(rgb[:, ::-1]) == right + down


def test_grain_is_in_proportion_to_the_style_and_blind_to_brightness(measures, picture):
    style = picture(20, 30)
    calm = style // 2 * 0 + style // 4 * 4  # whole quarters
    assert measures.grain(style, style) == 1
    assert measures.grain(calm // 4, calm) == pytest.approx(0.25)
    brighter = (style // 2 + np.arange(30, dtype=np.uint8)[:, None]).astype(np.uint8)
    assert measures.grain(brighter, style // 2) == pytest.approx(1)
    assert math.isnan(measures.grain(style, grey(np.arange(400).reshape(20, 20) % 256)))


def test_border_by_hand(measures):
    levels = np.zeros((24, 26))
    levels[:] = 2 * (np.arange(26) % 2)  # steps of 2 to the right
    levels += 3 * (np.arange(24) % 2)[:, None]  # of 3 down
    assert measures.border(grey(levels)) == {"top": 1, "bottom": 1, "left": 1, "right": 1}
    levels[:2] = 10 * (np.arange(26) % 2)
    sides = measures.border(grey(levels))
    assert sides["top"] == 5
    assert sides["bottom"] == 1
    levels[-1] = 50  # one of the two rows is flat
    assert measures.border(grey(levels))["bottom"] == pytest.approx(0.5)
    assert measures.border(grey(levels).transpose(1, 0, 2))["left"] == 5


def test_the_border_of_colours_by_hand(measures):
    """A step of all three channels is none of colour."""
    rgb = np.repeat(np.indices((24, 26)).sum(0)[..., None] % 2, 3, axis=-1) * 10
    rgb[..., 0] += np.arange(26) % 2
    rgb[..., 0] += np.arange(24)[:, None] % 2
    rgb[:, :2, 2] += 3 * (np.arange(24) % 2)[:, None]
    sides = measures.border(measures.colours(rgb))
    assert (sides["left"], sides["right"]) == (4, 1)


def test_sides_are_judged_by_their_median(judge):
    each = [{"x_by_side": {"top": value}, "y": {"a": value}} for value in (1.0, 2.0, 9.0)]
    assert judge.means(each) == {"x_by_side": {"top": 2.0}, "y": {"a": 4.0}}


def test_border_of_a_picture_without_interior_is_unknown(measures, picture):
    assert all(math.isnan(side) for side in measures.border(picture(16, 40)).values())


def test_closed_by_hand(measures):
    style = {"a": np.eye(2), "b": np.full((2, 2), 3.0)}
    content = {"a": 3 * np.eye(2), "b": np.full((2, 2), 6.0)}
    between = {"a": 2 * np.eye(2), "b": np.full((2, 2), 3.75)}
    assert measures.distances(content, style) == pytest.approx({"a": 2, "b": 1})
    assert measures.closed(between, content, style) == pytest.approx({"a": 0.5, "b": 0.75})
    farther = {"a": 5 * np.eye(2), "b": content["b"]}
    assert measures.closed(farther, content, style) == pytest.approx({"a": -1, "b": 0})


def test_content_error_by_hand(measures):
    content = np.array([[[1.0, 2.0]], [[0.0, 3.0]]], np.float32)
    assert measures.content_error(content, content) == 0
    assert measures.content_error(content + 1, content) == pytest.approx(4 / 14)


# Figures of the network


@pytest.fixture
def pair(measures, tmp_path, picture):
    """Of one size, multiples of 16."""
    Image.fromarray(picture(48, 64, seed=1)).save(tmp_path / "photo.png")
    Image.fromarray(picture(48, 64, seed=2)).save(tmp_path / "painting.png")
    return measures.Pair(tmp_path / "photo.png", tmp_path / "painting.png")


def test_the_content_has_closed_nothing_and_the_style_everything(measures, pair, small_weights):
    see = measures.network(small_weights)
    content, style = (pair.judge(picture.rgb, see, 1, 60) for picture in pair.pictures)
    assert content["closed"] == pytest.approx(0, abs=1e-5)
    assert content["content_error"] == pytest.approx(0, abs=1e-9)
    assert style["closed"] == pytest.approx(1, abs=1e-5)
    assert style["grain"] == 1
    assert style["content_error"] > 0.01
    assert set(style["closed_by_layer"]) == {f"block{block}_conv1" for block in range(1, 6)}
    assert style["border"]["worst"] == max(style["border_by_side"].values())
    assert style["border"]["mean"] == np.mean(list(style["border_by_side"].values()))


@pytest.mark.parametrize("balance", [(1, 60), (2.5, 7)])
def test_the_saved_objective_is_that_of_a_run(
    measures, pair, small_file, small_weights, picture, balance
):
    alpha, beta = balance
    config = artistyle_tf.Config(
        size=64,
        weights=str(small_file),
        padding="zeros",
        content_weight=alpha,
        style_weight=beta,
        balance=0,
        palette_weight=0,
    )
    bound = artistyle_tf.build_objective(*map(str, pair.paths), config)
    painted = picture(48, 64, seed=3)
    figures = pair.judge(painted, measures.network(small_weights), alpha, beta)
    value, _ = bound(to_network(painted))
    assert figures["saved_objective"] == pytest.approx(float(value), rel=1e-4)


def test_content_and_style_are_taken_at_the_pictures_size(measures, pair, small_weights, picture):
    see = measures.network(small_weights)
    for height, width in ((33, 47), (70, 40)):
        content, style = pair.pictures
        smaller = resize(content.rgb, (height, width))
        assert pair.judge(smaller, see, 1, 60)["content_error"] == pytest.approx(0, abs=1e-9)
        longer = max(height, width)
        other = resize(style.rgb, (round(48 * longer / 64), longer))
        painted = picture(height, width, seed=4)
        expected = measures.grain(painted, other)
        assert pair.judge(painted, see, 1, 60)["grain"] == expected


# The script


def test_sets_of_flags_have_names(judge):
    texts = ["a b: --size=64 --init=x:y", "--style_layers=block1_conv1:2", "plain:"]
    assert judge.named_sets(texts) == {
        "a b": ["--size=64", "--init=x:y"],
        "--style_layers=block1_conv1:2": ["--style_layers=block1_conv1:2"],
        "plain": [],
    }
    assert judge.slug(texts[1]) == "style_layers_block1_conv1_2"


def test_flags_of_a_set_go_before_those_of_the_script(judge, tmp_path):
    pair = judge.Pair(SAMPLES / "content.jpg", SAMPLES / "style.jpg")
    command = judge.command_of(pair, ["--init=content"], tmp_path / "o.png", 64)
    assert (command.config.size, command.config.init) == (64, "content")
    assert [command.content, *command.styles] == list(map(str, pair.paths))
    assert judge.command_of(pair, ["--size=48"], tmp_path / "o.png", 64).config.size == 48


def test_the_script_runs_by_itself():
    script = SCRIPTS / "benchmark" / "judge.py"
    done = subprocess.run(
        [sys.executable, str(script), "--pair=one.png", "a.png"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert done.stderr == "judge.py: --pair='one.png' must be two files: --pair=CONTENT,STYLE\n"


def test_default_pairs_are_there(judge):
    pytest.importorskip("skimage")
    pairs = sys.modules["measures"].default_pairs()
    assert all(path.is_file() for pair in pairs for path in pair)
    assert len(judge.read_pairs([])) == len(set(pairs)) == 12


def test_pairs_are_listed_beside_their_file(judge, tmp_path):
    pairs = tmp_path / "pairs.txt"
    pairs.write_text("# photos, paintings\n\na.jpg, styles/b.jpg  # an etching\n/c.png,d.png\n")
    assert judge.listed(pairs) == [
        f"{tmp_path}/a.jpg,{tmp_path}/styles/b.jpg",
        f"/c.png,{tmp_path}/d.png",
    ]


def test_finished_pictures_are_judged(judge, small_file, tmp_path, capsys):
    photo, noise = SAMPLES / "content.jpg", tmp_path / "noise.png"
    small = tmp_path / "small.png"
    with Image.open(photo) as image:
        image.resize((80, 60), Image.Resampling.LANCZOS).save(small)
    Image.fromarray(np.random.default_rng(0).integers(0, 256, (50, 66, 3), np.uint8)).save(noise)
    figures = tmp_path / "figures.json"
    arguments = [PAIR, f"--weights={small_file}", f"--json={figures}", str(small), str(noise)]
    assert judge.main(arguments) == 0
    out = capsys.readouterr().out
    assert "| content × style | closed | content error | grain | off palette | patches" in out
    assert "| strokes | E | border" in out
    assert "seconds" not in out
    assert "| small | " in out
    told = json.loads(figures.read_text())
    assert told["judge"]["weights"] == small_file.name
    rows = told["pairs"]["content × style"]
    assert list(rows) == ["small", "noise"]
    assert rows["small"]["closed"] == pytest.approx(0, abs=1e-4)
    assert rows["noise"]["content_error"] > 0
    assert rows["noise"]["grain"] > rows["small"]["grain"]
    assert told["mean"] == rows


def test_folders_of_programs_are_judged_and_laid_out_blind(
    judge, small_file, tmp_path, picture, capsys
):
    pairs, figures, key = (tmp_path / name for name in ("pairs.txt", "f.json", "key.json"))
    names = [f"photo{i}" for i in range(4)]
    for name in names:
        Image.fromarray(picture(48, 64)).save(tmp_path / f"{name}.png")
    pairs.write_text("".join(f"{name}.png,photo3.png\n" for name in names[:3]))
    for program, level in (("ours", 250), ("theirs", 5)):
        (tmp_path / program).mkdir()
        for name in names[:3]:
            flat = Image.new("RGB", (96, 72), (level, level, level))
            flat.save(tmp_path / program / f"{name}_photo3.png")
    arguments = [
        *(f"--pairs={pairs}", str(tmp_path / "ours"), str(tmp_path / "theirs")),
        *(f"--weights={small_file}", f"--json={figures}", "--judged_size=64", "--height=64"),
        *(f"--sheet={tmp_path / 's.png'}", f"--blind={key}", "--seed=1"),
    ]
    assert judge.main(arguments) == 0
    assert "| mean of 3 | " in capsys.readouterr().out
    told = json.loads(figures.read_text())
    assert set(told["mean"]) == {"ours", "theirs"}
    order = [list(row.values()) for row in json.loads(key.read_text()).values()]
    assert [sorted(row) for row in order] == [["ours", "theirs"]] * 3
    assert len(set(map(tuple, order))) == 2
    with Image.open(tmp_path / "s.png") as image:
        left, top = image.width - 4 * (85 + 16), image.height - 3 * (64 + 16)
        for y, row in enumerate(order):
            for x, program in enumerate(row):
                middle = (left + (x + 2) * (85 + 16) + 42, top + y * (64 + 16) + 32)
                level = 250 if program == "ours" else 5
                assert image.getpixel(middle) == (level, level, level)
    (tmp_path / "ours" / "photo1_photo3.png").unlink()
    assert judge.main(arguments) == 1
    assert "ours must have one picture photo1_photo3.png, not 0" in capsys.readouterr().err


def test_larger_pictures_are_judged_shrunk(judge, small_file, tmp_path, capsys):
    figures = []
    for size in (320, 160):
        with Image.open(SAMPLES / "content.jpg") as image:
            shrunk = image.resize((size, size * 3 // 4), Image.Resampling.LANCZOS)
        shrunk.save(tmp_path / "p.png")
        told = tmp_path / f"{size}.json"
        asked = [PAIR, f"--weights={small_file}", "--judged_size=160", f"--json={told}"]
        assert judge.main([*asked, str(tmp_path / "p.png")]) == 0
        figures.append(json.loads(told.read_text())["mean"]["p"])
    assert figures[0]["grain"] == pytest.approx(figures[1]["grain"], rel=0.02)
    assert figures[0]["e"] == pytest.approx(figures[1]["e"], abs=0.1)


def test_sets_of_flags_are_painted_judged_and_not_painted_again(
    judge, small_file, tmp_path, capsys, monkeypatch
):
    folder, figures, sheet = tmp_path / "o", tmp_path / "figures.json", tmp_path / "sheet.png"
    usual = (
        f"--preset=fast --levels=1 --iterations=3 --padding=zeros --weights={small_file} "
        "--style_weight=60 --balance=0 --palette_weight=0"
    )
    for name in ("content", "style"):  # of equal sides, in whole cells
        with Image.open(SAMPLES / f"{name}.jpg") as image:
            image.resize((64, 48)).save(tmp_path / f"{name}.png")
    content, style = tmp_path / "content.png", tmp_path / "style.png"
    arguments = [
        *(f"--pair={content},{style}", f"--pair={style},{content}"),
        *(f"--weights={small_file}", f"--paint=fast: {usual}", "--size=64"),
        *(f"--folder={folder}", f"--json={figures}", f"--sheet={sheet}"),
    ]
    assert judge.main(arguments) == 0
    out = capsys.readouterr().out
    assert out.count("| fast | ") == 3
    assert "| mean of 2 | " in out
    first = json.loads(figures.read_text())
    one, other = (first["pairs"][name]["fast"] for name in ("content × style", "style × content"))
    assert one["evaluations"] >= 3
    assert one["seconds"] > 0
    # A CPU with tiles for bfloat16 has the run's own figure less exactly.
    assert one["saved_objective"] == pytest.approx(one["saved_by_run"], rel=0.05)
    for key in ("closed", "seconds", "evaluations", "saved_objective"):
        assert first["mean"]["fast"][key] == pytest.approx((one[key] + other[key]) / 2)
    assert len(list(folder.iterdir())) == 2
    with Image.open(folder / "content_style--fast.png") as image:
        assert max(image.size) == 64
    record = read_record(folder / "content_style--fast.png")
    assert record["outcome"]["objective"]["value"] == one["optimised"]
    assert str(tmp_path) not in json.dumps(record)
    with Image.open(sheet) as image:
        assert image.width > 3 * 256
        assert image.height > 2 * 256

    monkeypatch.setattr(artistyle_tf, "stylize", None)
    assert judge.main(arguments) == 0
    assert json.loads(figures.read_text()) == first
    capsys.readouterr()
    assert judge.main([text.replace("=3", "=4") for text in arguments]) == 1
    assert "content_style--fast.png is of another" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "status", "fault"),
    [
        ([PAIR], 2, "--paint"),
        ([PAIR, "a.png", "--paint=--preset=fast"], 2, "--paint"),
        (["a.png"], 2, "one --pair"),
        (["--pair=one.png", "a.png"], 2, "--pair='one.png' must be two files"),
        (["--pair=a.png,b.png,c.png", "a.png"], 2, "must be two files"),
        (["--pair=absent.png,b.png", "a.png"], 1, "absent.png does not exist"),
        ([PAIR, "absent.png"], 1, "absent.png does not exist"),
        ([PAIR, PAIR, "--paint=--preset=fast"], 2, "same names"),
        ([PAIR, "--paint=a: --preset=no"], 2, "preset"),
        ([PAIR, "--paint=a: --preset='"], 2, "quotation"),
        ([PAIR, "--paint=a: --help"], 2, "--help"),
        ([PAIR, "--paint=a: --trace=t.json"], 2, "--trace"),
        ([PAIR, "--paint=a:", "--paint=a: --preset=fast"], 2, "name of its own"),
        ([PAIR, "--paint=a:", "--sheet=s.bmp"], 2, "s.bmp"),
        ([PAIR, "--paint=a:", "--blind=key.json"], 2, "--sheet"),
        (["--pairs=absent.txt", "--paint=a:"], 1, "absent.txt"),
        ([PAIR, "--paint=a:", "--json=no/such/f.json"], 1, "f.json"),
        ([PAIR, "--weights=absent.npz", str(SAMPLES / "content.jpg")], 1, "absent.npz"),
    ],
)
def test_what_is_wrong_is_said_in_a_line(
    judge, tmp_path, monkeypatch, capsys, arguments, status, fault
):
    monkeypatch.chdir(tmp_path)
    assert judge.main(arguments) == status
    said = capsys.readouterr().err
    assert said.startswith("judge.py: ")
    assert said.count("\n") == 1
    assert fault in said
    assert not list(tmp_path.iterdir())


def test_an_interrupted_painting_is_not_kept(judge, small_file, tmp_path, monkeypatch, capsys):
    real = artistyle_tf.stylize

    def stopped(*arguments, **more):
        def interrupt(step):
            raise KeyboardInterrupt

        return real(*arguments, callback=interrupt, **more)

    monkeypatch.setattr(artistyle_tf, "stylize", stopped)
    flags = f"--paint=a: --preset=fast --weights={small_file}"
    folder = tmp_path / "o"
    asked = [PAIR, flags, f"--weights={small_file}", "--size=48", f"--folder={folder}"]
    assert judge.main(asked) == 130
    assert capsys.readouterr().err.endswith("judge.py: interrupted\n")
    assert not list(folder.iterdir())


def test_a_picture_of_another_aspect_is_remarked(judge, small_file, tmp_path, picture, capsys):
    Image.fromarray(picture(64, 32)).save(tmp_path / "tall.png")
    assert judge.main([PAIR, f"--weights={small_file}", str(tmp_path / "tall.png")]) == 0
    assert "tall.png has not the content's aspect" in capsys.readouterr().err
