"""Image → value and gradient: the losses, computed whole or in tiles."""
