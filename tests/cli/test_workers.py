"""Of several workers with the same command only the first one writes and tells."""

import json

from artistyle_tf.cli import main
from commands import file_flags, put_pictures


def role(index):
    """TF_CONFIG of one of two workers."""
    task = {"type": "worker", "index": index}
    return json.dumps({"cluster": {"worker": ["127.0.0.1:1", "127.0.0.1:2"]}, "task": task})


def test_another_worker_writes_nothing(
    small_file, picture, tmp_path, monkeypatch, capsys, environment
):
    """Whatever it is told to; that two of them paint one picture is in engine/test_strategy."""
    put_pictures(tmp_path, picture, 24, 32)
    monkeypatch.setattr(main, "make_strategy", lambda name: None)
    monkeypatch.setenv("TF_CONFIG", role(1))
    before = sorted(tmp_path.rglob("*"))
    given = [
        *file_flags(tmp_path, small_file),
        "--size=32",
        "--iterations=2",
        "--style_layers=block1_conv1",
        "--content_layers=block1_conv2",
        "--strategy=multiworker",
        "--save_every=1",
        f"--report={tmp_path}/report.html",
        f"--checkpoint_dir={tmp_path}/run",
        f"--tensorboard_dir={tmp_path}/board",
    ]
    assert main.main(given) == 0
    assert capsys.readouterr() == ("", "")
    assert sorted(tmp_path.rglob("*")) == before


def test_another_worker_refuses_nothing_that_it_does_not_write(
    small_file, picture, tmp_path, monkeypatch, capsys
):
    """Up to where TensorFlow loads: the output and the checkpoints are the first one's affair."""
    put_pictures(tmp_path, picture, 48, 64)
    flags = [
        *file_flags(tmp_path, small_file, output="nowhere/out.png"),
        "--strategy=multiworker",
        f"--checkpoint_dir={tmp_path}/run",
    ]
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "artistyle-00000002-000001.npz").touch()
    seen = []

    def loaded(*arguments):
        seen.append(arguments)
        raise KeyboardInterrupt

    monkeypatch.setattr(main, "quiet_import", loaded)
    monkeypatch.setenv("TF_CONFIG", role(1))
    assert main.main(flags) == 130
    assert capsys.readouterr().err == "artistyle: interrupted\n"
    assert seen == [(None,)]
    monkeypatch.setenv("TF_CONFIG", role(0))
    assert main.main(flags) == 1
    assert "there is no folder" in capsys.readouterr().err
    (tmp_path / "nowhere").mkdir()
    assert main.main(flags) == 1
    assert "artistyle-00000002-000001.npz exists already" in capsys.readouterr().err
