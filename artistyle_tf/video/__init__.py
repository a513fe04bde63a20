"""Clips painted frame by frame: the command `artistyle-video`. OpenCV and PyAV for it alone."""

__all__: list[str] = []
