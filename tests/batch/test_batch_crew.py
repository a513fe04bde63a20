"""What is said of Ray's errors, in one line. No Ray."""

import pytest

from artistyle_tf.batch.crew import _refusal, _why


def raised(error, cause):
    try:
        raise error from cause
    except type(error) as caught:
        return caught


def test_a_cluster_that_asks_for_a_token_is_told_from_others():
    cause = RuntimeError("Failed to connect: RPC error: InvalidAuthToken: it is missing")
    assert "requires a token" in _refusal(raised(ConnectionError("Failed to connect"), cause))
    assert _refusal(ConnectionError("Failed\nto connect")) == "Failed to connect"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (
            "The actor died.\n Worker exit detail: Worker unexpectedly exits with a connection "
            "error code 2. End of file. Some common causes include: (1) a",
            "its process ended without an error: killed, perhaps for lack of memory, or crashed",
        ),
        ("Worker exit detail: Node is lost. Some common causes include", "Node is lost."),
        ("odd " * 100, ("odd " * 50)),
    ],
)
def test_why_a_worker_died(text, told):
    assert _why(RuntimeError(text)) == told
