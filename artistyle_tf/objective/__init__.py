"""Image → value and gradient: the losses, at once or in tiles."""

__all__: list[str] = []
