"""Downloads against a server on this machine. No test leaves 127.0.0.1."""

import errno
import functools
import hashlib
import http.server
import io
import os
import re
import socket
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pooch
import pytest

from artistyle_tf.errors import InputError
from artistyle_tf.locks import hold_file
from artistyle_tf.vgg import download, http_source, weights
from artistyle_tf.vgg.download import fetch

BODY = np.random.default_rng(0).bytes(1_000_000)
MD5 = hashlib.md5(BODY).hexdigest()


class Handler(http.server.BaseHTTPRequestHandler):
    """Behaves as the last part of the path says; `name` may be followed by anything."""

    def log_message(self, *args):
        pass

    def do_GET(self):
        self.server.asked.append(self.path)
        self.server.ranges.append(self.headers["Range"])
        getattr(self, "get_" + self.path.split("/")[1])()

    def head(self, length=1_000_000, status=200, **headers):
        self.send_response(status)
        if length is not None:
            self.send_header("Content-Length", str(length))
        for key, value in headers.items():
            self.send_header(key, value)
        self.end_headers()

    def get_right(self):
        self.head()
        self.wfile.write(BODY)

    def get_resumable(self, body=BODY):
        """Breaks the first connection after 400,000 bytes; sends the rest when asked for it."""
        asked = re.fullmatch(r"bytes=(\d+)-", self.headers["Range"] or "")
        start = int(asked[1]) if asked else 0
        if asked and start >= len(body):
            self.head(0, 416, **{"Content-Range": f"bytes */{len(body)}"})
        elif asked:
            place = f"bytes {start}-{len(body) - 1}/{len(body)}"
            self.head(len(body) - start, 206, **{"Content-Range": place})
            self.wfile.write(body[start:])
        else:
            self.head(len(body))
            self.wfile.write(body[:400_000] if len(self.server.asked) == 1 else body)

    def get_deaf(self):
        """Knows nothing of ranges."""
        self.head()
        self.wfile.write(BODY[:400_000] if len(self.server.asked) == 1 else BODY)

    def get_misplaced(self):
        """Answers a range with another one."""
        if self.headers["Range"]:
            self.head(10, 206, **{"Content-Range": f"bytes 0-9/{len(BODY)}"})
            self.wfile.write(BODY[:10])
        else:
            self.get_deaf()

    def get_changed(self):
        """Another file lies there than when the download began."""
        if len(self.server.asked) == 1:
            self.head()
            self.wfile.write(BODY[::-1][:400_000])
        else:
            self.get_resumable()

    def get_changed_and_wrong(self):
        self.get_resumable(BODY[::-1])

    def get_unsized(self):
        self.head(None)
        self.wfile.write(BODY)

    def get_wrong(self):
        self.head()
        self.wfile.write(BODY[::-1])

    def get_cut(self):
        self.head()
        self.wfile.write(BODY[:1000])

    def get_nothing(self):
        self.head(0)

    def get_endless(self):
        self.head(None)
        while not self.server.over.is_set():
            self.wfile.write(BODY)

    def get_silent(self):
        self.server.over.wait(20)

    def get_bodiless(self):
        self.head()
        self.server.over.wait(20)

    def get_stalled(self):
        self.head()
        self.wfile.write(BODY[:1000])
        self.server.over.wait(20)

    def get_half(self):
        self.head()
        self.wfile.write(BODY[:500_000])
        self.server.over.wait(60)

    def get_trickle(self):
        self.head()
        for i in range(0, 1000, 10):
            self.wfile.write(BODY[i : i + 10])
            if self.server.over.wait(0.05):
                return

    def get_slow_headers(self):
        for letter in b"HTTP/1.0 200 OK\r\nX-Filler: " + b"x" * 200:
            self.wfile.write(bytes([letter]))
            if self.server.over.wait(0.05):
                return

    def get_steady(self):
        self.head()
        for i in range(0, len(BODY), 50_000):
            self.wfile.write(BODY[i : i + 50_000])
            time.sleep(0.06)

    def get_absent(self):
        self.head(9, 404)
        self.wfile.write(b"not here\n")

    def get_moved(self):
        self.head(0, 302, Location="/right")

    def get_circle(self):
        self.head(0, 302, Location="/circle")

    def get_spiral(self):
        self.head(0, 302, Location=f"/spiral/{len(self.server.asked)}")

    def get_inside(self):
        self.head(0, 302, Location="file:///etc/passwd")

    def get_rubbish(self):
        self.wfile.write(b"\x00\x01 no http at all\r\n\r\n")


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 32

    def handle_error(self, request, client_address):
        pass  # clients that hang up are the point of these tests


@pytest.fixture
def server():
    with Server(("127.0.0.1", 0), Handler) as server:
        server.asked, server.ranges, server.over = [], [], threading.Event()
        server.url = f"http://127.0.0.1:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server
        server.over.set()
        server.shutdown()
        thread.join()


@pytest.fixture(autouse=True)
def only_this_machine(monkeypatch):
    """Fails a test that looks up any other host; waits for the threads it leaves behind."""
    real, others = socket.getaddrinfo, []

    def lookup(host, *args, **kwargs):
        if host != "127.0.0.1":
            others.append(host)
            raise OSError(f"the tests must not look up {host}")
        return real(host, *args, **kwargs)

    monkeypatch.setattr(socket, "getaddrinfo", lookup)
    for name in ("http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    yield
    assert not others


@pytest.fixture
def released():
    """An event for what hangs: set after the test, and then the hanging threads must end."""
    event = threading.Event()
    yield event
    event.set()
    for thread in threading.enumerate():
        if thread.name == "artistyle-fetch":
            thread.join(5)
            assert not thread.is_alive()


quick = functools.partial(fetch, first_byte_timeout=0.4, stall_timeout=0.4)


PART = f".file.h5.{MD5}.part"


def refusal(url, folder, md5=MD5, fetch=fetch, left=(), **options):
    """The text of the error; checks that it is one line, and that no file but those is left.

    Only tests of silence ask for `quick`, whose limits a busy machine may exceed by itself.
    """
    before = set(folder.iterdir())
    start = time.monotonic()
    with pytest.raises(InputError) as caught:
        fetch(url, folder / "file.h5", md5, **options)
    assert time.monotonic() - start < 7
    text = str(caught.value)
    assert "\n" not in text
    assert set(folder.iterdir()) == before | {folder / name for name in left}
    return text


def test_right_file(server, tmp_path, capfd):
    there = tmp_path / "new" / "folder" / "file.h5"
    said = []
    assert fetch(f"{server.url}/right", there, MD5.upper(), report=said.append) == there
    assert there.read_bytes() == BODY
    assert [p.name for p in there.parent.iterdir()] == ["file.h5"]
    assert said[0] == "weights: asking 127.0.0.1"
    assert said[-1] == "weights: 1.0 of 1.0 MB (100 %)"
    assert capfd.readouterr() == ("", "")  # pooch would tell of every download
    if os.name == "posix":  # as readable as any new file, not the owner's alone
        plain = tmp_path / "plain"
        plain.touch()
        assert there.stat().st_mode == plain.stat().st_mode


def test_without_content_length(server, tmp_path):
    said = []
    fetch(f"{server.url}/unsized", tmp_path / "f", MD5, report=said.append)
    assert said[-1] == "weights: 1.0 MB"


def test_replaces_an_old_file(server, tmp_path):
    (tmp_path / "f").write_bytes(b"old")
    fetch(f"{server.url}/right", tmp_path / "f", MD5)
    assert (tmp_path / "f").read_bytes() == BODY


def test_old_file_stays_when_the_new_one_is_wrong(server, tmp_path):
    (tmp_path / "file.h5").write_bytes(b"old")
    refusal(f"{server.url}/wrong", tmp_path)
    assert (tmp_path / "file.h5").read_bytes() == b"old"


def test_wrong_checksum(server, tmp_path):
    text = refusal(f"{server.url}/wrong", tmp_path)
    assert text.startswith(f"{server.url}/wrong: wrong checksum: ")
    assert text.endswith(f"expected md5:{MD5} but got {hashlib.md5(BODY[::-1]).hexdigest()}")
    assert len(server.asked) == 1


def test_cut_short(server, tmp_path):
    text = refusal(f"{server.url}/cut", tmp_path, left=[PART])
    assert text.endswith("cut short: 1000 bytes of 1000000 received")


def test_empty(server, tmp_path):
    assert "wrong checksum" in refusal(f"{server.url}/nothing", tmp_path)


def test_absent(server, tmp_path):
    text = refusal(f"{server.url}/absent", tmp_path)
    assert text == f"{server.url}/absent: HTTP 404 Not Found"


def test_redirect(server, tmp_path):
    fetch(f"{server.url}/moved", tmp_path / "f", MD5)
    assert server.asked == ["/moved", "/right"]


@pytest.mark.parametrize("path", ["circle", "spiral"])
def test_redirected_without_end(server, tmp_path, path):
    assert "redirected without end" in refusal(f"{server.url}/{path}", tmp_path)
    assert len(server.asked) <= 7


def test_redirected_to_a_local_file(server, tmp_path):
    text = refusal(f"{server.url}/inside", tmp_path)
    assert text.endswith("redirected to file:///etc/passwd, which is not followed")


def test_redirect_from_https_to_http_is_not_followed():
    redirected = http_source._redirected
    with pytest.raises(http_source.FetchError, match="http://b/c, which is not followed"):
        redirected("https://a/", "http://b/c")
    assert redirected("https://a/b/c", "d") == "https://a/b/d"
    assert redirected("http://a/b", "https://c/d") == "https://c/d"


@pytest.mark.parametrize(
    "url", ["file:///etc/passwd", "ftp://127.0.0.1/a", "/etc/passwd", "http://[", "http://", ""]
)
def test_only_http(tmp_path, url):
    assert "address" in refusal(url, tmp_path)


def test_not_http(server, tmp_path):
    assert "not proper HTTP" in refusal(f"{server.url}/rubbish", tmp_path)


def test_connection_refused(tmp_path):
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))  # bound, but nobody listens
        port = unused.getsockname()[1]
        assert "refused" in refusal(f"http://127.0.0.1:{port}/right", tmp_path)


@pytest.mark.parametrize("path", ["silent", "bodiless", "slow_headers"])
def test_nothing_comes(server, tmp_path, released, path):
    text = refusal(f"{server.url}/{path}", tmp_path, fetch=quick)
    assert text.endswith("nothing came from 127.0.0.1 in 0.4 seconds")
    server.over.set()


@pytest.mark.parametrize(
    ("place", "what", "host"),
    [(socket, "getaddrinfo", "hangs.invalid"), (socket.socket, "connect", "127.0.0.1")],
)
def test_name_server_or_connection_hangs(monkeypatch, tmp_path, released, place, what, host):
    def hang(*args, **kwargs):
        released.wait(20)
        raise OSError("released")

    monkeypatch.setattr(place, what, hang)
    text = refusal(f"http://{host}/right", tmp_path, fetch=quick)
    assert text.endswith(f"nothing came from {host} in 0.4 seconds")


def test_stalled(server, tmp_path, released):
    text = refusal(f"{server.url}/stalled", tmp_path, fetch=quick, left=[PART])
    assert text.endswith("0.0 of 1.0 MB (0 %), then nothing for 0.4 s")
    server.over.set()


def test_too_slow(server, tmp_path, released):
    text = refusal(f"{server.url}/trickle", tmp_path, fetch=quick, min_rate=10 * 1024, left=[PART])
    assert text.endswith("slower than 10 KB a second")
    server.over.set()


def test_slow_but_steady(server, tmp_path):
    """Takes far longer than either timeout, and is left in peace."""
    said = []
    start = time.monotonic()
    quick(f"{server.url}/steady", tmp_path / "f", MD5, min_rate=1000, report=said.append)
    seconds = time.monotonic() - start
    assert seconds > 0.8
    assert len(said) <= 3 + 2 * seconds
    assert all(re.fullmatch(r"weights: \d\.\d of 1\.0 MB \(\d+ %\)", text) for text in said[1:])


@pytest.mark.parametrize("path", ["right", "endless"])
def test_too_large(server, tmp_path, released, path):
    text = refusal(f"{server.url}/{path}", tmp_path, size_limit=500_000)
    assert "larger than" in text
    server.over.set()


def test_defaults_notice_a_closed_network_within_ten_seconds():
    assert download.FIRST_BYTE_TIMEOUT < 10
    assert download.STALL_TIMEOUT <= 10


def test_interrupt_leaves_a_part_to_go_on_from(server, tmp_path, released):
    def interrupt(text):
        if "MB" in text:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fetch(f"{server.url}/stalled", tmp_path / "file.h5", MD5, report=interrupt)
    assert [path.name for path in tmp_path.iterdir()] == [PART]
    server.over.set()
    fetch(f"{server.url}/resumable", tmp_path / "file.h5", MD5)
    assert server.ranges == [None, "bytes=1000-"]
    assert (tmp_path / "file.h5").read_bytes() == BODY
    assert [path.name for path in tmp_path.iterdir()] == ["file.h5"]


@pytest.fixture
def broken(server, tmp_path):
    """Breaks a download off after 400,000 bytes of the file at that path of the server's."""

    def start(path):
        text = refusal(f"{server.url}/{path}", tmp_path, left=[PART])
        assert text.endswith("cut short: 400000 bytes of 1000000 received")
        assert (tmp_path / PART).stat().st_size == 400_000

    return start


def test_only_the_rest_is_asked_for(server, tmp_path, broken):
    broken("resumable")
    said = []
    fetch(f"{server.url}/resumable", tmp_path / "file.h5", MD5, report=said.append)
    assert (tmp_path / "file.h5").read_bytes() == BODY
    assert [path.name for path in tmp_path.iterdir()] == ["file.h5"]
    assert server.ranges == [None, "bytes=400000-"]
    assert said[-1] == "weights: 1.0 of 1.0 MB (100 %)"


@pytest.mark.parametrize(
    ("path", "ranges"),
    [
        ("deaf", [None, "bytes=400000-"]),
        ("misplaced", [None, "bytes=400000-", None]),
        ("changed", [None, "bytes=400000-", None]),
    ],
)
def test_a_part_that_does_not_fit_is_thrown_away(server, tmp_path, broken, path, ranges):
    """And the file fetched from its beginning, in the same call."""
    broken(path)
    fetch(f"{server.url}/{path}", tmp_path / "file.h5", MD5)
    assert (tmp_path / "file.h5").read_bytes() == BODY
    assert [path.name for path in tmp_path.iterdir()] == ["file.h5"]
    assert server.ranges == ranges


def test_a_wrong_file_is_fetched_anew_only_once(server, tmp_path, broken):
    broken("changed_and_wrong")
    with pytest.raises(InputError, match="wrong checksum"):
        fetch(f"{server.url}/changed_and_wrong", tmp_path / "file.h5", MD5)
    assert server.ranges == [None, "bytes=400000-", None]
    assert not list(tmp_path.iterdir())


def test_a_part_as_long_as_the_file_is_thrown_away(server, tmp_path):
    (tmp_path / PART).write_bytes(b"x" * len(BODY))
    server.asked.append("as if broken before")
    fetch(f"{server.url}/resumable", tmp_path / "file.h5", MD5)
    assert server.ranges == ["bytes=1000000-", None]
    assert (tmp_path / "file.h5").read_bytes() == BODY


def test_a_part_is_kept_where_the_server_fails(server, tmp_path, broken):
    broken("resumable")
    assert "404" in refusal(f"{server.url}/absent", tmp_path)
    assert (tmp_path / PART).stat().st_size == 400_000


def test_a_part_in_use_is_left_alone(server, tmp_path, broken):
    """Another process goes on with it: this one fetches the file with a part of its own."""
    broken("resumable")
    lock = hold_file(str(tmp_path / f"{PART}.lock"))
    fetch(f"{server.url}/right", tmp_path / "file.h5", MD5)
    assert server.ranges == [None, None]
    assert (tmp_path / "file.h5").read_bytes() == BODY
    assert (tmp_path / PART).stat().st_size == 400_000
    (tmp_path / "file.h5").unlink()
    refusal(f"{server.url}/cut", tmp_path)  # nobody would go on from that part: it goes
    lock.release()


def test_without_locks_no_part_is_shared(server, tmp_path, monkeypatch):
    def none(path):
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(download, "hold_file", none)
    refusal(f"{server.url}/cut", tmp_path)
    fetch(f"{server.url}/right", tmp_path / "file.h5", MD5)
    assert server.ranges == [None, None]


PROGRAM = """
import pathlib, sys
from artistyle_tf.vgg.download import fetch
fetch(sys.argv[1], pathlib.Path(sys.argv[2]), sys.argv[3])
"""


def test_a_killed_process_leaves_its_part(server, tmp_path):
    there = str(tmp_path / "file.h5")
    process = subprocess.Popen([sys.executable, "-c", PROGRAM, f"{server.url}/half", there, MD5])
    deadline = time.monotonic() + 60
    # What is still buffered is lost with the process: so much is not.
    while not ((part := tmp_path / PART).exists() and part.stat().st_size > 300_000):
        assert process.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.01)
    process.kill()
    process.wait()
    server.over.set()
    size = part.stat().st_size
    fetch(f"{server.url}/resumable", tmp_path / "file.h5", MD5)
    assert server.ranges == [None, f"bytes={size}-"]
    assert [path.name for path in tmp_path.iterdir()] == ["file.h5"]


def test_disk_full(server, tmp_path, monkeypatch, released):
    class Full(io.FileIO):
        def write(self, data):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(download, "open", lambda path, mode: Full(path, "a"), raising=False)
    text = refusal(f"{server.url}/right", tmp_path)
    assert text == f"{tmp_path / 'file.h5'} cannot be written: No space left on device"


def test_importing_loads_no_http():
    code = "import sys, artistyle_tf.vgg.download, artistyle_tf.cli.main;"
    code += "print({'pooch', 'requests', 'urllib3', 'filelock'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.stdout == "set()\n", done.stderr


def test_others_may_still_hear_of_pooch(server, tmp_path, caplog):
    """Only its words about our own downloads are kept back, and only as long as they take."""
    logger = pooch.get_logger()
    logger.addHandler(caplog.handler)
    try:
        fetch(f"{server.url}/right", tmp_path / "f", MD5)
        assert not caplog.records
        assert not logger.filters
    finally:
        logger.removeHandler(caplog.handler)


def test_folder_that_is_a_file(server, tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(InputError, match="cannot be written"):
        fetch(f"{server.url}/right", tmp_path / "file" / "f", MD5)
    assert not server.asked


def test_destination_that_is_a_folder(server, tmp_path):
    (tmp_path / "file.h5").mkdir()
    assert "cannot be written" in refusal(f"{server.url}/right", tmp_path)


def test_old_part_files_are_removed(server, tmp_path):
    names = [".f.1-aa.part", ".f.2-bb.part", ".g.1-aa.part", "f.part"]
    for name in names:
        (tmp_path / name).touch()
    for name in [*names[:1], *names[2:]]:
        os.utime(tmp_path / name, (0, time.time() - 25 * 3600))
    fetch(f"{server.url}/right", tmp_path / "f", MD5)
    assert {p.name for p in tmp_path.iterdir()} == {"f", *names[1:]}


def test_threads_at_once(server, tmp_path):
    with ThreadPoolExecutor(4) as pool:
        jobs = [pool.submit(fetch, f"{server.url}/steady", tmp_path / "f", MD5) for _ in range(4)]
        assert {job.result() for job in jobs} == {tmp_path / "f"}
    assert [p.name for p in tmp_path.iterdir()] == ["f"]


def test_processes_at_once(server, tmp_path):
    command = [sys.executable, "-c", PROGRAM, f"{server.url}/steady", str(tmp_path / "f"), MD5]
    running = [subprocess.Popen(command) for _ in range(2)]
    assert [process.wait(30) for process in running] == [0, 0]
    assert (tmp_path / "f").read_bytes() == BODY
    assert [p.name for p in tmp_path.iterdir()] == ["f"]


# --- the cache, and what "imagenet" and "auto" make of it ---


def npz(seed=0):
    """A narrow VGG19 as the bytes of an .npz file."""
    rng, inputs, arrays = np.random.default_rng(seed), 3, {}
    for layer in weights.VGG19_LAYERS:
        arrays[f"{layer}/kernel"] = rng.normal(size=(3, 3, inputs, 4)).astype(np.float32)
        arrays[f"{layer}/bias"] = np.zeros(4, np.float32)
        inputs = 4
    file = io.BytesIO()
    np.savez(file, **arrays)
    return file.getvalue()


@pytest.fixture
def cache(tmp_path, monkeypatch):
    """Keras' cache in a folder of the test's own; the file expected there is `npz()`."""
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "home"))
    monkeypatch.setattr(weights, "IMAGENET_FILE", "tiny.npz")
    monkeypatch.setattr(weights, "IMAGENET_MD5", hashlib.md5(npz()).hexdigest())
    monkeypatch.setattr(weights, "IMAGENET_BASE", "http://127.0.0.1:1/")
    return tmp_path / "home" / "models" / "tiny.npz"


@pytest.fixture
def shipped(tmp_path, monkeypatch):
    """A package whose 8-bit network is `npz(1)`."""
    (tmp_path / "package" / "data").mkdir(parents=True)
    (tmp_path / "package" / "data" / weights.SHIPPED_FILE).write_bytes(npz(1))
    monkeypatch.setattr(weights.importlib.resources, "files", lambda name: tmp_path / "package")
    monkeypatch.setattr(weights, "SHIPPED_SHA256", hashlib.sha256(npz(1)).hexdigest())


@pytest.fixture
def tiny(server, monkeypatch):
    """The server has the file that `cache` expects."""

    def send(handler):
        handler.head(len(npz()))
        handler.wfile.write(npz())

    monkeypatch.setattr(Handler, "get_tiny.npz", send, raising=False)
    return server.url


def test_imagenet_from_the_cache(cache, server):
    cache.parent.mkdir(parents=True)
    cache.write_bytes(npz())
    found = weights.load("imagenet", base=server.url)
    assert (found.kind, found.name) == ("imagenet", "tiny.npz")
    assert found.digest == hashlib.sha256(npz()).hexdigest()
    assert not server.asked


@pytest.mark.parametrize("end", ["", "/"])
def test_imagenet_downloaded(cache, tiny, end):
    said = []
    assert weights.load("imagenet", base=tiny + end, report=said.append).kind == "imagenet"
    assert cache.read_bytes() == npz()
    assert said


def test_base_as_a_module_constant(cache, tiny, monkeypatch):
    monkeypatch.setattr(weights, "IMAGENET_BASE", tiny)
    assert weights.load("imagenet").kind == "imagenet"


def test_damaged_cache_is_replaced(cache, tiny):
    cache.parent.mkdir(parents=True)
    cache.write_bytes(npz()[:1000])
    assert weights.load("imagenet", base=tiny).kind == "imagenet"
    assert cache.read_bytes() == npz()


def test_damaged_cache_that_cannot_be_replaced(cache, server):
    cache.parent.mkdir(parents=True)
    cache.write_bytes(b"cut off")
    with pytest.raises(InputError) as caught:
        weights.load("imagenet", base=f"{server.url}/absent")
    text = str(caught.value)
    assert f"{cache} is damaged (md5 {hashlib.md5(b'cut off').hexdigest()}" in text
    assert "404" in text
    assert cache.read_bytes() == b"cut off"


def test_imagenet_is_strict_and_says_what_to_do(cache, server):
    with pytest.raises(InputError, match="404 Not Found") as caught:
        weights.load("imagenet", base=f"{server.url}/absent")
    assert str(caught.value).endswith(
        f"put tiny.npz into {cache.parent} yourself, or use --weights=imagenet-8bit"
    )


def test_cache_that_cannot_be_read(cache, server, shipped):
    cache.mkdir(parents=True)
    with pytest.raises(InputError, match="cannot be read"):
        weights.load("imagenet", base=server.url)
    assert weights.load("auto").kind == "imagenet-8bit"


def test_auto_takes_what_keras_has_in_its_cache(cache, shipped):
    cache.parent.mkdir(parents=True)
    cache.write_bytes(npz())
    assert weights.load("auto").kind == "imagenet"


@pytest.mark.parametrize("cached", [None, b"", b"cut off", npz()[:1000]])
def test_auto_takes_the_shipped_network_without_a_word_or_a_connection(
    cache, shipped, server, monkeypatch, caplog, cached
):
    monkeypatch.setattr(weights, "IMAGENET_BASE", server.url)
    if cached is not None:
        cache.parent.mkdir(parents=True)
        cache.write_bytes(cached)
    found = weights.load("auto", fetch=lambda *a, **b: pytest.fail("it asks the network"))
    assert (found.kind, found.name) == ("imagenet-8bit", weights.SHIPPED_FILE)
    assert found.digest == hashlib.sha256(npz(1)).hexdigest()
    assert not server.asked
    assert not caplog.records
    assert (cache.read_bytes() if cached is not None else None) == cached


def test_cache_is_where_keras_has_it(monkeypatch, tmp_path):
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    assert weights._cache() == tmp_path / "models"
    monkeypatch.delenv("KERAS_HOME")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert weights._cache() == tmp_path / ".keras" / "models"
