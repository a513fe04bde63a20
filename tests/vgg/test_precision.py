"""What convolutions compute in: who decides, and what bfloat16 does to value and gradient."""

import contextlib
import threading

import numpy as np
import pytest
import tensorflow as tf

from artistyle_tf.config.config import Config
from artistyle_tf.engine.export import build_objective
from artistyle_tf.engine.painter import stylize
from artistyle_tf.images.network_scale import to_network
from artistyle_tf.objective.whole import Objective
from artistyle_tf.vgg import precision

AMX = "processor : 0\nflags\t\t: fpu sse2 avx512f amx_bf16 amx_tile amx_int8\n"
AMD = "processor : 0\nvendor_id\t: AuthenticAMD\nflags\t\t: fpu sse2 avx512f avx512_bf16\n"


@pytest.fixture
def cpu(monkeypatch, tmp_path):
    """A function that makes /proc/cpuinfo say something else."""

    def pretend(text):
        file = tmp_path / "cpuinfo"
        if text is not None:
            file.write_text(text)
        monkeypatch.setattr(precision, "CPUINFO", file)

    monkeypatch.delenv("TF_ENABLE_ONEDNN_OPTS", raising=False)
    return pretend


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        (AMX, "bfloat16"),
        (AMD, "bfloat16"),
        (AMD.replace("AuthenticAMD", "GenuineIntel"), "float32"),
        (None, "float32"),
    ],
)
def test_auto_takes_bfloat16_only_where_the_cpu_is_faster_in_it(cpu, monkeypatch, text, wanted):
    cpu(text)
    assert precision.convolution_dtype("auto") == wanted
    for name in ("float32", "bfloat16"):
        assert precision.convolution_dtype(name) == name
    monkeypatch.setenv("TF_ENABLE_ONEDNN_OPTS", "0")
    assert precision.convolution_dtype("auto") == "float32"
    for gpus, taken in (([(8, 0)], "bfloat16"), ([(7, 5), (9, 0)], "float32"), ([None], "float32")):
        assert precision.convolution_dtype("auto", gpus) == taken


@pytest.fixture
def tf32():
    """A function that tells whether TF32 is on, which it is to begin with."""
    switch = tf.config.experimental
    before = switch.tensor_float_32_execution_enabled()
    switch.enable_tensor_float_32_execution(True)
    yield switch.tensor_float_32_execution_enabled
    switch.enable_tensor_float_32_execution(before)


class Use(threading.Thread):
    """A `true_float32` in a thread of its own, from `start` to `end`."""

    def __init__(self, error=None):
        super().__init__(daemon=True)
        self._error, self._inside, self._end = error, threading.Event(), threading.Event()

    def start(self):
        super().start()
        self._inside.wait()
        return self

    def run(self):
        with contextlib.suppress(ZeroDivisionError), precision.true_float32():
            self._inside.set()
            self._end.wait()
            if self._error:
                raise self._error

    def end(self):
        self._end.set()
        self.join()


@pytest.mark.parametrize(("order", "error"), [((0, 1, 2), None), ((1, 2, 0), ZeroDivisionError())])
def test_tf32_is_off_until_the_last_of_several_threads_is_done(tf32, order, error):
    uses = [Use(error).start() for _ in order]
    for index in order:
        assert not tf32()
        uses[index].end()
    assert tf32()


def test_bfloat16_convolutions_keep_value_and_direction(small_weights, picture):
    """Eight bits of mantissa: 2⁻⁹ a rounding. Losses and gradient stay float32."""
    config = Config(palette_weight=0)
    found = []
    for convolutions in ("float32", "bfloat16"):
        objective = Objective(config, small_weights, convolutions=convolutions)
        style = objective.statistics(to_network(picture(40, 64)))
        goal = objective.targets(to_network(picture(48, 64, 1)), [style], [1])
        value, gradient = objective.value_and_gradient(to_network(picture(48, 64, 2)), goal)
        assert (value.dtype, gradient.dtype) == (tf.float32, tf.float32)
        assert {target.dtype for target in goal.style.values()} == {tf.float32}
        found.append((float(value), gradient.numpy().ravel()))
    (exact, slope), (rough, bent) = found
    assert rough != exact
    assert rough == pytest.approx(exact, rel=0.03)
    cosine = slope @ bent / np.linalg.norm(slope) / np.linalg.norm(bent)
    assert cosine > 0.97  # max pooling takes another of two that are nearly equal


def test_an_objective_of_ones_own_is_exact_unless_told_otherwise(small_file, picture, cpu):
    cpu(AMX)
    content, style, image = picture(16, 16, 1), picture(16, 16, 2), to_network(picture(16, 16, 3))
    value = {}
    for name in ("auto", "float32", "bfloat16"):
        config = Config(size=16, weights=str(small_file), precision=name, palette_weight=0)
        value[name] = float(build_objective(content, style, config)(image)[0])
    assert value["auto"] == value["float32"] != value["bfloat16"]


def test_where_bfloat16_ends_the_search_float32_goes_on(small_file, picture, cpu):
    """Eight bits can't tell the last small steps apart; the run must not end there by itself."""
    cpu(AMX)
    config = Config.preset(
        "fast", size=16, weights=str(small_file), iterations=60, init="content", precision="auto"
    )
    result = stylize(picture(32, 32, 1), picture(32, 32, 2), config)
    first, _, ended = result.record["convolutions"].partition(", float32 after iteration ")
    assert first == "bfloat16"
    assert 0 < int(ended) < 60
    assert result.stop_reason == "all 60 iterations done"
    evaluations, _, objectives, _, _ = np.array(result.trace).T
    assert len(objectives) == 60
    assert objectives[-1] < 0.9 * objectives[int(ended) - 1]
    assert (np.diff(evaluations) > 0).all()  # the counts go on where they were
