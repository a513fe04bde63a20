"""The run, from a scene to a painting, including checkpoints and recovery."""

__all__: list[str] = []
