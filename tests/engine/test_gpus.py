"""GPUs as TensorFlow would tell of them: stand-ins for `tf.config`, since there is none here."""

import logging
import types

import pytest
import tensorflow as tf
from artistyle_tf.engine.cards import Card
from PIL import Image

from artistyle_tf import ArtistyleError, Config, stylize
from artistyle_tf.cli import main as command
from artistyle_tf.engine import gpus, painter, planning
from artistyle_tf.engine.devices import VARIABLE, Gpu, free_on, gpus_used, let_memory_grow

MIB = 2**20


class Machine:
    """What `tf.config` says of a machine with GPUs, and what it was told."""

    def __init__(self, count):
        names = [f"/physical_device:GPU:{number}" for number in range(count)]
        self.there = [tf.config.PhysicalDevice(name, "GPU") for name in names]
        self.visible = list(self.there)
        self.growth = dict.fromkeys(self.there)
        self.parts = {}
        self.begun = False
        self.told = []
        self.details = {gpu: {"device_name": "Tesla T4"} for gpu in self.there}
        self.used = {}

    def set_memory_growth(self, gpu, enable):
        if self.begun:
            raise RuntimeError("Physical devices cannot be modified after being initialized")
        self.told.append(gpu)
        self.growth[gpu] = enable

    def get_memory_info(self, name):
        if name not in self.used:
            raise ValueError("Allocator stats not available")
        return self.used[name]


@pytest.fixture
def machine(monkeypatch):
    """A function: number of GPUs → a `Machine` in the place of this one."""
    monkeypatch.delenv(VARIABLE, raising=False)
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)

    def make(count):
        made = Machine(count)
        replaced = {
            "list_physical_devices": lambda kind=None: made.there,
            "get_visible_devices": lambda kind=None: made.visible,
            "get_logical_device_configuration": made.parts.get,
        }
        for name, function in replaced.items():
            monkeypatch.setattr(tf.config, name, function)
        replaced = {
            "get_memory_growth": made.growth.__getitem__,
            "set_memory_growth": made.set_memory_growth,
            "get_device_details": made.details.__getitem__,
            "get_memory_info": made.get_memory_info,
        }
        for name, function in replaced.items():
            monkeypatch.setattr(tf.config.experimental, name, function)
        return made

    return make


def test_memory_grows_on_every_visible_gpu(machine):
    two = machine(3)
    two.visible = two.there[:2]
    let_memory_grow()
    assert two.told == two.there[:2]
    let_memory_grow()
    assert two.told == two.there[:2]
    assert gpus._grows(two.there[0])
    assert not gpus._grows(two.there[2])


@pytest.mark.parametrize("value", ["true", "false"])
def test_the_users_variable_is_left_the_last_word(machine, monkeypatch, value):
    one = machine(1)
    monkeypatch.setenv(VARIABLE, value)
    let_memory_grow()
    assert not one.told
    assert gpus._grows(one.there[0]) == (value == "true")


@pytest.mark.parametrize("decided", ["grows", "stays", "divided"])
def test_what_the_user_set_before_stays(machine, decided):
    two = machine(2)
    if decided == "divided":
        two.parts[two.there[1]] = [tf.config.LogicalDeviceConfiguration(memory_limit=1000)]
    else:
        two.growth[two.there[1]] = decided == "grows"
    let_memory_grow()
    assert not two.told


def test_when_tensorflow_has_begun_it_is_too_late_and_no_matter(machine, caplog):
    machine(1).begun = True
    with caplog.at_level(logging.DEBUG, "artistyle_tf"):
        let_memory_grow()
    (record,) = caplog.records
    assert record.levelno == logging.DEBUG
    assert "cannot be modified after being initialized" in record.getMessage()


def test_without_gpus_nothing_is_said(machine, caplog):
    machine(0)
    with caplog.at_level(logging.DEBUG, "artistyle_tf"):
        let_memory_grow()
    assert not caplog.records
    assert gpus_used() == []


class EnoughError(ArtistyleError):
    """Ends what has been seen enough of."""


def test_the_command_lets_memory_grow_before_it_lists_devices(
    monkeypatch, picture, tmp_path, unfrozen
):
    order = []

    def stylize(*_, **__):
        raise EnoughError("seen")

    monkeypatch.setattr(gpus, "let_memory_grow", lambda: order.append("grow"))
    monkeypatch.setattr(tf.config, "list_logical_devices", lambda *_: order.append("list") or [])
    monkeypatch.setattr(painter, "stylize", stylize)
    for name in ("photo.png", "painting.png"):
        Image.fromarray(picture(32, 32)).save(tmp_path / name)
    files = [f"--content={tmp_path}/photo.png", f"--style={tmp_path}/painting.png"]
    assert (
        command.main([*files, f"--output={tmp_path}/out.png", "--quiet"]) == EnoughError.exit_status
    )
    assert order == ["grow", "list"]


def test_a_run_in_python_tries_it_first(monkeypatch, picture):
    def grow():
        raise EnoughError("seen")

    monkeypatch.setattr(painter, "let_memory_grow", grow)
    with pytest.raises(EnoughError):
        stylize("absent.png", picture(32, 32))  # before even the pictures are read


def test_logical_gpus_are_counted_over_visible_cards(machine, monkeypatch):
    three = machine(3)
    three.visible = [three.there[2], three.there[1]]
    half = tf.config.LogicalDeviceConfiguration(memory_limit=1000)
    three.parts[three.there[1]] = [half, half]
    three.details[three.there[2]] = {"device_name": "NVIDIA H100", "compute_capability": (9, 0)}
    three.growth[three.there[2]] = True
    monkeypatch.setattr(gpus, "devices_used", lambda strategy: {"CPU:0", "GPU:1", "GPU:2"})
    assert gpus_used() == [
        Gpu("GPU:1", 1, "Tesla T4", limit=1000 * MIB),
        Gpu("GPU:2", 2, "NVIDIA H100", (9, 0), grows=True),
    ]


@pytest.fixture
def known(monkeypatch):
    rows = (
        Card(0, "GPU-a", 5000 * MIB, "Tesla T4"),
        Card(1, "GPU-b", 7000 * MIB, "Tesla T4"),
        Card(2, "GPU-c", None, "Tesla T4"),
    )
    monkeypatch.setattr(gpus, "cards", lambda: rows)


def test_what_is_free_is_asked_of_the_card_in_use(machine, known):
    machine(3)
    first, second, silent = (Gpu(f"GPU:{n}", n, "Tesla T4", grows=True) for n in range(3))
    assert free_on([first]) == 5000 * MIB
    assert free_on([second]) == 7000 * MIB
    assert free_on([second, first]) == 5000 * MIB  # the smallest of several
    assert free_on([silent]) is None


def test_cuda_visible_devices_counts_for_it(machine, known, monkeypatch):
    machine(2)
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "1,0")
    assert free_on([Gpu("GPU:0", 0, grows=True)]) == 7000 * MIB


def test_what_tensorflow_keeps_to_use_again_is_free(machine, known):
    machine(1).used["GPU:0"] = {"current": 100 * MIB, "peak": 900 * MIB}
    assert free_on([Gpu("GPU:0", 0, grows=True)]) == 5800 * MIB


def test_of_a_card_that_tensorflow_took_whole_nobody_knows(machine, known):
    machine(1)
    assert free_on([Gpu("GPU:0", 0, grows=False)]) is None


def test_of_a_part_of_a_card_tensorflow_knows(machine, monkeypatch):
    monkeypatch.setattr(gpus, "cards", lambda: pytest.fail("nvidia-smi is not asked"))
    machine(1).used["GPU:0"] = {"current": 100 * MIB, "peak": 900 * MIB}
    assert free_on([Gpu("GPU:0", 0, limit=1000 * MIB)]) == 900 * MIB


def test_a_run_is_planned_for_the_gpu_that_it_computes_on(machine, known, monkeypatch):
    """From `tf.config` to what is planned: the dtype of that card and the memory of that card."""
    two = machine(2)
    two.details[two.there[1]] = {"device_name": "Tesla T4", "compute_capability": (8, 0)}
    two.growth.update(dict.fromkeys(two.there, True))
    scene = types.SimpleNamespace(config=Config(), size=(64, 64))
    solvers = types.SimpleNamespace(strategy=None)
    monkeypatch.setattr(planning, "planned", lambda scene, solvers, levels, dtype: ())
    for name, dtype, free in (("GPU:0", "float32", 5000), ("GPU:1", "bfloat16", 7000)):
        monkeypatch.setattr(gpus, "devices_used", lambda strategy, name=name: {name})
        assert planning.first_state(scene, solvers).dtype == dtype
        assert planning._room(scene, solvers) == (free * MIB, 0, False)


def test_a_run_on_the_cpu_is_planned_for_its_memory(machine, monkeypatch):
    """However many GPUs there are: --device=cpu, or tf.device around the call."""
    machine(2)
    monkeypatch.setattr(planning, "free_on", lambda gpus: pytest.fail("no GPU computes"))
    monkeypatch.setattr(planning, "free_bytes", lambda: 1234)
    monkeypatch.setattr(planning, "resident_bytes", lambda: 56)
    scene = types.SimpleNamespace(config=Config())
    assert planning._room(scene, types.SimpleNamespace(strategy=None)) == (1234, 56, False)
