"""Pictures as arrays: from files and into files, sizes, masks, colours. No TensorFlow."""

__all__: list[str] = []
