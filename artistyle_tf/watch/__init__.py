"""Who looks on while a run goes: progress line, previews, TensorBoard."""

__all__: list[str] = []
