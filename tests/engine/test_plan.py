"""Plans: what fits, the fastest way that does, and what is said when nothing does."""

import pytest

from artistyle_tf.config.config import Config
from artistyle_tf.engine.plan import (
    FEWEST_PAIRS,
    TILES,
    Level,
    Room,
    estimate,
    make_plan,
    plan_note,
)
from artistyle_tf.errors import ArtistyleError
from artistyle_tf.vgg.vgg19 import VGG19_LAYERS, block_of

FULL = {name: (64, 128, 256, 512, 512)[block_of(name) - 1] for name in VGG19_LAYERS}
GB = 10**9
SIZE = (3072, 4096)


def plan(config, size=SIZE, free=None, channels=FULL, itemsize=4):
    return make_plan(config, size, channels, itemsize, Room(free, GB))


def test_all_at_once_where_there_is_room_or_nobody_knows():
    config = Config(optimizer="lbfgs")
    for free in (10**13, None):
        assert plan(config, free=free)[:2] == (0, config.history)


@pytest.mark.parametrize("free", [8, 12, 20, 30])
def test_what_is_planned_fits_and_the_next_faster_way_does_not(free):
    config = Config(optimizer="lbfgs")
    found = plan(config, free=free * GB)
    assert found.estimate <= GB + 0.85 * free * GB
    assert found.tile in (0, *TILES)
    if found.tile < TILES[0]:
        larger = TILES[TILES.index(found.tile) - 1]
        assert GB + estimate(config, SIZE, FULL, 4, larger, found.history) > GB + 0.85 * free * GB
    if found.history < config.history:
        more = estimate(config, SIZE, FULL, 4, TILES[-1], min(2 * found.history, config.history))
        assert GB + more > GB + 0.85 * free * GB


def test_the_least_memory_is_the_smallest_tile_with_fewest_pairs_and_then_an_error():
    config = Config(optimizer="lbfgs")
    least = GB + estimate(config, SIZE, FULL, 4, TILES[-1], FEWEST_PAIRS)
    just = int((least - GB) / 0.85) + 1
    assert plan(config, free=just)[:2] == (TILES[-1], FEWEST_PAIRS)
    with pytest.raises(ArtistyleError, match=r"4096×3072 px would take about .* GB of memory") as e:
        plan(config, free=just // 2)
    longer = int(str(e.value).split("--size=")[1].split()[0])
    assert 16 < longer < 4096
    assert plan(config, (longer * 3 // 4, longer), free=just // 2).estimate
    with pytest.raises(ArtistyleError, match="not even a small one fits"):
        plan(config, free=1000)


def test_a_tile_that_is_asked_for_is_taken_and_a_picture_within_it_is_whole():
    assert plan(Config(tile_size=256), free=GB).tile == 256
    assert plan(Config(tile_size=0), free=GB).tile == 0
    assert plan(Config(tile_size=512), (300, 512), free=GB).tile == 0


def test_fewer_channels_and_smaller_numbers_take_less():
    config, size = Config(optimizer="lbfgs"), (1024, 1024)
    narrow = {name: count // 4 for name, count in FULL.items()}
    sizes = [
        estimate(config, size, channels, itemsize, 0, 5)
        for channels, itemsize in ((FULL, 4), (FULL, 2), (narrow, 4))
    ]
    assert sizes[0] > sizes[1] > sizes[2]
    # The pairs of L-BFGS: two vectors each, three bfloat16 a pixel.
    more = estimate(config, size, FULL, 4, 0, 15) - sizes[0]
    assert more == 10 * 2 * 6 * 1024**2


def test_the_note_says_what_is_unusual():
    config = Config(optimizer="lbfgs")
    assert plan_note(config, Level(SIZE, 9, plan(config))) is None
    note = plan_note(config, Level(SIZE, 9, plan(config, free=8 * GB)))
    assert note.startswith("4096×3072 px is computed in tiles of ")
    assert " instead of 50: about " in note


def test_masks_take_memory_too():
    """Measured at 1024×768 in bfloat16: 0.46 GB more with two masks than with none."""
    config = Config(optimizer="lbfgs", history=5)
    more = [estimate(config, (768, 1024), FULL, 2, 0, 5, regions) for regions in (0, 2)]
    assert more[1] - more[0] == pytest.approx(0.46 * GB, rel=0.2)


def test_a_call_of_many_iterations_holds_its_pairs_twice():
    config = Config(optimizer="lbfgs", history=50)
    one, two = (estimate(config, SIZE, FULL, 4, 0, 50, states=states) for states in (1, 2))
    assert two - one == 2 * 50 * 3 * 2 * SIZE[0] * SIZE[1]  # bfloat16
    adam = Config(optimizer="adam")
    assert estimate(adam, SIZE, FULL, 4, 0, 50, states=2) == estimate(adam, SIZE, FULL, 4, 0, 50)
