"""Keras' file of weights, in its cache or from a server; this machine's own stands for Keras'."""

import hashlib
import http.server
import io
import os
import socket
import threading

import numpy as np
import pytest

from artistyle_tf.errors import InputError
from artistyle_tf.vgg import download
from artistyle_tf.vgg.vgg19 import VGG19_LAYERS
from artistyle_tf.vgg.weights import load


def npz():
    """A narrow VGG19 as the bytes of an .npz file, 0.8 MB."""
    rng, inputs, arrays = np.random.default_rng(0), 3, {}
    for layer in VGG19_LAYERS[:13]:
        arrays[f"{layer}/kernel"] = rng.normal(size=(3, 3, inputs, 45)).astype(np.float32)
        arrays[f"{layer}/bias"] = np.zeros(45, np.float32)
        inputs = 45
    file = io.BytesIO()
    np.savez(file, **arrays)
    return file.getvalue()


BODY = npz()


class Handler(http.server.BaseHTTPRequestHandler):
    """Behaves as the first part of the path says."""

    def log_message(self, *arguments):
        pass

    def do_GET(self):
        kind = self.path.split("/")[1]
        self.server.asked.append(kind)
        if kind == "silent":
            self.server.over.wait(20)
            return
        self.send_response({"absent": 404, "moved": 302}.get(kind, 200))
        if kind == "moved":
            self.send_header("Location", self.path.replace("moved", "right"))
        self.send_header("Content-Length", str(len(BODY)))
        self.end_headers()
        if kind in ("right", "wrong"):
            self.wfile.write(BODY if kind == "right" else BODY[::-1])
        elif kind in ("cut", "stalled"):
            self.wfile.write(BODY[:1000])
            self.server.over.wait(20 if kind == "stalled" else 0)


@pytest.fixture
def server(monkeypatch):
    """A server, and a function of it: what kind it is → download.BASE is there."""
    for name in ("http_proxy", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.asked, server.over = [], threading.Event()
        base = f"http://127.0.0.1:{server.server_port}"
        server.be = lambda kind: monkeypatch.setattr(download, "BASE", f"{base}/{kind}/")
        server.be("right")
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server
        server.over.set()
        server.shutdown()
        thread.join()


@pytest.fixture
def cache(tmp_path, monkeypatch):
    """The path in Keras' cache, in a folder of the test's own, where `BODY` is expected."""
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    monkeypatch.setattr(download, "FILE", "tiny.npz")
    monkeypatch.setattr(download, "MD5", hashlib.md5(BODY).hexdigest())
    (tmp_path / "models").mkdir()
    return tmp_path / "models" / "tiny.npz"


def refusal():
    try:  # not pytest.raises: what holds the error holds the connection
        load("imagenet")
    except InputError as error:
        text = str(error)
    assert "\n" not in text
    assert text.endswith("yourself, or use --weights=imagenet-8bit")
    return text


@pytest.mark.parametrize("kind", ["right", "moved"])
def test_right_file(server, cache, capfd, kind):
    """It replaces a damaged one, is found by `auto` from then on, and is asked for once."""
    server.be(kind)
    cache.write_bytes(BODY[:1000])
    said = []
    found = load("imagenet", report=said.append)
    assert (found.kind, found.digest) == ("imagenet", hashlib.sha256(BODY).hexdigest())
    assert [path.name for path in cache.parent.iterdir()] == ["tiny.npz"]
    assert cache.read_bytes() == BODY
    assert said[0] == f"weights: asking {download.BASE}tiny.npz"
    assert said[-1] == "weights: 0.8 of 0.8 MB"
    assert capfd.readouterr() == ("", "")  # pooch would tell of every download
    if os.name == "posix":  # not the owner's alone
        assert cache.stat().st_mode & 0o777 == 0o644
    assert load("auto").kind == load("imagenet").kind == "imagenet"
    assert len(server.asked) == (2 if kind == "moved" else 1)


@pytest.mark.parametrize(
    ("kind", "told"),
    [
        ("wrong", f"does not match the known hash: expected md5:{hashlib.md5(BODY).hexdigest()}"),
        ("cut", "IncompleteRead(1000 bytes read"),
        ("absent", "404 Client Error: Not Found"),
        ("silent", "timed out"),
        ("stalled", "timed out"),
    ],
)
@pytest.mark.parametrize("before", [None, b"cut off"])
def test_what_fails_costs_one_line_and_leaves_nothing(
    server, cache, monkeypatch, kind, told, before
):
    monkeypatch.setattr(download, "TIMEOUT", 0.4)
    server.be(kind)
    if before:
        cache.write_bytes(before)
    text = refusal()
    assert told in text
    assert text.startswith(f"{cache} is damaged, and http:" if before else "http:")
    assert list(cache.parent.iterdir()) == ([cache] if before else [])
    assert before is None or cache.read_bytes() == before


def test_no_server(cache, monkeypatch):
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))  # bound, but nobody listens
        monkeypatch.setattr(download, "BASE", f"http://127.0.0.1:{unused.getsockname()[1]}/")
        assert "Connection refused" in refusal()


def test_cache_that_cannot_be_written(server, cache):
    cache.mkdir()
    assert "Is a directory" in refusal()
    cache.rmdir()
    cache.parent.rmdir()
    cache.parent.touch()
    assert "Not a directory" in refusal()


@pytest.mark.parametrize("cached", [None, b"", BODY[:1000]])
def test_auto_takes_the_shipped_network_without_a_word_or_a_connection(
    server, cache, caplog, cached
):
    if cached is not None:
        cache.write_bytes(cached)
    assert load("auto", "block1_conv1").kind == "imagenet-8bit"
    assert (server.asked, caplog.records) == ([], [])
    assert (cache.read_bytes() if cached is not None else None) == cached


def test_cache_is_where_keras_has_it(monkeypatch, tmp_path):
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    assert download.imagenet_path() == tmp_path / "models" / download.FILE
    monkeypatch.delenv("KERAS_HOME")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert download.imagenet_path() == tmp_path / ".keras" / "models" / download.FILE
