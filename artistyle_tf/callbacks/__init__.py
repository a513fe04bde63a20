"""Callbacks that follow a run: progress, previews, TensorBoard, the log for reports."""
