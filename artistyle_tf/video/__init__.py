"""Paints videos frame by frame: the command `artistyle-video`. Only this uses OpenCV and PyAV."""
