"""scripts/benchmark/batch.py, with commands that are looked at and not run."""

import pytest
from PIL import Image

from artistyle_tf.batch.flags import parse as parse_batch
from artistyle_tf.cli.flags import parse


def test_all_ways_paint_the_same_pictures(script, monkeypatch, capsys):
    benchmark, commands, workers = script("batch"), [], []

    def look(*words):
        """While the pictures are there."""
        if words[:2] == ("-m", "artistyle_tf"):
            commands.append(parse(words[2:]))
        elif words[:2] == ("-m", "artistyle_tf.batch"):
            options = parse_batch(words[2:])
            commands.extend(options.jobs)
            workers.append(options.workers)
        else:
            compile(words[1], "loop", "exec")
            commands.extend(words[6:])

    monkeypatch.setattr(benchmark, "run", look)
    assert benchmark.main(["--count=3", "--size=32", "--iterations=2"]) == 0
    shell, painter, *batches = (commands[i : i + 3] for i in range(0, len(commands), 3))
    assert workers == [1, 2]
    for batch in batches:
        assert [one.content for one in shell] == painter == [job.content for job in batch]
        assert {one.config for one in shell} == {job.config for job in batch}
    rows = capsys.readouterr().out.splitlines()
    assert [row.split(" | ")[0] for row in rows[2:]] == [
        "| `artistyle` in a shell loop", "| one `Painter`", "| `artistyle-batch`",
        "| `artistyle-batch --workers=2`",
    ]  # fmt: skip


def test_pictures_differ_and_have_one_shape(script, tmp_path):
    paths = script("batch").cut(tmp_path, 3)
    pictures = [Image.open(path) for path in paths]
    assert len({picture.size for picture in pictures}) == 1
    assert len({picture.tobytes() for picture in pictures}) == 3


def test_a_command_that_fails_is_no_measurement(script):
    with pytest.raises(Exception, match="non-zero exit status"):
        script("batch").run("-c", "raise SystemExit(1)")
