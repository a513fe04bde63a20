"""Image → value and gradient: the losses, computed whole or in tiles."""

__all__: list[str] = []
