"""Strangers' text, such as file names and errors, made fit for one-line messages."""

__all__ = ["one_line", "reason"]


def one_line(text: str) -> str:
    """`text` fit for a one-line message: what can't be printed is escaped."""
    return "".join(c if c.isprintable() else ascii(c)[1:-1] for c in text)


def reason(error: BaseException) -> str:
    """What went wrong, in at most 200 characters: what the system says, without the file's name."""
    text = error.strerror if isinstance(error, OSError) else None
    return one_line(" ".join((text or str(error) or type(error).__name__).split()))[:200]
