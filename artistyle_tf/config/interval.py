"""How often something is written during a run: every n iterations, or by time. No TensorFlow."""

import re
import time

from artistyle_tf.errors import ConfigError

__all__ = ["Cadence"]

_SECONDS = re.compile(r"(\d+(?:\.\d+)?)s")


class Cadence:
    """Decides after which iterations of a run something is due.

    Args:
      every: iterations, or seconds as text, like "60s".
      name: the setting's name, for messages.
      first: with a time interval, also due that many seconds after the first iteration checked.

    Raises:
      ConfigError: neither of these; the message begins with the name.

    >>> [n for n in range(1, 10) if Cadence(3).due(n)]
    [3, 6, 9]
    """

    def __init__(self, every: int | str, name: str = "every", first: float | None = None):
        text = str(every)
        seconds = _SECONDS.fullmatch(text)
        self.seconds = float(seconds[1]) if seconds else None
        if not (seconds or text.isdecimal()) or float(text.rstrip("s")) <= 0:
            raise ConfigError(
                f"{name} is {every!r}; it must be a whole number of iterations, 1 or more, "
                "or seconds like 60s"
            )
        self.iterations = None if seconds else int(text)
        self._asked: int | None = None
        self._last = time.monotonic()
        self._first, self._early = first, float("inf")

    def due(self, iteration: int) -> bool:
        """Whether it is due after that iteration, counted from 1, or became so since the last call;
        if by time, since it last was."""
        if self.iterations is not None:
            before = iteration - 1 if self._asked is None else self._asked
            self._asked = iteration
            return iteration // self.iterations > before // self.iterations
        assert self.seconds is not None
        now = time.monotonic()
        if self._first is not None:
            self._early, self._first = now + self._first, None
        if now < min(self._last + self.seconds, self._early):
            return False
        self._last, self._early = now, float("inf")
        return True
