"""Files that lie: mutated pictures, weights and checkpoints are read, or refused in one line."""

import io
import json
import os
import random
import time

import numpy as np
import tifffile
from PIL import Image

from artistyle_tf import Checkpoints, InputError
from artistyle_tf.images import deep_encode
from artistyle_tf.images.read import read, read_record
from artistyle_tf.images.write import write
from artistyle_tf.vgg.weights import load

MANY = int(os.environ.get("ARTISTYLE_FUZZ", "0")) or 1000
"""Inputs in all to the picture reader; docs/reliability.md tells of 20000."""
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
            piece = data[where : where + chance.randrange(1, 40)]
            data[where:where] = piece
        else:
            del data[max(where, 8) :]
        data = data or bytearray(b"\0")
    return bytes(data)


def picture_seeds():
    rng = np.random.default_rng(0)
    y, x = np.mgrid[:24, :32]
    smooth = np.stack([x * 8, y * 10, (x + y) * 4], -1).astype(np.uint8)
    seeds = []
    for image in (
        Image.fromarray(smooth),
        Image.fromarray(rng.integers(0, 256, (20, 21, 4), np.uint8)),
        Image.fromarray(smooth[..., 0]),
        Image.fromarray(smooth).convert("P"),
    ):
        for kind, options in (
            ("PNG", {}),
            ("JPEG", {"exif": b"Exif\0\0II*\0\x08\0\0\0\0\0"}),
            ("TIFF", {"compression": "tiff_lzw"}),
            ("WEBP", {"lossless": True}),
            ("GIF", {}),
        ):
            file = io.BytesIO()
            (image.convert("RGB") if kind == "JPEG" else image).save(file, kind, **options)
            seeds.append(file.getvalue())
    deep = rng.integers(0, 65536, (20, 21, 4), np.uint16)
    seeds += [deep_encode.png(deep, None), deep_encode.tiff(deep)]
    file = io.BytesIO()
    tifffile.imwrite(file, deep[..., :3].astype(np.float32) / 65535, photometric="rgb")
    return [*seeds, file.getvalue(), deep_encode.tiff(deep.astype(np.float32))]


def check(reader, path, share):
    """Reads or refuses in one line, in time; whether it was read."""
    began, told = time.thread_time(), "."
    try:
        reader(path)
        share[0] += 1
    except InputError as error:
        told = str(error)
    assert told
    assert "\n" not in told
    assert time.thread_time() - began < SECONDS
    share[1] += 1


def test_mutated_pictures(tmp_path):
    chance, share = random.Random(1), [0, 0]
    seeds, path = picture_seeds(), tmp_path / "mutant"
    for index in range(MANY):
        path.write_bytes(mutated(seeds[index % len(seeds)], chance))

        def reader(path):
            picture = read(path)
            assert picture.rgb.dtype in (np.uint8, np.float32)
            assert picture.rgb.ndim == 3
            assert picture.rgb.shape[2] == 3

        check(reader, path, share)
    print(f"read: {share[0]} of {share[1]}")
    assert 0.1 < share[0] / share[1] < 0.95  # many get past the header, and many don't


def test_mutated_records(tmp_path):
    chance, share = random.Random(2), [0, 0]
    good, path = tmp_path / "good.png", tmp_path / "mutant.png"
    record = {"config": {"size": 64}, "notes": ["a" * 50], "weights": {"kind": "preview"}}
    write(good, np.zeros((20, 20, 3), np.uint8), record=record)
    for _ in range(MANY // 4):
        path.write_bytes(mutated(good.read_bytes(), chance))
        check(read_record, path, share)
    assert share[1] == MANY // 4


def test_mutated_hdf5(small_arrays, tmp_path):
    """Read by a process of their own: of 8000 such files, of HDF5's newer format, nine crashed
    the library and one made it spin. How long that process may take is its own parent's affair."""
    import h5py

    chance, share = random.Random(5), [0, 0]
    good, path = tmp_path / "good.h5", tmp_path / "mutant.h5"
    with h5py.File(good, "w", libver="latest") as file:
        for layer, (kernel, bias) in small_arrays.items():
            group = file.create_group(f"layers/{layer}/vars")
            group["0"], group["1"] = kernel, bias
    for _ in range(max(MANY // 50, 20)):
        path.write_bytes(mutated(good.read_bytes(), chance))
        check(lambda path: load(str(path)), path, share)
    print(f"read: {share[0]} of {share[1]}")
    assert share[0] < share[1]


def test_mutated_weights(small_file, tmp_path):
    chance, share = random.Random(3), [0, 0]
    path, good = tmp_path / "mutant.npz", small_file.read_bytes()
    for _ in range(MANY // 4):
        path.write_bytes(mutated(good, chance))
        check(lambda path: load(str(path)), path, share)
    assert share[1] == MANY // 4


def test_mutated_checkpoints(tmp_path):
    """Read just as it was written, or passed over."""
    chance, path = random.Random(4), tmp_path / "artistyle-00000003-000001.npz"
    arrays = [np.arange(500.0), np.float32(2)]
    first = Checkpoints(tmp_path)
    first.begin({"seed": 1})
    first.save(3, {"level": 0}, arrays)
    first.close()
    good, same = path.read_bytes(), 0
    for _ in range(MANY // 4):
        path.write_bytes(mutated(good, chance))
        checkpoints = Checkpoints(tmp_path, resume=True)
        began, told = time.thread_time(), ""
        try:
            saved = checkpoints.begin({"seed": 1})
        except InputError as error:  # a header that can be read and is of another run
            told = str(error)
        finally:
            checkpoints.close()
        assert time.thread_time() - began < SECONDS
        if told:
            assert "\n" not in told
            continue
        if saved is None:
            assert "can't be used" in checkpoints.notes[0]
            continue
        same += 1
        assert json.dumps(saved.header["level"]) == "0"
        for one, other in zip(saved.arrays, arrays, strict=True):
            np.testing.assert_array_equal(one, other)
    assert same < MANY // 8
