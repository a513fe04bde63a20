"""Who writes, of several workers."""

import types

import pytest
import tensorflow as tf

from artistyle_tf.engine.devices import is_chief


def strategy(kind, index, jobs):
    resolver = types.SimpleNamespace(
        task_type=kind, task_id=index, cluster_spec=lambda: types.SimpleNamespace(jobs=jobs)
    )
    return types.SimpleNamespace(cluster_resolver=resolver)


@pytest.mark.parametrize(
    ("kind", "index", "jobs", "expected"),
    [
        ("worker", 0, ["worker"], True),
        ("worker", 1, ["worker"], False),
        ("chief", 0, ["chief", "worker"], True),
        ("worker", 0, ["chief", "worker"], False),
        ("", 0, [], True),
    ],
)
def test_the_first_one(kind, index, jobs, expected):
    assert is_chief(strategy(kind, index, jobs)) == expected


def test_alone():
    assert is_chief(None)
    assert is_chief(tf.distribute.MirroredStrategy(["CPU:0"]))
