"""The report of a run: one HTML file, made of plain values. No TensorFlow."""

__all__: list[str] = []
