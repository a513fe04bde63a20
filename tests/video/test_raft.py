"""Flow by networks from ONNX files, whose answers are known."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from onnx import TensorProto, helper

import clips
import flow_networks
from artistyle_tf.errors import ConfigError, InputError
from artistyle_tf.video import raft
from artistyle_tf.video.flow import check_flow, dense_flow, flow_of, is_network
from artistyle_tf.video.onnx_file import outline
from artistyle_tf.video.raft import Raft

RNG = np.random.default_rng(0)


def noise(*size):
    return RNG.integers(0, 256, (*size, 3), np.uint8)


def by_colours(first, second):
    """What `flow_networks.COLOURS` makes of them."""
    return np.concatenate([first, second], axis=2).astype(np.float32) @ flow_networks.COLOURS.T


def test_frames_go_in_as_they_are(tmp_path):
    """In their order, RGB, 0 to 255, and the flow comes out as (dx, dy)."""
    flow = flow_of(flow_networks.linear(tmp_path / "flow.onnx"))
    first, second = noise(64, 96), noise(64, 96)
    found = flow(first, second)
    assert found.dtype == np.float32
    assert found.flags.c_contiguous
    np.testing.assert_allclose(found, by_colours(first, second), rtol=1e-6)
    np.testing.assert_allclose(flow(second, first), by_colours(second, first), rtol=1e-6)


@pytest.mark.parametrize("size", [(192, 192), (32, 32)])
def test_other_sizes_are_brought_to_the_network_s_and_back(tmp_path, size):
    """A ramp that moves by (3, -2) px: the network sees and says it in its own pixels."""
    rows, columns = np.indices(size)
    first = np.stack([columns, rows, rows], axis=2) + 10
    second = first - (3, -2, 0)
    across, down = size[1] / 96, size[0] / 64  # grey levels that are one px of the network
    weights = [[1 / across, 0, 0, -1 / across, 0, 0], [0, 1 / down, 0, 0, -1 / down, 0]]
    flow = Raft(flow_networks.linear(tmp_path / "flow.onnx", weights))
    found = flow(first.astype(np.uint8), second.astype(np.uint8))
    assert found.shape == (*size, 2)
    np.testing.assert_allclose(found, np.broadcast_to((3, -2), found.shape), atol=1e-4)


@pytest.mark.parametrize(
    ("order", "part"),
    [
        (("low", "flow"), 1),
        (("flow", "low"), 1),
        (("half", "flow"), 1),
        (("flow", "half"), 0.5),
        (("flow",), 1),
    ],
)
def test_the_last_output_of_the_frames_size_counts(tmp_path, order, part):
    flow = Raft(flow_networks.linear(tmp_path / "flow.onnx", order=order))
    first, second = noise(64, 96), noise(64, 96)
    np.testing.assert_allclose(flow(first, second), part * by_colours(first, second), rtol=1e-6)


@pytest.mark.parametrize("names", [("0", "1"), ("b", "a")])
def test_inputs_count_in_the_file_s_order_whatever_their_names(tmp_path, names):
    flow = Raft(flow_networks.linear(tmp_path / "FLOW.ONNX", names=names))
    first, second = noise(64, 96), noise(64, 96)
    np.testing.assert_allclose(flow(first, second), by_colours(first, second), rtol=1e-6)


def test_a_network_of_free_size_gets_frames_as_large_as_they_are(tmp_path):
    flow = Raft(flow_networks.in_blocks(tmp_path / "flow.onnx"))
    for height, width in [(130, 141), (136, 144), (20, 30)]:
        first, second = noise(height, width), noise(height, width)
        more = [(0, max(128, -(-side // 8) * 8) - side) for side in (height, width)]
        wide = by_colours(*(np.pad(one, [*more, (0, 0)], "edge") for one in (first, second)))
        rows, columns = wide.shape[0] // 8, wide.shape[1] // 8
        mean = wide.reshape(rows, 8, columns, 8, 2).mean(axis=(1, 3))
        wanted = mean.repeat(8, 0).repeat(8, 1)[:height, :width]
        found = flow(first, second)
        assert found.flags.c_contiguous
        np.testing.assert_allclose(found, wanted, rtol=1e-5)


def test_parameters_listed_as_inputs_are_none(tmp_path):
    inputs = [("weights", [2, 6, 1, 1]), *flow_networks.frames()]
    path = flow_networks.linear(tmp_path / "flow.onnx", inputs=inputs)
    first, second = noise(64, 96), noise(64, 96)
    np.testing.assert_allclose(Raft(path)(first, second), by_colours(first, second), rtol=1e-6)


def test_the_outline_of_a_file(tmp_path):
    path = tmp_path / "flow.onnx"
    flow_networks.linear(path, size=("H", -1))
    found = outline(path.read_bytes())
    assert [one.name for one in found.inputs] == ["first", "second"]
    assert [one.name for one in found.outputs] == ["low", "flow"]
    assert found.inputs[0].shape == (1, 3, 0, 0)
    assert not found.elsewhere


FRAMES = flow_networks.frames()
UNKNOWN = helper.make_node("Stirred", ["flow"], ["stirred"])
ROOT = helper.make_node("Log", ["flow"], ["infinite"])


def both(shape, *kind):
    return [(name, shape, *kind) for name in flow_networks.BOTH]


@pytest.mark.parametrize(
    ("keywords", "said"),
    [
        (
            {"names": ("first", "first"), "inputs": FRAMES[:1]},
            "has 2 inputs, the two frames; this one has 1",
        ),
        ({"inputs": [*FRAMES, ("third", [1])]}, "this one has 3"),
        (
            {"inputs": [FRAMES[0], ("second", [1, 3, 64, 64])]},
            r"\[1, 3, 64, 96\] and \[1, 3, 64, 64\]",
        ),
        ({"inputs": both([1, 64, 96, 3])}, r"float32 \[1, 3, H, W\]"),
        ({"inputs": both([2, 3, 64, 96])}, r"takes \[2, 3, 64, 96\]"),
        ({"inputs": both(["n", 64])}, r"takes \[\?, 64\] and"),
        ({"inputs": both([1, 3, 64, 96], TensorProto.FLOAT16)}, "frames of one size, float32"),
        ({"order": ("low",)}, r"none of what comes out is \[1, 2, 64, 96\]"),
        ({"order": ("both",)}, r"none of what comes out is \[1, 2, 64, 96\]"),
        ({"more": [UNKNOWN], "order": ("stirred",)}, "OpenCV .* can't run flow.onnx; .*Stirred"),
        ({"more": [ROOT], "order": ("infinite",)}, "flow that is not finite"),
    ],
)
def test_other_networks_are_refused_before_a_frame_is_seen(tmp_path, capfd, keywords, said):
    refused(flow_networks.linear(tmp_path / "flow.onnx", **keywords), said)
    assert capfd.readouterr() == ("", "")


def test_opencv_prints_nothing_itself(tmp_path, capfd):
    path = flow_networks.linear(tmp_path / "flow.onnx", more=[UNKNOWN], order=("stirred",))
    with pytest.raises(InputError, match="Stirred"):
        Raft(path)
    assert capfd.readouterr() == ("", "")


def refused(path, said):
    with pytest.raises(InputError, match=said) as caught:
        flow_of(str(path))
    text = str(caught.value)
    assert text.isprintable()
    assert len(text) < 350
    assert "/io/" not in text  # where OpenCV was built


def test_parameters_in_another_file_are_refused(tmp_path):
    path = flow_networks.linear(
        tmp_path / "flow.onnx", save_as_external_data=True, size_threshold=0
    )
    refused(path, "has its parameters in another file")


def test_files_that_are_none(tmp_path, capfd):
    path = tmp_path / "flow.onnx"
    refused(path, "can't read .*: No such file")
    path.mkdir()
    refused(path, "can't read .*: Is a directory")
    path = tmp_path / "two\nlines.onnx"
    data = Path(flow_networks.linear(tmp_path / "whole.onnx")).read_bytes()
    rest = len(data) - data.rindex(b"\x42")  # the model's last field, after the graph
    for broken in (b"", b"<!DOCTYPE html>", bytes(1000), noise(20, 20).tobytes()):
        path.write_bytes(broken)
        refused(path, r"two\\nlines.onnx is no ONNX file, or a damaged one")
    for end in range(1, len(data) - rest, 7):
        path.write_bytes(data[:end])
        refused(path, "is no ONNX file, or a damaged one")
    assert capfd.readouterr() == ("", "")


def test_an_output_that_nothing_makes(tmp_path):
    path = tmp_path / "flow.onnx"
    data = Path(flow_networks.linear(path)).read_bytes()
    at = data.rindex(b"flow")
    path.write_bytes(data[:at] + b"x" + data[at + 1 :])
    refused(path, "none of what comes out|can't run")


def test_a_network_that_makes_opencv_crash(tmp_path, monkeypatch):
    """Some damaged ones do, each version of it others."""
    path = flow_networks.linear(tmp_path / "flow.onnx")
    monkeypatch.setattr(raft, "_CODE", "import os; os.abort()")
    refused(path, "flow.onnx makes OpenCV crash: it is damaged")


@pytest.mark.parametrize("code", [None, "import there_is_none"])
def test_where_no_process_can_be_started(tmp_path, monkeypatch, code):
    if code:
        monkeypatch.setattr(raft, "_CODE", code)
    else:
        monkeypatch.setattr(sys, "executable", str(tmp_path / "none"))
    first, second = noise(64, 96), noise(64, 96)
    flow = flow_of(flow_networks.linear(tmp_path / "flow.onnx"))
    np.testing.assert_allclose(flow(first, second), by_colours(first, second), rtol=1e-6)
    refused(flow_networks.linear(tmp_path / "flow.onnx", order=("low",)), "none of what comes")


def test_what_opencv_runs_out_of_is_said(tmp_path):
    import cv2

    for error in (MemoryError(), out_of_memory(cv2)):
        with (
            pytest.raises(InputError, match="too little memory to run flow"),
            raft._running("flow"),
        ):
            raise error


def out_of_memory(cv2):
    error = cv2.error("Failed to allocate")
    error.code, error.err = -4, "Failed to allocate"
    return error


@pytest.mark.parametrize("name", ["medium", "fast", "ultrafast"])
def test_dis_by_its_name(name):
    before, now = clips.pan(2)
    assert (flow_of(name)(before, now) == dense_flow(before, now, name)).all()
    assert not is_network(name)


def test_what_a_flow_can_be_called():
    for name in ("medium", "ultrafast", "raft.onnx", "there/is/none/RAFT.ONNX"):
        check_flow(name)
    for name in ("", "slow", "Fast", "raft.pth", "onnx"):
        with pytest.raises(ConfigError, match=r"medium, fast, ultrafast or an \.onnx file"):
            check_flow(name)
    with pytest.raises(ConfigError):
        flow_of("slow")


def test_importing_loads_no_opencv():
    code = "import sys, artistyle_tf.video.flow, artistyle_tf.video.raft; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert not {"cv2", "onnx", "tensorflow"} & set(done.stdout.split())
