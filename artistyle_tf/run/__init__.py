"""The run, from a scene to a painting, and what keeps it safe."""

__all__: list[str] = []
