"""The names of VGG19's convolutions (Simonyan and Zisserman 2014), and where they stand."""

__all__ = ["VGG19_LAYERS", "block_of", "stride"]

VGG19_LAYERS: tuple[str, ...] = tuple(
    f"block{block}_conv{conv}"
    for block, count in enumerate((2, 2, 4, 4, 4), start=1)
    for conv in range(1, count + 1)
)


def block_of(layer: str) -> int:
    """From 1.

    >>> block_of("block4_conv2")
    4
    """
    return int(layer.removeprefix("block").split("_")[0])


def stride(layer: str) -> int:
    """Pixels between two positions of a layer: the pooling between two blocks doubles it.

    >>> stride("block1_conv2"), stride("block4_conv1")
    (1, 8)
    """
    return 2 ** (block_of(layer) - 1)
