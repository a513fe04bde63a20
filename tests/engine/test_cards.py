"""Which card CUDA counts as which, and what `nvidia-smi` says is free on it. No GPU is needed."""

import pytest
from artistyle_tf.engine.cards import Card, card_free, cards, counted_as

MIB = 2**20
SAME = (
    Card(0, "GPU-aaaa1111-0", 5000 * MIB, "Tesla T4"),
    Card(1, "GPU-aabb2222-1", 7000 * MIB, "Tesla T4"),
    Card(2, "GPU-cccc3333-2", 9000 * MIB, "Tesla T4"),
)
MIXED = (
    Card(0, "GPU-aaaa1111-0", 5000 * MIB, "Tesla T4"),
    Card(1, "GPU-bbbb2222-1", 7000 * MIB, "NVIDIA A100"),
    Card(2, "GPU-cccc3333-2", 3000 * MIB, "Tesla T4"),
)


def numbers(number, known, name="", **environment):
    return [card.row for card in counted_as(number, known, name, environment)]


@pytest.mark.parametrize(
    ("visible", "wanted"),
    [
        (None, [[0], [1], [2]]),
        ("0", [[0], [], []]),
        ("2,0", [[2], [0], []]),
        (" 2 , 0 ", [[2], [0], []]),
        ("GPU-bbbb,GPU-cccc3333-2", [[], [], []]),  # the first is no device, and ends the list
        ("GPU-cccc3333-2,GPU-aabb", [[2], [1], []]),
        ("GPU-cccc3333-2,0", [[2], [0], []]),
        ("", [[], [], []]),
        ("-1", [[], [], []]),
        ("NoDevFiles", [[], [], []]),
        ("1,-1,0", [[1], [], []]),
        ("1,7,0", [[1], [], []]),
        ("MIG-aaaa", [[], [], []]),
    ],
)
def test_the_environment_says_which_cards_are_counted(visible, wanted):
    environment = {} if visible is None else {"CUDA_VISIBLE_DEVICES": visible}
    for more in ({}, {"CUDA_DEVICE_ORDER": "PCI_BUS_ID"}):
        found = [numbers(n, SAME, "Tesla T4", **environment, **more) for n in range(3)]
        assert found == wanted


def test_where_models_differ_the_fastest_is_counted_first():
    """CUDA's order among them is not documented; what could be meant is all of that model."""
    assert numbers(0, MIXED, "NVIDIA A100") == [1]
    assert numbers(1, MIXED, "Tesla T4") == [0, 2]
    assert numbers(0, MIXED, "NVIDIA A100", CUDA_VISIBLE_DEVICES="0") == [1]
    assert numbers(0, MIXED, "Tesla T4", CUDA_DEVICE_ORDER="PCI_BUS_ID") == [0]
    assert numbers(0, MIXED, "NVIDIA A100", CUDA_VISIBLE_DEVICES="GPU-cccc") == [2]
    assert numbers(1, MIXED) == [1]  # the model is not known


def test_what_is_free_is_that_cards_the_least_if_it_may_be_several(monkeypatch):
    monkeypatch.delenv("CUDA_DEVICE_ORDER", raising=False)
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "2,0")
    assert card_free(0, SAME) == 9000 * MIB
    assert card_free(1, SAME) == 5000 * MIB
    assert card_free(2, SAME) is None
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES")
    assert card_free(1, MIXED, "Tesla T4") == 3000 * MIB
    # A part of a card: what the whole has free says nothing of it.
    assert card_free(0, SAME, "NVIDIA A100-SXM4-40GB MIG 1g.5gb") is None
    assert card_free(0, (Card(0, "GPU-a", None),)) is None


@pytest.fixture
def smi(monkeypatch, tmp_path):
    """A function that puts a program `nvidia-smi` alone on the path; it notes its arguments."""
    monkeypatch.setenv("PATH", str(tmp_path))

    def put(text, status=0):
        script = tmp_path / "nvidia-smi"
        lines = "\n".join(f"echo '{line}'" for line in text.splitlines())
        script.write_text(f'#!/bin/sh\necho "$@" >{tmp_path}/asked\n{lines}\nexit {status}\n')
        script.chmod(0o755)

    return put


def test_without_nvidia_smi_or_when_it_fails_there_are_no_cards(smi):
    assert cards() == ()
    smi("0, GPU-a, 5000, Tesla T4", status=9)
    assert cards() == ()
    for text in ("No devices were found", "x, GPU-a, 5000", "0, GPU-a", ""):
        smi(text)
        assert cards() == ()


def test_rows_are_read(smi, tmp_path):
    smi("0, GPU-a, 5000, Tesla T4\n1, GPU-b, [N/A], NVIDIA GB10, odd\n2, GPU-c, 12")
    assert cards() == (
        Card(0, "GPU-a", 5000 * MIB, "Tesla T4"),
        Card(1, "GPU-b", None, "NVIDIA GB10, odd"),
        Card(2, "GPU-c", 12 * MIB),
    )
    asked = (tmp_path / "asked").read_text()
    assert asked == "--query-gpu=index,uuid,memory.free,name --format=csv,noheader,nounits\n"
