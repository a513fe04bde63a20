"""What a user may set: `Config`, the presets, and what is wrong with a setting. No TensorFlow."""

__all__: list[str] = []
