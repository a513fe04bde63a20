"""Each claim of docs/gpu-tpu.md about GPUs has a test, or is said not to have been run."""

import ast
import re

import pytest

from places import ROOT, TESTS

PAGE = (ROOT / "docs" / "gpu-tpu.md").read_text("utf-8")

CLAIMS = {
    "A run computes on the device that it is given.": (
        "command/test_devices.py::test_a_run_computes_where_it_is_told",
        "command/test_devices.py::test_a_device_that_is_not_there_is_refused",
    ),
    "Before a run TensorFlow is told to allocate a card's memory as needed": (
        "run/test_gpus.py::test_memory_grows_on_every_visible_gpu",
        "run/test_gpus.py::test_the_command_lets_memory_grow_before_it_lists_devices",
        "run/test_gpus.py::test_a_run_in_python_tries_it_first",
    ),
    "The user's own settings take precedence": (
        "run/test_gpus.py::test_the_users_variable_is_left_the_last_word",
        "run/test_gpus.py::test_what_the_user_set_before_stays",
    ),
    "In Python this works until TensorFlow has initialised its devices": (
        "run/test_gpus.py::test_when_tensorflow_has_begun_it_is_too_late_and_no_matter",
        "docs/test_notebook.py::test_memory_grows_unless_the_user_says_otherwise",
    ),
    "Free memory is read from `nvidia-smi`, for the card that the run computes on.": (
        "run/test_gpus.py::test_a_run_is_planned_for_the_gpu_that_it_computes_on",
        "run/test_gpus.py::test_what_is_free_is_asked_of_the_card_in_use",
        "run/test_cards.py::test_rows_are_read",
    ),
    "`CUDA_VISIBLE_DEVICES` is taken into account": (
        "run/test_gpus.py::test_cuda_visible_devices_counts_for_it",
        "run/test_cards.py::test_the_environment_says_which_cards_are_counted",
        "run/test_cards.py::test_where_models_differ_the_fastest_is_counted_first",
        "run/test_cards.py::test_what_is_free_is_that_cards_the_least_if_it_may_be_several",
    ),
    "With `--strategy=mirrored` the smallest": (
        "run/test_gpus.py::test_what_is_free_is_asked_of_the_card_in_use",
        "run/test_strategy.py::test_two_and_four_replicas_equal_one_device",
    ),
    "Memory that TensorFlow has reserved": (
        "run/test_gpus.py::test_what_tensorflow_keeps_to_use_again_is_free",
    ),
    "For a logical device with a memory limit": (
        "run/test_gpus.py::test_of_a_part_of_a_card_tensorflow_knows",
    ),
    "Without `nvidia-smi`, on a part of a card (MIG)": (
        "run/test_cards.py::test_without_nvidia_smi_or_when_it_fails_there_are_no_cards",
        "run/test_gpus.py::test_of_a_card_that_tensorflow_took_whole_nobody_knows",
        "run/test_plan.py::test_all_at_once_where_there_is_room_or_nobody_knows",
        "run/test_painter.py::test_memory_that_runs_out_makes_the_tiles_smaller",
        "run/test_planning.py::test_what_is_really_free_counts_if_it_is_less",
    ),
    "With `--device=cpu` on a machine with a GPU": (
        "network/test_precision.py::test_a_run_on_the_cpu_of_a_machine_with_a_gpu_goes_by_the_cpu",
        "run/test_gpus.py::test_a_run_on_the_cpu_is_planned_for_its_memory",
    ),
    "The objective gives the same numbers when XLA compiles it.": (
        "command/test_devices.py::test_the_same_objective_compiled_by_xla",
    ),
    "`--statistics=w2` uses matrix products": (
        "objective/test_wasserstein.py::test_accelerators_are_given_products_of_matrices",
    ),
    "The objective is traced once for all sizes": (
        "objective/test_whole.py::test_one_trace_serves_every_size",
    ),
    "Every minimiser, tiles and bfloat16 work with `--deterministic`": (
        "run/test_determinism.py::test_the_promise_can_be_asked_for_in_python_with_every_minimiser",
    ),
}
"""How each claim begins, and what stands for it."""


def claims() -> list[str]:
    section = PAGE.partition("## GPU\n")[2].partition("## Precision\n")[0]
    return re.findall(r"^- (.*)$", section.partition("Not run,")[0], re.MULTILINE)


def test_every_claim_has_a_test_and_every_test_a_claim() -> None:
    found = claims()
    assert len(found) == len(CLAIMS)
    for beginning in CLAIMS:
        assert sum(claim.startswith(beginning) for claim in found) == 1, beginning


@pytest.mark.parametrize("test", sorted({test for tests in CLAIMS.values() for test in tests}))
def test_what_stands_for_a_claim_is_there(test: str) -> None:
    file, _, name = test.partition("::")
    tree = ast.parse((TESTS / file).read_text("utf-8"))
    assert name in {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}


def test_what_nobody_ran_is_said() -> None:
    assert PAGE.index("CPUs only") < PAGE.index("## GPU")
    assert "it was never run on a\nGPU" in PAGE
