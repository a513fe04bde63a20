"""A checkpoint is the state of a run: written, read back, the same."""

import dataclasses
import json

import pytest

from artistyle_tf.engine.plan import Level, Plan
from artistyle_tf.engine.snapshot import header_of, parsed
from artistyle_tf.engine.state import State
from artistyle_tf.objective.targets import Weighing

FRESH = State(
    levels=(Level((32, 48), 3, Plan(0, 50, 10**9)), Level((64, 96), 7, Plan(64, 25, 2 * 10**9))),
    dtype="bfloat16",
)
LATER = FRESH.replace(
    level=1,
    dtype="float32",
    widened=5,
    before=(3, 4),
    done=(3, 2),
    weighing=Weighing(60.0, {"block1_conv1": (30.0, 0.5)}),
    trace=((1, 0.5, 9.0, 32, 48), (2, 1.0, 8.0, 64, 96)),
).with_plan(Plan(128, 5, 10**8))


@pytest.mark.parametrize("state", [FRESH.replace(done=(0,)), LATER])
def test_it_comes_back_as_it_was(state):
    header = json.loads(json.dumps(header_of(state)))
    again = parsed(header, FRESH, ["block1_conv1"])
    assert dataclasses.astuple(again) == dataclasses.astuple(state)


def test_the_state_is_frozen():
    with pytest.raises(dataclasses.FrozenInstanceError):
        LATER.level = 0  # type: ignore[misc]


def test_what_the_record_says_of_convolutions():
    assert FRESH.convolutions == "bfloat16"
    assert LATER.convolutions == "bfloat16, float32 after iteration 5"


@pytest.mark.parametrize(
    ("name", "value", "told"),
    [
        ("level", 2, "level can't be 2"),
        ("level", True, "level can't be True"),
        ("levels", [[32, 48, 3]], "levels are not this run's"),
        ("levels", [[32, 48, 3], [64, 97, 2]], "levels are not this run's"),
        ("plans", [[0, 50, 1]], "plans are not of this run's levels"),
        ("plans", [[0, 50, 1], [7, 50, 1]], "plans are not of this run's levels"),
        ("budgets", [1], "budgets are not 2 numbers"),
        ("dtype", "float16", "dtype is none of ours"),
        ("widened", -1, "widened can't be -1"),
        ("weighing", [60.0, {"block9": [1.0]}], "weighing is not of this run's layers"),
        ("weighing", [60.0, {"block1_conv1": ["1"]}], "weighing can't be 1"),
        ("weighing", ["60", {"block1_conv1": [1.0]}], "weighing can't be 60"),
        ("weighing", [60.0], "weighing is none"),
        ("weighing", {"block1_conv1": 1.0}, "weighing is none"),
        ("weighing", [60.0, {"block1_conv1": 1.0}], "weighing is none"),
        ("trace", {}, "trace is no list"),
        ("trace", [[1, 2]], "trace is no table"),
        ("before", [1, -1], "before can't be -1"),
    ],
)
def test_what_cannot_be_of_this_run_is_refused(name, value, told):
    header = {**json.loads(json.dumps(header_of(LATER))), name: value}
    with pytest.raises(ValueError, match=told):
        parsed(header, FRESH, ["block1_conv1"])


def test_every_part_is_needed():
    header = json.loads(json.dumps(header_of(LATER)))
    for name in header:
        with pytest.raises(ValueError, match=f"its header has no {name}"):
            parsed({k: v for k, v in header.items() if k != name}, FRESH, ["block1_conv1"])
