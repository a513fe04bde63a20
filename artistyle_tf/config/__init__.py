"""The settings: `Config`, the presets, and their validation. No TensorFlow."""
