"""What libtiff says of damaged files itself, past Python's standard error."""

import pathlib
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image, features

pytestmark = pytest.mark.skipif(
    sys.platform == "win32" or not features.check("libtiff"),
    reason="libtiff is inside Pillow, or not there",
)

CODE = """
import sys, threading
from PIL import Image
from artistyle_tf.errors import InputError
from artistyle_tf.images import libtiff, read

Image.init()  # which threads that do it at once can disturb
told = []

def ours(path):
    try:
        read.read(path)
    except InputError as error:
        told.append(str(error))

def pillows(path):
    try:
        with Image.open(path) as image:
            image.load()
    except OSError:
        pass

threads = [threading.Thread(target=ours, args=(path,)) for path in sys.argv[1:]]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
with libtiff.quiet():
    ours(sys.argv[1])  # and one block within another
    pillows(sys.argv[1])
print(*told, sep="\\n")
print("then", file=sys.stderr, flush=True)
pillows(sys.argv[1])
"""


@pytest.fixture
def damaged(tmp_path: pathlib.Path) -> list[pathlib.Path]:
    pixels = np.random.default_rng(0).integers(0, 255, (64, 64, 3), np.uint8)
    paths = []
    for compression in ("tiff_lzw", "tiff_adobe_deflate", "jpeg"):
        path = tmp_path / f"{compression}.tif"
        Image.fromarray(pixels).save(path, compression=compression)
        with Image.open(path) as image:
            (start, *_) = image.tag_v2[273]
        data = bytearray(path.read_bytes())
        for place in range(start + 20, start + 200):
            data[place] ^= 0xA5
        path.write_bytes(data)
        paths.append(path)
    return paths


def test_a_damaged_tiff_gives_one_line_and_no_more(damaged: list[pathlib.Path]) -> None:
    """In the process's own standard error; afterwards others hear of their files as before."""
    command = [sys.executable, "-c", CODE, *map(str, damaged)]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=120)
    before, _, after = done.stderr.partition("then\n")
    assert before == ""
    assert after  # this is what would be seen
    lines = done.stdout.splitlines()
    assert len(lines) == len(damaged) + 1
    assert all("is cut short or damaged" in line for line in lines)
