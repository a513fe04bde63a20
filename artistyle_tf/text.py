"""Makes untrusted text, such as file names and errors, fit for one-line messages."""

import math

__all__ = ["one_line", "reason"]


def one_line(text: str) -> str:
    """`text` as one line, with unprintable characters escaped."""
    return "".join(c if c.isprintable() else ascii(c)[1:-1] for c in text)


def reason(error: BaseException) -> str:
    """The reason in at most 200 characters: the system's message without the file's name."""
    text = error.strerror if isinstance(error, OSError) else None
    return one_line(" ".join((text or str(error) or type(error).__name__).split()))[:200]


def clock(seconds: float) -> str:
    """Seconds as m:ss, or h:mm:ss.

    >>> clock(75.2), clock(3700), clock(float("nan"))
    ('1:15', '1:01:40', '?:??')
    """
    if math.isnan(seconds):
        return "?:??"
    minutes, second = divmod(round(seconds), 60)
    hours, minute = divmod(minutes, 60)
    return f"{hours}:{minute:02}:{second:02}" if hours else f"{minute}:{second:02}"


def gigabytes(count: float) -> str:
    """A human-readable size.

    >>> gigabytes(7.26e9)
    '7.3 GB'
    """
    return f"{count / 1e9:.1f} GB"
