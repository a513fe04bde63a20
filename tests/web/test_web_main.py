"""The command line of `artistyle-web`."""

import importlib.util
import socket

import pytest

from artistyle_tf.web import main as command
from artistyle_tf.web.form import Limits
from artistyle_tf.web.guard import addresses
from artistyle_tf.web.main import describe_reach, parse


def test_all_flags():
    given = ["--host=0.0.0.0", "--port=1", "--port=0", "--weights=preview", "--folder=a"]
    given += [
        "--max_pixels=1000",
        "--max_megabytes=2",
        "--share",
        "--open_browser",
        "--auth=me:a:b",
    ]
    login = ("me", "a:b")
    options = parse(given)
    assert (options.host, options.port, options.auth, options.folder) == ("0.0.0.0", 0, login, "a")
    assert (options.weights, options.limits) == ("preview", Limits(1000, 2))
    assert options.share
    assert options.open_browser


@pytest.mark.parametrize(
    "flag",
    [
        "--port=70000",
        "--max_megabytes=1.5",
        "--weights=network",
        "--folder=",
        "--auth=me",
        "photo.jpg",
    ],
)
def test_a_bad_one_is_one_line_and_status_2(flag, capsys):
    assert command.main([flag]) == 2
    out, err = capsys.readouterr()
    assert (out, err.count("\n")) == ("", 1)
    assert err.startswith("artistyle-web: ")


def test_without_gradio_it_says_what_to_install(monkeypatch, capsys):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    assert command.main([]) == 1
    assert 'pip install "artistyle-tf[web]"' in capsys.readouterr().err


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


def test_a_folder_that_cannot_be_written_is_said_before_anything_is_loaded(tmp_path, capsys):
    (tmp_path / "file").write_text("")
    for folder in (tmp_path / "file", tmp_path / "file" / "results", "/proc"):
        assert command.main(["--port=0", f"--folder={folder}"]) == 1
        out, err = capsys.readouterr()
        assert (out, err.count("\n")) == ("", 1)
        assert str(folder) in err


def test_who_can_reach_the_page_is_said():
    said = describe_reach("127.0.0.1", 7860, "http://127.0.0.1:7860/", None, asks=False)
    assert said == ["http://127.0.0.1:7860/"]
    for asks in (False, True):
        said = describe_reach("0.0.0.0", 7860, "http://0.0.0.0:7860/", None, asks)
        assert all(f"http://{one}:7860" in said[1] for one in addresses("0.0.0.0"))
        assert "127.0.0.1" not in said[1]
        assert said[2] == "pictures leave the visitor's machine for this one"
        assert said[3:] == ([] if asks else ["no password is asked for; --auth=user:password does"])
    public = "https://x.gradio.live"
    assert "public link" in describe_reach("127.0.0.1", 1, "http://127.0.0.1:1/", public, False)[2]
