"""Paints a picture by each kind of command, and says what came out: what must not change by itself.

    python tests/record_pictures.py FOLDER [--only=NAME,NAME]   paints, prints SHA-256 and name
    python tests/record_pictures.py FOLDER --write              and takes that for right here

Files are equal byte for byte only where processor and libraries are; `recorded.json` therefore has
their checksums by machine, and the mean colours of a few fields for every other machine.
"""

import argparse
import hashlib
import importlib.metadata
import json
import os
import pathlib
import platform

import numpy as np
from PIL import Image

HERE = pathlib.Path(__file__).resolve().parent
SAMPLES = HERE.parent / "artistyle_tf" / "samples"
RECORDED = HERE / "recorded.json"
LIBRARIES = ("tensorflow", "tensorflow-probability", "keras", "numpy", "pillow")
FIELDS = 4

SMALL = "--weights=preview --size=96 --iterations=6 --coarsest=48"
COMMANDS = {
    "artistyle": SMALL,
    "fast": f"--preset=fast {SMALL}",
    "large": f"--preset=large {SMALL}",
    "paper": f"--preset=paper {SMALL}",
    "gatys": f"--preset=gatys-pytorch {SMALL}",
    "neural": f"--preset=neural-style {SMALL}",
    "network": "--preset=fast --weights=imagenet-8bit --size=96 --iterations=5",
    "tfp_network": "--weights=imagenet-8bit --size=64 --iterations=3",
    "crowson": f"--preset=crowson {SMALL} --finer_iterations=3",
    "w2": f"--preset=fast --statistics=w2 {SMALL}",
    "zeros": f"--preset=fast --padding=zeros --carry=picture {SMALL}",
    "adam": f"--optimizer=adam {SMALL}",
    "bfloat16": f"--preset=fast --precision=bfloat16 {SMALL}",
    "float32": f"--preset=fast --precision=float32 {SMALL}",
    "tiles": "--preset=fast --weights=preview --size=160 --iterations=6 --tile_size=64",
    "odd": "--preset=fast --weights=preview --size=101 --iterations=6 --coarsest=32 --seed=3",
    "texture": f"--preset=fast --task=texture {SMALL.replace('=96', '=96x64')}",
    "reconstruct": f"--preset=fast --task=reconstruct {SMALL}",
    "luminance": f"--preset=fast --color=luminance {SMALL}",
    "match": f"--preset=fast --color=match {SMALL}",
    "cholesky": f"--preset=fast --color=cholesky {SMALL}",
    "histogram": f"--preset=fast --color=histogram {SMALL}",
    "balance": f"--balance=0.5 --optimizer=lbfgs {SMALL}",
    "blend": f"--preset=fast --style_blend=0.7,0.3 --style_scale=0.6 {SMALL}",
    "weights": f"--preset=fast --strength=0.7 --tv_weight=0.1 --gamut_weight=1 {SMALL}",
    "layers": f"--preset=fast --style_layers=block1_conv1:1,block3_conv1:0.5 {SMALL}",
    "grey": f"--init=grey --optimizer=lbfgs --levels=2 {SMALL}",
    "from_style": f"--init=style --init_noise=0.3 --noise_amplitude=40 --optimizer=lbfgs {SMALL}",
    "from_file": f"--init={{folder}}/fast.png --optimizer=lbfgs --precondition=0 {SMALL}",
    "masks": f"--preset=fast --content_mask={{folder}}/left.png,{{folder}}/right.png {SMALL}",
    "both_masks": "--preset=fast --content_mask={folder}/left.png,{folder}/right.png"
    f" --style_mask={{folder}}/top.png,{{folder}}/left.png {SMALL}",
    "masked_tiles": "--preset=fast --content_mask={folder}/left.png --tile_size=32"
    " --weights=preview --size=96 --iterations=4",
    "mirrored": "--preset=fast --strategy=mirrored --weights=preview --size=96 --iterations=3",
    "previews": f"--preset=fast --save_every=4 {SMALL}",
    "resumed": f"--preset=fast --checkpoint_dir={{folder}}/kept --save_every=2 {SMALL}",
    "resumed_tfp": f"--checkpoint_dir={{folder}}/kept_tfp --save_every=2 {SMALL}",
    "again": "--rerun={folder}/luminance.png",
    "as_jpeg.jpg": f"--preset=fast {SMALL}",
    "as_webp.webp": f"--preset=fast {SMALL}",
    "as_tiff.tif": f"--preset=fast {SMALL}",
}
"""Name of the picture, .png where it has no ending → flags."""
TWO_STYLES = ("blend", "masks", "both_masks")
NO_CONTENT, NO_STYLE = ("texture",), ("reconstruct",)


def machine() -> str:
    """What has to be equal for equal bytes: libraries, processors and what they can do."""
    versions = [f"{name} {importlib.metadata.version(name)}" for name in LIBRARIES]
    versions.append(f"Python {platform.python_version()}")
    try:
        text = pathlib.Path("/proc/cpuinfo").read_text("utf-8", "replace")
    except OSError:
        text = platform.processor()
    kinds = sorted({line for line in text.splitlines() if line.startswith(("model name", "flags"))})
    digest = hashlib.sha256("\n".join(kinds).encode()).hexdigest()[:16]
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return ", ".join([*versions, platform.machine(), f"{cores} cores", f"cpu {digest}"])


def paint(folder: pathlib.Path, names) -> None:
    """The pictures of these names, painted into the folder."""
    from artistyle_tf.__main__ import main

    _draw_masks(folder)
    for name, text in ((name, COMMANDS[name]) for name in names):
        output = folder / (name if "." in name else f"{name}.png")
        flags = [flag.format(folder=folder) for flag in text.split()]
        if name not in NO_CONTENT:
            flags.append(f"--content={SAMPLES / 'content.jpg'}")
        if name not in NO_STYLE:
            flags.append(f"--style={SAMPLES / 'style.jpg'}")
        if name in TWO_STYLES:
            flags.append(f"--style={SAMPLES / 'content.jpg'}")
        flags.append(f"--output={output}")
        if status := main(flags):
            raise SystemExit(f"{name}: exit status {status}")
        if name.startswith("resumed"):
            _take_back(flags, main)


def painted(folder: pathlib.Path) -> list[pathlib.Path]:
    """All pictures in the folder."""
    return sorted(path for path in folder.iterdir() if path.is_file() and not _mask(path))


def _take_back(flags, main) -> None:
    """Goes on from the last checkpoint but one, as if the run had been killed."""
    (kept,) = (flag.partition("=")[2] for flag in flags if flag.startswith("--checkpoint_dir="))
    newest = max(pathlib.Path(kept).glob("*.npz"), key=lambda path: path.name)
    newest.unlink()
    if status := main([*flags, "--resume"]):
        raise SystemExit(f"resumed: exit status {status}")


def _draw_masks(folder: pathlib.Path) -> None:
    with Image.open(SAMPLES / "content.jpg") as content, Image.open(SAMPLES / "style.jpg") as style:
        (width, height), (style_width, style_height) = content.size, style.size
    ramp = np.repeat(np.linspace(0, 255, width)[None], height, axis=0).astype(np.uint8)
    top = np.zeros((style_height, style_width), np.uint8)
    top[: style_height // 2] = 255
    for name, mask in (("left", 255 - ramp), ("right", ramp), ("top", top)):
        Image.fromarray(mask).save(folder / f"{name}.png")


def _mask(path: pathlib.Path) -> bool:
    return path.stem in ("left", "right", "top")


def checksums(paths) -> dict[str, str]:
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in paths}


def fields(path: pathlib.Path) -> list[int]:
    """Mean colours of a few fields of the picture, rounded."""
    with Image.open(path) as image:
        small = image.convert("RGB").resize((FIELDS, FIELDS), Image.Resampling.BOX)
    return np.asarray(small).ravel().tolist()


def write(paths) -> None:
    kept = json.loads(RECORDED.read_text()) if RECORDED.exists() else {}
    found = {path.name: fields(path) for path in paths}
    if kept.get("fields") != found:
        kept = {"machines": {}}  # other machines, too, would paint other pictures now
    kept["fields"] = found
    kept["machines"][machine()] = checksums(paths)
    for name, values in kept["fields"].items():
        kept["fields"][name] = json.dumps(values)
    lines = json.dumps(kept, indent=1, sort_keys=True).replace('"[', "[").replace(']"', "]")
    RECORDED.write_text(lines + "\n")


def main() -> None:
    parser = argparse.ArgumentParser(description="Record what kinds of commands paint.")
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("--only", default=",".join(COMMANDS), help="names, with commas")
    parser.add_argument("--write", action="store_true", help="take it for right on this machine")
    arguments = parser.parse_args()
    arguments.folder.mkdir(parents=True, exist_ok=True)
    paint(arguments.folder, arguments.only.split(","))
    for name, digest in checksums(painted(arguments.folder)).items():
        print(f"{digest}  {name}")
    if arguments.write:
        write(painted(arguments.folder))


if __name__ == "__main__":
    main()
