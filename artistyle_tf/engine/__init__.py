"""A run: its problem, its levels, the optimisation (`optimize`), checkpoints, and what it tells."""

__all__: list[str] = []
