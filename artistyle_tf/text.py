"""Text for people: one-line messages, times, sizes, and settings as written in flags."""

import math
from typing import Any


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


def flag_text(value: Any) -> str:
    """A setting as written in its flag, in full precision; None is empty.

    >>> flag_text((("block1_conv1", 0.2), ("block4_conv1", 1.0)))
    'block1_conv1:0.2,block4_conv1:1'
    >>> flag_text((640, 480)), flag_text((0.7, 0.3)), flag_text(60.0), flag_text("auto")
    ('640x480', '0.7,0.3', '60', 'auto')
    """
    if isinstance(value, tuple):
        if value and all(isinstance(item, int) for item in value):
            return "x".join(map(str, value))
        return ",".join(
            f"{item[0]}:{flag_text(item[1])}" if isinstance(item, tuple) else flag_text(item)
            for item in value
        )
    if isinstance(value, float):
        return repr(value).removesuffix(".0")
    return "" if value is None else str(value)
