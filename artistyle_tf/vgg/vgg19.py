"""Names and positions of VGG19's convolutions (Simonyan and Zisserman 2014)."""

VGG19_LAYERS: tuple[str, ...] = tuple(
    f"block{block}_conv{conv}"
    for block, count in enumerate((2, 2, 4, 4, 4), start=1)
    for conv in range(1, count + 1)
)

WIDTHS = (64, 128, 256, 512, 512)
"""Filters of the convolutions in each block."""


def block_of(layer: str) -> int:
    """The layer's block, counted from 1.

    >>> block_of("block4_conv2")
    4
    """
    return int(layer.removeprefix("block").split("_")[0])


def stride(layer: str) -> int:
    """Pixels between adjacent positions of a layer, doubled by each pooling.

    >>> stride("block1_conv2"), stride("block4_conv1")
    (1, 8)
    """
    return 2 ** (block_of(layer) - 1)


def contexts(deepest: str) -> dict[int, int]:
    """Block → pixels of context around a core that its input needs, for blocks up to `deepest`.

    A 3×3 convolution needs one position more on each side, `stride` pixels; pooling needs none,
    since cores are aligned to it. Before a pooling, each context is an even number of the block's
    positions, as its convolutions are even in number and later ones count double. So crops align.

    >>> contexts("block5_conv1")
    {1: 70, 2: 68, 3: 64, 4: 48, 5: 16}
    """
    names = VGG19_LAYERS[: VGG19_LAYERS.index(deepest) + 1]
    return {
        block: sum(stride(name) for name in names if block_of(name) >= block)
        for block in range(1, block_of(deepest) + 1)
    }


CELL = 16
"""Side of a pooling cell: four poolings leave one position of 16 px. Rows beyond the last whole
cell reach only the first blocks, and an optimizer fills them with garbage."""

STYLE_LAYERS = ("block1_conv1", "block2_conv1", "block3_conv1", "block4_conv1", "block5_conv1")
"""The style layers of Gatys et al. 2015."""
