"""The judge: its figures by hand or beside another implementation, and runs of the script."""

import json
import math

import numpy as np
import pytest
from PIL import Image

import artistyle_tf
from artistyle_tf.images.network_scale import to_network
from artistyle_tf.images.read import read_record
from artistyle_tf.images.sizes import resize
from places import SAMPLES

pytest.importorskip("scipy")
pytest.importorskip("skimage")


@pytest.fixture
def measures(script):
    return script("measures")


@pytest.fixture
def referees(script):
    return script("referees")


def grey(levels):
    return np.repeat(np.array(levels, np.uint8)[..., None], 3, axis=2)


# Figures of pixels


def test_colour_steps_by_hand(measures):
    rgb = np.array([[[10, 0, 0], [0, 0, 4]], [[0, 3, 0], [7, 7, 7]]], np.uint8)
    # (R - G, B - G): (10, 0) (0, 4) / (-3, -3) (0, 0)
    assert measures.colour_steps(rgb) == (10 + 4 + 3 + 3) / 4 + (13 + 3 + 0 + 4) / 4
    assert measures.grain(rgb, rgb) == 1
    assert math.isnan(measures.grain(rgb, grey(np.eye(4))))  # a style without colours


def test_distances_along_directions_are_those_of_scipy(referees, picture):
    """W1 would be SciPy's; of shifts it equals W2."""
    from scipy.stats import wasserstein_distance

    directions = np.linalg.qr(np.random.default_rng(1).normal(size=(147, 147)))[0][:3]
    pictures = [picture(40, 40, 1).astype(np.float32), picture(30, 50, 2).astype(np.float32)]
    quantiles = [referees.projected(each, directions) for each in pictures]
    windows = np.lib.stride_tricks.sliding_window_view
    rows = [windows(each, (7, 7), (0, 1)).reshape(-1, 147) for each in pictures]
    for row, direction in enumerate(directions):
        expected = wasserstein_distance(*(each @ direction for each in rows))
        found = np.mean(np.abs(quantiles[0][row] - quantiles[1][row]))
        assert found == pytest.approx(expected, rel=0.02)


def test_divergence_of_known_gaussians_and_e(referees):
    unit = referees.Fit(np.zeros(2), np.eye(2))
    wider = referees.Fit(np.array([1.0, 0]), np.diag([4.0, 1.0]))
    # (log s + (1 + m²) / s² - 1) / 2 by dimension, s² the other's variance
    known = (math.log(4) + 2 / 4 - 1) / 2
    assert referees.divergence(unit, wider) == pytest.approx(known, abs=1e-5)
    rng, style = np.random.default_rng(0), {}
    for layer, (kept, _) in referees.E_LAYERS.items():
        rows = rng.normal(size=(400, kept + 8)) * np.linspace(1, 3, kept + 8)
        style[layer] = referees.Fit(rows.mean(0), np.cov(rows.T))
    bases = referees.bases_of([style])

    def moved(by):
        fits = {k: referees.Fit(fit.mean + by, fit.covariance) for k, fit in style.items()}
        return referees.effectiveness(fits, style, bases)["E"]

    # Twice as far is four times the divergence, at every layer.
    lost = (0.7468 + 0.2557 + 2.3768) * math.log(4)
    assert moved(0.1) - moved(0.2) == pytest.approx(lost, rel=1e-6)


# Figures of the network


def test_content_style_and_the_objective_of_a_run(
    measures, tmp_path, small_file, small_weights, picture
):
    """The content has closed nothing and the style everything; the saved objective is a run's."""
    paths = [tmp_path / "photo.png", tmp_path / "painting.png"]
    for seed, path in enumerate(paths):
        Image.fromarray(picture(48, 64, seed)).save(path)
    pair, see = measures.Pair(*paths), measures.network(small_weights)
    content, style = (pair.judge(one.rgb, see, 1, 60) for one in pair.pictures)
    assert (content["closed"], style["closed"]) == pytest.approx((0, 1), abs=1e-5)
    assert content["content_error"] == pytest.approx(0, abs=1e-9) != style["content_error"]
    smaller = resize(pair.pictures[0].rgb, (33, 47))  # pictures of any size are judged at it
    assert pair.judge(smaller, see, 1, 60)["content_error"] == pytest.approx(0, abs=1e-9)
    weights = {"content_weight": 2.5, "style_weight": 7.0, "balance": 0.0, "palette_weight": 0.0}
    config = artistyle_tf.Config(size=64, weights=str(small_file), padding="zeros", **weights)
    painted = picture(48, 64, seed=3)
    value, _ = artistyle_tf.build_objective(*map(str, paths), config)(to_network(painted))
    saved = pair.judge(painted, see, 2.5, 7.0)["saved_objective"]
    assert saved == pytest.approx(float(value), rel=1e-4)


# The script


def test_folders_of_programs_are_judged_and_laid_out_blind(
    script, small_file, tmp_path, picture, capsys
):
    judge = script("judge")
    pairs, figures, key = (tmp_path / name for name in ("pairs.txt", "f.json", "key.json"))
    names = [f"photo{i}" for i in range(4)]
    for name in names:
        Image.fromarray(picture(48, 64)).save(tmp_path / f"{name}.png")
    pairs.write_text("# pairs\n" + "".join(f"{name}.png, photo3.png # x\n" for name in names[:3]))
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
    assert set(json.loads(figures.read_text())["mean"]) == {"ours", "theirs"}
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


def test_sets_of_flags_are_painted_judged_and_not_painted_again(
    script, small_file, tmp_path, capsys, monkeypatch
):
    judge, folder, figures = script("judge"), tmp_path / "o", tmp_path / "figures.json"
    for name in ("content", "style"):  # of equal sides, in whole cells
        with Image.open(SAMPLES / f"{name}.jpg") as image:
            image.resize((48, 32)).save(tmp_path / f"{name}.png")
    arguments = [
        *(f"--pair={tmp_path / 'content.png'},{tmp_path / 'style.png'}", "--size=48"),
        *(f"--weights={small_file}", f"--folder={folder}", f"--json={figures}"),
        f"--paint=fast: --preset=fast --levels=1 --iterations=3 --padding=zeros --balance=0 "
        f"--palette_weight=0 --style_weight=60 --weights={small_file}",
    ]
    assert judge.main(arguments) == 0
    first = json.loads(figures.read_text())
    row = first["pairs"]["content × style"]["fast"]
    assert row["evaluations"] >= 3
    assert row["seconds"] > 0
    # A CPU with tiles for bfloat16 has the run's own figure less exactly.
    assert row["saved_objective"] == pytest.approx(row["saved_by_run"], rel=0.05)
    record = read_record(folder / "content_style--fast.png")
    assert record["outcome"]["objective"]["value"] == row["optimised"]
    assert str(tmp_path) not in json.dumps(record)
    monkeypatch.setattr(artistyle_tf, "stylize", None)
    assert judge.main(arguments) == 0
    assert json.loads(figures.read_text()) == first
    capsys.readouterr()
    assert judge.main([text.replace("=3", "=4") for text in arguments]) == 1
    assert "content_style--fast.png is of another" in capsys.readouterr().err
