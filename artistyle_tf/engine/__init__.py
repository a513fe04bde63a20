"""A run: its problem, its levels, the optimisation (`optimize`), checkpoints, and what it tells."""
