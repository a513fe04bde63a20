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
