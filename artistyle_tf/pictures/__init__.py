"""Pictures as arrays: reading and writing files, sizes, masks, colours. No TensorFlow."""

__all__: list[str] = []
