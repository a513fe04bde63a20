"""scripts/benchmark/leak.py runs; what it measures here says nothing."""

import re


def test_two_pictures(script, small_file, capsys):
    leak = script("leak")
    assert leak.main(["--stylize", "--count=2", f"--weights={small_file}"]) == 0
    out = capsys.readouterr().out
    sizes = re.findall(r"^\| (\d) \| (\d+×\d+) \| \d+\.\d \| [+-]\d+\.\d \|$", out, re.MULTILINE)
    assert sizes == [("1", "64×64"), ("2", "96×96")]
    assert "MiB a picture" in out


def test_a_file_that_is_not_there_is_one_line(script, capsys):
    assert script("leak").main(["--count=1", "--weights=absent.npz"]) == 1
    said = capsys.readouterr().err
    assert said.startswith("leak.py: ")
    assert "absent.npz" in said
    assert said.count("\n") == 1
