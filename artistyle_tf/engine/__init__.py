"""Everything fixed before the first iteration: pictures, canvas, targets, start."""

__all__: list[str] = []
