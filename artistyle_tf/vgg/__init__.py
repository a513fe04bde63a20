"""VGG19: its names, filters and features, and the precision they are computed in."""

__all__: list[str] = []
