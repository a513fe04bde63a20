"""Which requests reach the page."""

import asyncio

import pytest

from artistyle_tf.web.guard import HEADERS, Guard, is_private

HOST = "localhost:7860"
OWN = f"http://{HOST}"


@pytest.fixture
def ask(tmp_path):
    """A function: headers → (status, headers of the answer) of a guarded application that says 200.
    The folder holds 60 kB of at most 100."""
    (tmp_path / "visit").mkdir()
    (tmp_path / "visit" / "upload").write_bytes(bytes(60_000))

    async def application(scope, receive, send):
        await send({"type": "http.response.start", "status": 200, "headers": []})

    guard = Guard(application, {"localhost"}, str(tmp_path), 100_000)

    def ask(method="GET", **headers):
        sent = []

        async def send(message):
            sent.append(message)

        named = [(k.replace("_", "-").encode(), v.encode()) for k, v in headers.items()]
        scope = {"type": "http", "method": method, "path": "/", "headers": named}
        asyncio.run(guard(scope, None, send))
        return sent[0]["status"], sent[0]["headers"]

    return ask


@pytest.mark.parametrize(
    ("status", "headers"),
    [
        (200, {"host": HOST}),
        (200, {"host": "192.168.1.5:7860", "origin": "http://192.168.1.5:7860"}),
        (200, {"host": "[::1]:7860"}),
        (200, {"host": HOST, "origin": OWN, "sec_fetch_site": "same-origin"}),
        (200, {"host": HOST, "sec_fetch_site": "cross-site", "sec_fetch_mode": "navigate"}),
        (421, {"host": "evil.example:7860", "origin": "http://evil.example:7860"}),  # rebinding
        (421, {}),
        (421, {"host": "[evil"}),
        (403, {"host": HOST, "origin": "https://evil.example"}),
        (403, {"host": HOST, "origin": "http://localhost:9999"}),
        (403, {"host": HOST, "origin": "null"}),
        (403, {"host": HOST, "sec_fetch_site": "same-site", "sec_fetch_mode": "no-cors"}),
    ],
)
def test_only_our_own_page_under_our_own_name_is_answered(ask, status, headers):
    got, answered = ask(**headers)
    assert got == status
    assert set(HEADERS) <= set(answered)  # no framing


def test_uploads_have_a_total_limit(ask):
    own = {"host": HOST, "origin": OWN}
    for status, sent in [
        (200, {"content_length": "100"}),  # an event of the page
        (413, {"content_length": "70000"}),
        (411, {}),
        (411, {"content_length": "many"}),
        (411, {"content_length": "100", "transfer_encoding": "chunked"}),
    ]:
        assert ask("POST", **own, **sent)[0] == status


def test_which_servers_are_private():
    private = ("127.0.0.1", "::1", "localhost", "127.1.2.3")
    for host in (*private, "0.0.0.0", "::", "192.168.1.5", "example.org"):
        assert is_private(host) == (host in private)
