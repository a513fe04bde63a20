"""Published programs' objectives in NumPy float64, transcribed for the tests alone.

Nothing of the package is used. Each gives (value, {layer: ∂value/∂F}), F being [h, w, N].
"""

import numpy as np

import reference

STYLE = [f"block{i}_conv1" for i in range(1, 6)]


def gatys_pytorch(features, content, style):
    """PytorchNeuralStyleTransfer: GramMatrix divides by h·w; loss weights [1e3/n²] and [1e0]."""
    value, grads = 0.0, {}
    for name in STYLE:
        F, S = (one.reshape(-1, one.shape[-1]) for one in (features[name], style[name]))
        n = F.shape[1]
        G, A = F.T @ F / F.shape[0], S.T @ S / S.shape[0]
        value += 1e3 / n**2 * np.mean((G - A) ** 2)
        slope = 1e3 / n**2 * 2 * (G - A) / n**2
        grads[name] = (F @ (slope + slope.T) / F.shape[0]).reshape(features[name].shape)
    difference = features["block4_conv2"] - content["block4_conv2"]
    grads["block4_conv2"] = 2 * difference / difference.size
    return value + np.mean(difference**2), grads


def neural_style(features, content, style):
    """neural_style.lua: Gram divided by nElement, nn.MSECriterion, style 1e2, content 5e0."""
    value, grads = 0.0, {}
    for name in STYLE:
        x, s = features[name], style[name]
        G, A = reference.gram(x) / x.size, reference.gram(s) / s.size
        value += 1e2 * np.sum((G - A) ** 2) / G.size
        dG = 1e2 * 2 * (G - A) / G.size / x.size
        flat = x.reshape(-1, x.shape[-1])
        grads[name] = (flat @ dG + flat @ dG.T).reshape(x.shape)
    difference = features["block4_conv2"] - content["block4_conv2"]
    grads["block4_conv2"] = 5e0 * 2 * difference / difference.size
    return value + 5e0 * np.mean(difference**2), grads


def neural_style_tv_gradient(image, strength=1e-3):
    """TVLoss:updateGradInput, with the image [H, W, C] instead of [C, H, W]."""
    grad = np.zeros_like(image)
    x_diff = image[:-1, :-1] - image[:-1, 1:]
    y_diff = image[:-1, :-1] - image[1:, :-1]
    grad[:-1, :-1] += x_diff + y_diff
    grad[:-1, 1:] -= x_diff
    grad[1:, :-1] -= y_diff
    return strength * grad


def crowson(features, content, style):
    """style_transfer.py: ContentLossMSE of weight 0.015, StyleLossW2 of weights 256, 64, 16, 4, 1
    over their sum. Its network sees (pixels / 255 − mean) / 0.225, and so its features are ours,
    of pixels from 0 to 255, over 0.225 · 255. The floor of variances is the package's: theirs,
    1e-4 in its units, and 1/1000 of the largest (`reference.gaussian_distance`)."""
    unit, value, grads = 57.4, 0.0, {}
    for name, weight in zip(STYLE, np.array([256, 64, 16, 4, 1]) / 341, strict=True):
        F = features[name]
        own, by_mean, by_second = reference.gaussian_distance(
            reference.moments(F), reference.moments(style[name])
        )
        value += weight * own / unit**2
        grads[name] = weight / unit**2 * (by_mean + 2 * F @ by_second) / (F.size / F.shape[-1])
    difference = (features["block4_conv2"] - content["block4_conv2"]) / unit
    grads["block4_conv2"] = 0.015 * 2 * difference / difference.size / unit
    return value + 0.015 * np.mean(difference**2), grads


def crowson_tv(image, strength=2.0):
    """(value, gradient) of TVLoss at an image [H, W, C], shifted or not, from 0 to 255."""
    input = np.pad(image / 255, ((1, 1), (1, 1), (0, 0)), mode="edge")
    s1, s2, s3, s4 = slice(1, -1), slice(2, None), slice(None, -1), slice(1, None)
    value, grad = 0.0, np.zeros_like(input)
    for one, other, part in (
        ((s1, s2), (s1, s1), 3),
        ((s2, s1), (s1, s1), 3),
        ((s4, s4), (s3, s3), 12),
        ((s4, s3), (s3, s4), 12),
    ):
        step = input[one] - input[other]
        value += 2 * np.mean(step**2) / part
        np.add.at(grad, one, 4 * step / step.size / part)
        np.add.at(grad, other, -4 * step / step.size / part)
    for side in (grad, grad.swapaxes(0, 1)):
        side[1] += side[0]
        side[-2] += side[-1]
    return strength * value, strength * grad[1:-1, 1:-1] / 255
