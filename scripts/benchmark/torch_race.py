#!/usr/bin/env python3
"""What benchmark.py races against: style transfer as most programs have it, in eager PyTorch.

Written for the race, from Gatys et al. 2015: one size, white noise or the photo to start from, and
torch.optim.LBFGS with unit steps and 100 correction pairs. VGG19's ReLU features F (N channels, M
positions), max pooling, zeros beyond the borders:

    α mean((F - P)²) at block4_conv2 + β Σ mean((G/NM - A/NM)²) at block1_conv1 ... block5_conv1

It needs torch, numpy, pillow and h5py. The trace has [evaluations, seconds, objective, objective of
the picture as a file would hold it]; the last every tenth time, without which it repeats.
"""

import argparse
import json
import time

import h5py
import numpy as np
import torch
from PIL import Image
from torch.nn.functional import conv2d, max_pool2d, relu

BGR_MEAN = np.array([103.939, 116.779, 123.68], "float32")
CONTENT, STYLE = "block4_conv2", [f"block{block}_conv1" for block in range(1, 6)]


def from_file(rgb):
    """uint8 [H, W, 3] RGB → float32 [1, 3, H, W] BGR, mean subtracted."""
    return torch.tensor((rgb[..., ::-1] - BGR_MEAN).transpose(2, 0, 1)[None])


def as_file(image):
    """The way back."""
    bgr = image.detach().cpu().numpy()[0].transpose(1, 2, 0) + BGR_MEAN
    return bgr[..., ::-1].clip(0, 255).round().astype("uint8")


def read(path, longer):
    picture = Image.open(path).convert("RGB")
    sides = [max(16, round(side * longer / max(picture.size))) for side in picture.size]
    return from_file(np.array(picture.resize(sides, Image.Resampling.LANCZOS)))


def network(path):
    """Layer → (kernel, bias), in order, from a file in Keras' layout."""
    with h5py.File(path) as file:
        groups = {name: file[f"{name}/{name}"] for name in sorted(file)}
        return {
            name: (
                torch.tensor(group["kernel:0"][()].transpose(3, 2, 0, 1)),
                torch.tensor(group["bias:0"][()]),
            )
            for name, group in groups.items()
        }


def activations(image, layers):
    found, block = {}, "block1"
    for name, (kernel, bias) in layers.items():
        if not name.startswith(block):
            image, block = max_pool2d(image, 2), name[:6]
        image = found[name] = relu(conv2d(image, kernel, bias, padding=1))
    return found


def gram(features):
    rows = features[0].flatten(1)
    return rows @ rows.T / rows.numel()


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    for name in ("content", "style", "weights", "output", "trace"):
        parser.add_argument(f"--{name}", required=True)
    for name, default in (("size", 256), ("evaluations", 300), ("seed", 0)):
        parser.add_argument(f"--{name}", type=int, default=default)
    for name, default in (("content_weight", 1.0), ("style_weight", 1000.0)):
        parser.add_argument(f"--{name}", type=float, default=default)
    parser.add_argument("--init", choices=("content", "noise"), default="content")
    parser.add_argument("--device", default="cpu", help="cpu, cuda or mps (cpu)")
    asked = parser.parse_args()
    torch.set_default_device(asked.device)
    layers = network(asked.weights)
    content, style = (read(path, asked.size) for path in (asked.content, asked.style))
    with torch.no_grad():
        wanted = activations(content, layers)[CONTENT]
        painted = activations(style, layers)
        grams = {name: gram(painted[name]) for name in STYLE}

    def objective(image):
        features = activations(image, layers)
        moved = (features[CONTENT] - wanted).square().mean()
        apart = sum((gram(features[name]) - grams[name]).square().mean() for name in STYLE)
        return asked.content_weight * moved + asked.style_weight * apart

    image = content
    if asked.init == "noise":
        noise = np.random.default_rng(asked.seed).uniform(-60, 60, (*content.shape[2:], 3))
        image = torch.tensor(noise.astype("float32").transpose(2, 0, 1)[None])
    image = image.clone(memory_format=torch.contiguous_format).requires_grad_()
    most = asked.evaluations  # one iteration more would move the picture on without looking at it
    optimizer = torch.optim.LBFGS(
        [image], 1, max_iter=most + 1, max_eval=most, tolerance_grad=0, tolerance_change=0
    )
    trace, began, scoring, saved = [], time.perf_counter(), 0.0, 0.0

    def evaluate():
        nonlocal scoring, saved
        optimizer.zero_grad()
        value = objective(image)
        value.backward()
        now = time.perf_counter()
        if len(trace) % 10 == 0:
            with torch.no_grad():
                saved = float(objective(from_file(as_file(image))))
        trace.append([len(trace) + 1, now - began - scoring, float(value.detach()), saved])
        scoring += time.perf_counter() - now
        return value

    optimizer.step(evaluate)
    Image.fromarray(as_file(image)).save(asked.output)
    with open(asked.trace, "w") as file:
        json.dump(trace, file)


if __name__ == "__main__":
    main()
