"""What is free decides how levels are computed, and `Config.memory` may say that it is less."""

import logging
import types

import numpy as np
import pytest
from artistyle_tf.engine.planning import note_plans, planned

from artistyle_tf.config.config import Config
from artistyle_tf.engine import planning
from artistyle_tf.engine.devices import Gpu
from artistyle_tf.engine.state import State
from artistyle_tf.errors import ArtistyleError
from artistyle_tf.vgg.vgg19 import VGG19_LAYERS, block_of

GB = 10**9
FULL = {
    name: (np.zeros((0, 0, 0, (64, 128, 256, 512, 512)[block_of(name) - 1])),)
    for name in VGG19_LAYERS
}
HOST = types.SimpleNamespace(worker_devices=["/device:CPU:0"])
LEVELS = [((384, 512), 30), ((3072, 4096), 70)]


@pytest.fixture
def plan(monkeypatch):
    def make(free, replicas=None, on_gpu=False, **settings):
        gpus = [Gpu("GPU:0", 0)] if on_gpu else []
        monkeypatch.setattr(planning, "gpus_used", lambda strategy: gpus)
        monkeypatch.setattr(planning, "free_on", lambda gpus: free)
        monkeypatch.setattr(planning, "free_bytes", lambda: 10**15 if on_gpu else free)
        monkeypatch.setattr(planning, "resident_bytes", lambda: GB)
        config = Config(optimizer="lbfgs", **settings)
        sources = types.SimpleNamespace(weights=types.SimpleNamespace(layers=FULL))
        scene = types.SimpleNamespace(config=config, sources=sources)
        strategy = replicas and types.SimpleNamespace(num_replicas_in_sync=replicas, extended=HOST)
        solvers = types.SimpleNamespace(strategy=strategy, regions=0, at_once=False)
        return scene, planned(scene, solvers, LEVELS, "float32")

    return make


def test_levels_keep_sizes_and_budgets(plan):
    _, levels = plan(10**13)
    assert [(level.size, level.budget) for level in levels] == LEVELS
    assert [level.plan.tile for level in levels] == [0, 0]


def test_on_a_gpu_its_own_memory_counts(plan):
    """Neither what the host has free nor what this process holds there."""
    _, (_, there) = plan(8 * GB, on_gpu=True)
    assert there.plan.tile
    assert there.plan.estimate <= 0.85 * 8 * GB
    assert plan(10**13, on_gpu=True)[1][1].plan.tile == 0


def test_memory_is_planned_for_as_if_no_more_were_free(plan, caplog):
    _, plain = plan(8 * GB)
    scene, levels = plan(500 * GB, memory="8GB")
    assert levels == plain
    with caplog.at_level(logging.WARNING):
        note_plans(scene, State(levels=levels, dtype="float32"))
    (note,) = [record.getMessage() for record in caplog.records]
    assert note.startswith("4096×3072 px is computed in tiles of ")
    assert note.endswith("of memory, as memory=8GB asks")


def test_what_is_really_free_counts_if_it_is_less(plan):
    assert plan(8 * GB, memory="100GB")[1] == plan(8 * GB)[1]
    assert plan(None, memory="8GB")[1] == plan(8 * GB)[1]


def test_too_little_is_said(plan):
    with pytest.raises(ArtistyleError, match=r"and memory allows 1\.0 GB; --size=\d+ may fit"):
        plan(500 * GB, memory="1GB")
    with pytest.raises(ArtistyleError, match=r"and 1\.0 GB are free; --size=\d+ may fit"):
        plan(GB)


def test_replicas_share_tiles(plan):
    _, levels = plan(10**13, replicas=4)
    assert all(level.plan.tile for level in levels)
