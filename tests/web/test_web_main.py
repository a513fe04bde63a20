"""The command line of `artistyle-web`."""

import importlib.util
import socket

import pytest

from artistyle_tf.web import main as command
from artistyle_tf.web.form import Limits
from artistyle_tf.web.main import Options, parse


def test_all_flags():
    given = ["--host=0.0.0.0", "--port=1", "--port=0", "--weights=preview", "--folder=a"]
    given += ["--max_pixels=1000", "--max_megabytes=2", "--share", "--open_browser"]
    wanted = Options("0.0.0.0", 0, "preview", "a", Limits(1000, 2), True, True)
    assert parse(given) == wanted


@pytest.mark.parametrize(
    "flag", ["--port=70000", "--max_megabytes=1.5", "--weights=network", "--folder=", "photo.jpg"]
)
def test_a_bad_one_is_one_line_and_status_2(flag, capsys):
    assert command.main([flag]) == 2
    out, err = capsys.readouterr()
    assert (out, err.count("\n")) == ("", 1)
    assert err.startswith("artistyle-web: ")


def test_without_gradio_it_says_what_to_install(monkeypatch, capsys):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    assert command.main([]) == 1
    assert "pip install 'artistyle-tf[web]'" in capsys.readouterr().err


def test_a_taken_port_is_said_before_anything_is_loaded(capsys):
    if importlib.util.find_spec("gradio") is None:
        pytest.skip("the extra `web` is not installed")
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        assert command.main([f"--port={port}"]) == 1
    out, err = capsys.readouterr()
    assert (out, err.count("\n")) == ("", 1)
    assert f"can't listen on 127.0.0.1:{port}" in err
