"""The paper's figures: every cell is what its label says, and the sheet is whole."""

import pytest
from PIL import Image

STYLES = [f"block{block}_conv1" for block in range(1, 6)]


@pytest.fixture
def asked(script, monkeypatch):
    """(run, cells): runs a script with plain colours instead of paintings."""
    cells = []

    def run(name, *arguments):
        module = script(name)

        def painted(content, style, config):
            cells.append((content, style, config))
            size = config.size if isinstance(config.size, tuple) else (config.size, 40)
            return Image.new("RGB", size, (10 * len(cells), 0, 255))

        monkeypatch.setattr(module.figures, "painted", painted)
        return module.main(list(arguments))

    return run, cells


def colours(sheet):
    """The cells' first channel, row by row, as they stand on the sheet."""
    with Image.open(sheet) as image:
        pixels = image.convert("RGB").load()
        found = []
        for y in range(image.height):
            for x in range(image.width):
                red, green, blue = pixels[x, y]
                if (green, blue) == (0, 255) and red // 10 not in found:
                    found.append(red // 10)
        return found


def test_figure_1(asked, tmp_path):
    run, cells = asked
    sheet = tmp_path / "f.png"
    assert run("reconstruct_layers", f"--output={sheet}", "--size=64", "--iterations=7") == 0
    assert len(cells) == 10
    for depth, (content, style, config) in enumerate(cells[::2], start=1):
        assert (content, config.task, config.levels, config.init) == (None, "texture", 1, "noise")
        assert style.endswith("style.jpg")
        assert [name for name, _ in config.style_layers] == STYLES[:depth]
        assert max(config.size) == 64
    for layer, (content, style, config) in zip(STYLES, cells[1::2], strict=True):
        assert content.endswith("content.jpg")
        assert (style, config.task, config.iterations) == (None, "reconstruct", 7)
        assert config.content_layers == ((layer, 1.0),)
    assert colours(sheet) == [1, 3, 5, 7, 9, 2, 4, 6, 8, 10]


def test_figure_3(asked, tmp_path):
    run, cells = asked
    sheet = tmp_path / "f.png"
    assert run("weight_grid", f"--output={sheet}", "--size=48") == 0
    assert len(cells) == 20
    for index, (_, _, config) in enumerate(cells):
        depth, ratio = index // 4 + 1, 10.0 ** (index % 4 - 5)
        assert config.style_layers == tuple((name, 1 / depth) for name in STYLES[:depth])
        assert config.content_weight / config.style_weight == pytest.approx(ratio)
        assert (config.formula, config.pooling, config.levels) == ("paper", "avg", 1)
    assert colours(sheet) == list(range(1, 21))


@pytest.mark.parametrize("name", ["reconstruct_layers", "weight_grid"])
def test_painted_for_real(script, small_file, tmp_path, monkeypatch, name):
    """Of each task one shallow cell and one of all the layers; the others are like the first."""
    module, sheet, cells = script(name), tmp_path / "f.png", {}
    module.RATIOS = (1e-3,)  # one column is enough
    real = module.figures.painted

    def painted(content, style, config):
        kind = config.task, config.layers[-1] == "block5_conv1"
        if kind not in cells:
            cells[kind] = real(content, style, config)
        return cells[kind]

    monkeypatch.setattr(module.figures, "painted", painted)
    flags = [f"--output={sheet}", f"--weights={small_file}", "--size=32", "--iterations=1"]
    assert module.main(flags) == 0
    assert len(cells) == (4 if name == "reconstruct_layers" else 2)
    with Image.open(sheet) as image:
        assert min(image.size) > 60


@pytest.mark.parametrize(
    ("flags", "status", "told"),
    [
        (["--output=f.txt"], 2, "has the extension .txt"),
        (["--output=f.png", "--content=gone.jpg"], 1, "gone.jpg does not exist"),
        (["--output=f.png", "--weights=gone.npz"], 1, "gone.npz"),
    ],
)
def test_mistakes(script, tmp_path, monkeypatch, capsys, flags, status, told):
    monkeypatch.chdir(tmp_path)
    assert script("weight_grid").main(flags) == status
    error = capsys.readouterr().err
    assert told in error
    assert error.count("\n") == 1
    assert not (tmp_path / "f.png").exists()
