"""Event files, read back; and what is said where the package is not there."""

import importlib.util
import io

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from artistyle_tf import Config, ConfigError, InputError, TensorBoard
from painters import stylize


def events(folder):
    """tag → {step: float, or the picture as an array}."""
    from tensorboard.backend.event_processing.event_file_loader import EventFileLoader
    from tensorboard.util import tensor_util

    (path,) = folder.iterdir()
    found = {}
    for event in EventFileLoader(str(path)).Load():
        for value in event.summary.value:
            array = tensor_util.make_ndarray(value.tensor)
            if value.metadata.plugin_data.plugin_name == "images":
                with Image.open(io.BytesIO(array[2])) as image:
                    entry = np.asarray(image)
            else:
                entry = float(array)
            found.setdefault(value.tag, {})[event.step] = entry
    return found


def test_scalars_and_pictures_read_back(small_file, picture, tmp_path):
    config = Config(
        size=64, levels=2, iterations=9, weights=str(small_file), optimizer="adam", tv_weight=0.1,
        learning_rate=4, precondition=0.25, style_layers={"block1_conv1": 1, "block2_conv1": 1},
        content_layers={"block2_conv1": 1},
    )  # fmt: skip
    steps, parts, pictures, lengths = [], {}, {}, {}

    def look(step):
        steps.append(step)
        parts[step.iteration], pictures[step.iteration] = step.parts(), step.image()
        lengths[step.iteration] = step.step_length()

    board = TensorBoard(tmp_path / "new" / "folder", every=3)
    stylize(picture(64, 64), picture(64, 64, 1), config, callback=[look, board])
    board.close()
    found = events(tmp_path / "new" / "folder")

    for tag, value in [
        ("objective", lambda step: step.objective),
        ("evaluations", lambda step: step.evaluations),
        ("seconds", lambda step: step.seconds),
    ]:
        assert list(found[tag]) == list(range(1, 10))
        assert list(found[tag].values()) == pytest.approx([value(step) for step in steps])
    assert found["step_length"] == pytest.approx(lengths)

    first_fine = next(step.iteration for step in steps if step.level == 2)
    due = sorted({1, 3, 6, 9, first_fine})
    layers = [f"style/{name}" for name, _ in config.style_layers]
    for tag in [*layers, "content/block2_conv1"]:
        assert found[tag] == pytest.approx({n: parts[n][tag] for n in due})
    for tag in ("style", "content", "total_variation"):
        assert found[f"parts/{tag}"] == pytest.approx({n: parts[n][tag] for n in due})
    shown = found["level_1"] | found["level_2"]
    assert sorted(shown) == due
    assert max(found["level_1"]) < first_fine == min(found["level_2"])
    for iteration, image in shown.items():
        assert np.array_equal(image, pictures[iteration])

    # The step is of the picture in grey levels, not of the optimizer's own coordinates.
    for n in range(first_fine, 9):
        before, after = (pictures[m].astype(float) for m in (n, n + 1))
        inside = (before > 0) & (before < 255) & (after > 0) & (after < 255)
        change = np.sqrt(np.mean((after - before)[inside] ** 2))
        # Both pictures are rounded: their difference has a variance of 2/12 more.
        assert change == pytest.approx(np.sqrt(lengths[n + 1] ** 2 + 1 / 6), rel=0.15)


def test_absent_package(monkeypatch, tmp_path):
    find = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name: None if name == "tensorboard" else find(name)
    )
    with pytest.raises(ConfigError, match="not installed here: pip install"):
        TensorBoard(tmp_path / "folder")
    assert not (tmp_path / "folder").exists()
    monkeypatch.undo()
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match=r"can't write to the folder .*file"):
        TensorBoard(tmp_path / "file")


def test_a_disk_that_fills_up_ends_the_run_with_what_there_is(
    small_file, picture, tmp_path, monkeypatch
):
    board = TensorBoard(tmp_path / "folder", every=2)

    def full():
        message = "{{node Flush}} /somewhere/events.v2; No space left on device\n\tFailed to flush"
        raise tf.errors.ResourceExhaustedError(None, None, message)

    monkeypatch.setattr(board._writer, "flush", full)
    layers = {"style_layers": {"block1_conv1": 1}, "content_layers": {"block1_conv1": 1}}
    config = Config(size=32, iterations=4, weights=str(small_file), optimizer="adam", **layers)
    result = stylize(picture(32, 32), picture(32, 32, 1), config, callback=board)
    assert isinstance(result.error, InputError)
    shown = f"can't write to the folder {tmp_path / 'folder'}: No space left on device"
    assert str(result.error) == shown
    assert result.stop_reason == "a callback raised InputError"
    assert result.record["outcome"]["iterations"] == 1
