"""An independent float64 implementation of the objective in NumPy, its gradient by hand.

Written from the equations of Gatys et al. 2015 for the tests alone: nothing of the package is
used, and sums are written as sums.
"""

import numpy as np

BLOCKS = ((1, 2), (2, 2), (3, 4), (4, 4), (5, 1))


def layer_names():
    return [f"block{block}_conv{conv}" for block, count in BLOCKS for conv in range(1, count + 1)]


def random_weights(widths=(3, 4, 5, 6, 6), seed=0):
    """Layer → (kernel [3, 3, in, out], bias [out]), float32 values in float64, He scale."""
    rng = np.random.default_rng(seed)
    weights, before = {}, 3
    for name in layer_names():
        width = widths[int(name[5]) - 1]
        kernel = rng.normal(size=(3, 3, before, width)) * np.sqrt(2 / (9 * before))
        weights[name] = (kernel.astype(np.float32), rng.normal(size=width).astype(np.float32))
        before = width
    return weights


def conv(x, kernel, bias, border="constant"):
    height, width, _ = x.shape
    padded = np.pad(x, ((1, 1), (1, 1), (0, 0)), border)
    out = np.zeros((height, width, kernel.shape[-1])) + bias
    for i in range(3):
        for j in range(3):
            out += np.tensordot(padded[i : i + height, j : j + width], kernel[i, j], 1)
    return out


def conv_back(grad, kernel, border="constant"):
    height, width, _ = grad.shape
    padded = np.zeros((height + 2, width + 2, kernel.shape[2]))
    for i in range(3):
        for j in range(3):
            padded[i : i + height, j : j + width] += np.tensordot(grad, kernel[i, j].T, 1)
    if border == "edge":  # what is seen beyond the border is the border
        for side in (padded, padded.swapaxes(0, 1)):
            side[1] += side[0]
            side[-2] += side[-1]
    return padded[1:-1, 1:-1]


def windows(x):
    height, width = x.shape[0] // 2 * 2, x.shape[1] // 2 * 2
    x = x[:height, :width]
    return np.stack([x[i::2, j::2] for i in (0, 1) for j in (0, 1)])


def pool(x, kind):
    return windows(x).max(0) if kind == "max" else windows(x).mean(0)


def pool_back(grad, x, kind):
    out = np.zeros_like(x)
    if kind == "max":
        winner = windows(x).argmax(0)
        shares = [grad * (winner == k) for k in range(4)]
    else:
        shares = [grad / 4] * 4
    height, width = grad.shape[0] * 2, grad.shape[1] * 2
    for k, share in enumerate(shares):
        out[k // 2 : height : 2, k % 2 : width : 2] += share
    return out


def forward(image, weights, kind, padding="zeros"):
    """Layer → activations [h, w, c], in order, from [H, W, 3]."""
    deep = "reflect" if padding == "reflect" else "constant"
    first = "edge" if padding == "replicate-first" else deep
    x, features = np.asarray(image, np.float64), {}
    for block, count in BLOCKS:
        for i in range(1, count + 1):
            name = f"block{block}_conv{i}"
            kernel, bias = (np.asarray(array, np.float64) for array in weights[name])
            border = deep if features else first
            x = features[name] = np.maximum(conv(x, kernel, bias, border), 0)
        x = pool(x, kind)
    return features


def gram(features):
    flat = features.reshape(-1, features.shape[-1])
    return flat.T @ flat


def mean_formula(features, targets, config):
    """(value, {layer: ∂value/∂F}) of α mean((F − P)²) + β Σ b mean((G/NM − A/NM)²)."""
    value, grads = 0.0, {}
    for name, weight in config["content_layers"].items():
        difference = features[name] - targets["content"][name]
        factor = config["content_weight"] * weight / difference.size
        value += factor * np.sum(difference**2)
        grads[name] = 2 * factor * difference
    for name, weight in config["style_layers"].items():
        F = features[name]
        height, width, N = F.shape
        difference = gram(F) / (N * height * width) - targets["style"][name]
        factor = config["style_weight"] * weight / N**2
        value += factor * np.sum(difference**2)
        grad = 4 * factor / (N * height * width) * (F @ difference)
        grads[name] = grads.get(name, 0) + grad
    return value, grads


def paper_formula(features, targets, config):
    """Equations 1, 2, 4, 5, 6, 7 of the paper; `targets["style"]` is A of the style's own M."""
    value, grads = 0.0, {}
    for name, weight in config["content_layers"].items():
        difference = features[name] - targets["content"][name]
        value += config["content_weight"] * weight * 0.5 * np.sum(difference**2)  # eq. 1
        grads[name] = config["content_weight"] * weight * difference  # eq. 2 (F > 0 in the ReLU)
    for name, weight in config["style_layers"].items():
        F = features[name]
        height, width, N = F.shape
        M = height * width
        # A is brought to the image's number of positions; at equal sizes this is A itself.
        difference = gram(F) - targets["style"][name] * N * M
        beta = config["style_weight"] * weight
        value += beta * np.sum(difference**2) / (4 * N**2 * M**2)  # eq. 4, 5
        grads[name] = grads.get(name, 0) + beta * (F @ difference) / (N**2 * M**2)  # eq. 6
    return value, grads


def guidance(mask, layer):
    """T of Gatys et al. 2017, section 4, at a layer, from the mask [H, W]: Σ T² = 1."""
    channel = np.asarray(mask, np.float64)[..., None]
    for _ in range(int(layer[5]) - 1):
        channel = pool(channel, "avg")
    return channel / np.sqrt(np.sum(channel**2))


def guided_gram(features, channel):
    """The Gram matrix of F ∘ T."""
    return gram(features * channel)


def guided_formula(features, targets, config):
    """Contents as in `mean_formula`; for the style Σ_r λ_r · mean over the matrix of
    (G_r/N − A_r/N)², the paper's Σ_r λ_r Σ (G_r − A_r)² up to a constant of the layer."""
    plain = {**config, "style_layers": {}}
    value, grads = mean_formula(features, targets, plain)
    for name, weight in config["style_layers"].items():
        F, N = features[name], features[name].shape[-1]
        for mask, strength, wanted in zip(
            targets["masks"], targets["strengths"], targets["guided"][name], strict=True
        ):
            T = guidance(mask, name)
            difference = (guided_gram(F, T) - wanted) / N
            factor = config["style_weight"] * weight * strength / N**2
            value += factor * np.sum(difference**2)
            grads[name] = grads.get(name, 0) + 4 * factor / N * (T**2 * F) @ difference
    return value, grads


def moments(features, channel=1.0):
    """(mean [N], E f fᵀ [N, N]) of features [h, w, N], weighted by the squares of a guidance
    channel [h, w, 1] with Σ T² = 1."""
    weight = np.broadcast_to(np.square(channel), (*features.shape[:2], 1)).reshape(-1, 1)
    weight = weight / weight.sum()
    flat = features.reshape(-1, features.shape[-1])
    return (weight * flat).sum(0), flat.T @ (weight * flat)


def root(matrix):
    values, vectors = np.linalg.eigh(matrix)
    return vectors * np.sqrt(np.maximum(values, 0)) @ vectors.T


def gaussian_distance(first, second):
    """(W², ∂W²/∂mean, ∂W²/∂E f fᵀ) of the first (mean, E f fᵀ) to the second, / N.

    Both covariances get the floor, 0.33 and 1/1000 of the second's largest variance. The trace of
    the root is taken from the eigenvalues of the plain product, and the gradient from the optimal
    map C^-½ (C^½ A C^½)^½ C^-½: neither as the package does it.
    """
    (m, C), (wanted, A) = first, second
    N = len(m)
    C, A = C - np.outer(m, m), A - np.outer(wanted, wanted)
    floor = 0.33 + 1e-3 * max(np.linalg.eigvalsh(A)[-1], 0)
    C, A = C + floor * np.eye(N), A + floor * np.eye(N)
    product = np.sqrt(np.linalg.eigvals(A @ C).real.clip(0)).sum()
    value = np.sum((m - wanted) ** 2) + np.trace(A) + np.trace(C) - 2 * product
    inner, outer = root(C), np.linalg.inv(root(C))
    slope = np.eye(N) - outer @ root(inner @ A @ inner) @ outer
    by_mean = 2 * (m - wanted) - 2 * slope @ m
    return value / N, by_mean / N, slope / N


def gaussian_formula(features, targets, config):
    """As `mean_formula`, with `config["w2_scale"]` W² / N for the style. `targets["moments"]`:
    layer → (mean, E f fᵀ) for each of `targets["channels"][layer]`, the guidance channels [h, w, 1]
    or 1, which count by `targets["strengths"]`."""
    value, grads = mean_formula(features, targets, {**config, "style_layers": {}})
    for name, weight in config["style_layers"].items():
        F = features[name]
        for wanted, channel, strength in zip(
            targets["moments"][name],
            targets["channels"][name],
            targets["strengths"],
            strict=True,
        ):
            squares = np.broadcast_to(np.square(channel), (*F.shape[:2], 1))
            own, by_mean, by_second = gaussian_distance(moments(F, channel), wanted)
            factor = config["style_weight"] * weight * strength * config["w2_scale"]
            value += factor * own
            grad = factor * squares / squares.sum() * (by_mean + 2 * F @ by_second)
            grads[name] = grads.get(name, 0) + grad
    return value, grads


def numeric_slope(function, image, direction, step):
    """The central difference of function(image) along a direction."""
    ahead, behind = (float(function(image + way * direction)) for way in (step, -step))
    return (ahead - behind) / (2 * step)


def total_variation(image):
    """(value, gradient) of the mean over pixels and channels of squared differences."""
    down, right = np.diff(image, axis=0), np.diff(image, axis=1)
    grad = np.zeros_like(image)
    grad[1:] += 2 * down
    grad[:-1] -= 2 * down
    grad[:, 1:] += 2 * right
    grad[:, :-1] -= 2 * right
    return (np.sum(down**2) + np.sum(right**2)) / image.size, grad / image.size


def targets(content, styles, shares, weights, kind):
    """Content activations, and the styles' Grams / NM blended in these shares."""
    blended = {}
    for style, share in zip(styles, shares, strict=True):
        for name, F in forward(style, weights, kind).items():
            blended[name] = blended.get(name, 0) + share * gram(F) / F.size
    return {"content": forward(content, weights, kind), "style": blended}


def value_and_gradient(image, goal, weights, kind, formula, config, padding="zeros"):
    """(value, gradient [H, W, 3]) at image [H, W, 3]; no padding of reflected borders."""
    features = forward(image, weights, kind, padding)
    first = "edge" if padding == "replicate-first" else "constant"
    value, grads = formula(features, goal, config)
    grad, names = None, layer_names()
    for position in reversed(range(len(names))):
        name = names[position]
        own = grads.get(name)
        if grad is None and own is None:
            continue
        if grad is None:
            grad = np.zeros_like(features[name])
        elif grad.shape != features[name].shape:  # the next layer is behind a pooling
            grad = pool_back(grad, features[name], kind)
        if own is not None:
            grad = grad + own
        kernel = np.asarray(weights[name][0], np.float64)
        grad = conv_back(grad * (features[name] > 0), kernel, "constant" if position else first)
    variation, variation_grad = total_variation(np.asarray(image, np.float64))
    tv = config["tv_weight"]
    return value + tv * variation, grad + tv * variation_grad
