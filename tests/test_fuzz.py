"""Files that lie: mutated pictures, weights and checkpoints are read, or refused in one line."""

import contextlib
import io
import os
import random
import time

import numpy as np
import pytest
import tifffile
from PIL import Image

from artistyle_tf import Checkpoints, InputError
from artistyle_tf.images.read import read, read_record
from artistyle_tf.images.write import write
from artistyle_tf.vgg.weights import load

MANY = int(os.environ.get("ARTISTYLE_FUZZ", "0")) or 600
"""Mutants of pictures in all; docs/notes/reliability.md tells of 20000."""
SECONDS = 5.0
"""Of computing, not by the clock: what else the machine does is no fault of the file."""


def mutated(data, chance):
    """The bytes with some of them changed, cut out, doubled, or the end missing."""
    data = bytearray(data)
    for _ in range(chance.choice([1, 1, 2, 4, 16])):
        where = chance.randrange(len(data))
        kind = chance.randrange(6)
        if kind == 0:
            data[where] ^= 1 << chance.randrange(8)
        elif kind == 1:
            data[where] = chance.choice([0, 1, 127, 128, 255])
        elif kind == 2:
            data[where : where + 4] = chance.randbytes(4)
        elif kind == 3:
            del data[where : where + chance.randrange(1, 40)]
        elif kind == 4:
            data[where:where] = data[where : where + chance.randrange(1, 40)]
        else:
            del data[max(where, 8) :]
        data = data or bytearray(b"\0")
    return bytes(data)


def read_picture(path):
    with contextlib.suppress(InputError):  # that of the picture is checked
        read_record(path)
    picture = read(path)
    assert picture.rgb.dtype in (np.uint8, np.float32)
    assert (picture.rgb.ndim, picture.rgb.shape[2]) == (3, 3)


def read_checkpoint(path):
    """Just as it was written, or passed over."""
    checkpoints = Checkpoints(path.parent, resume=True)
    try:
        saved = checkpoints.begin({"seed": 1})
    finally:
        checkpoints.close()
    if saved is None:
        assert "can't be used" in checkpoints.notes[0]
        raise InputError("passed over")
    assert saved.header["level"] == 0
    for one, other in zip(saved.arrays, checkpoint_arrays(), strict=True):
        np.testing.assert_array_equal(one, other)


def checkpoint_arrays():
    return [np.arange(500.0), np.float32(2)]


@pytest.fixture
def seeds(tmp_path, small_file):
    """Name of a file → whole files."""
    rng = np.random.default_rng(0)
    y, x = np.mgrid[:24, :32]
    smooth = Image.fromarray(np.stack([x * 8, y * 10, (x + y) * 4], -1).astype(np.uint8))
    noise = Image.fromarray(rng.integers(0, 256, (20, 21, 4), np.uint8))
    kinds = {
        "PNG": {},
        "JPEG": {"exif": b"Exif\0\0II*\0\x08\0\0\0\0\0"},
        "TIFF": {"compression": "tiff_lzw"},
        "WEBP": {"lossless": True},
        "GIF": {},
    }
    files = []
    for image in (smooth, noise, smooth.convert("L"), smooth.convert("P")):
        for kind, options in kinds.items():
            file = io.BytesIO()
            (image.convert("RGB") if kind == "JPEG" else image).save(file, kind, **options)
            files.append(file.getvalue())
    record = {"config": {"size": 64}, "notes": ["a" * 50], "weights": {"kind": "preview"}}
    deep = rng.uniform(0, 255, (20, 21, 3)).astype(np.float32)
    for name, depth in (("a.png", 16), ("a.tif", 16), ("a.tif", 32)):
        write(tmp_path / name, deep, alpha=deep[..., 0], record=record, depth=depth)
        files.append((tmp_path / name).read_bytes())
    for compression in ("lzw", "zlib"):
        file = io.BytesIO()
        tifffile.imwrite(file, deep / 255, photometric="rgb", compression=compression)
        files.append(file.getvalue())
    checkpoints = Checkpoints(tmp_path)
    checkpoints.begin({"seed": 1})
    checkpoints.save(3, {"level": 0}, checkpoint_arrays())
    checkpoints.close()
    (checkpoint,) = tmp_path.glob("artistyle-*.npz")
    return {
        "picture": files,
        "weights.npz": [small_file.read_bytes()],
        checkpoint.name: [checkpoint.read_bytes()],
    }


def test_mutants(seeds, tmp_path):
    chance = random.Random(1)
    readers = (read_picture, lambda path: load(str(path)), read_checkpoint)
    for (name, files), reader, share in zip(seeds.items(), readers, (1, 4, 4), strict=True):
        path, taken, count = tmp_path / name, 0, MANY // share
        for index in range(count):
            path.write_bytes(mutated(files[index % len(files)], chance))
            began, told = time.thread_time(), "."
            try:
                reader(path)
                taken += 1
            except InputError as error:
                told = str(error)
            assert told
            assert "\n" not in told
            assert time.thread_time() - began < SECONDS
        print(f"{name}: read {taken} of {count}")
        assert taken < 0.95 * count
        assert name != "picture" or taken > 0.1 * count  # many get past the header
