"""The report of a run: a single HTML file, built from plain values. No TensorFlow."""
