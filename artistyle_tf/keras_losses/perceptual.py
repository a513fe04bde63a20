"""Perceptual losses as Keras losses: content, style and total variation, or single parts; and the
normalised Gram matrix as a Keras layer."""

import os
from collections.abc import Mapping
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from artistyle_tf.config.choices import Padding, Pooling
from artistyle_tf.config.config import Config
from artistyle_tf.errors import ConfigError, InputError
from artistyle_tf.images.network_scale import BGR_MEAN, to_network
from artistyle_tf.images.read import read
from artistyle_tf.images.sizes import resize, scale_to
from artistyle_tf.keras_losses.batches import check_shapes, check_values, checked_range
from artistyle_tf.objective import losses
from artistyle_tf.vgg.extractor import build_feature_extractor, embedded_network
from artistyle_tf.vgg.weights import Weights, load

PACKAGE = "artistyle_tf"  # part of the class names in saved models: do not change


@keras.saving.register_keras_serializable(PACKAGE)
class PerceptualLoss(keras.losses.Loss):
    """α · content + β · style + total variation, in the common form of `Config`.

    `y_true` is the content, `y_pred` the picture to be compared with it, both [B, H, W, 3] RGB in
    `value_range`, with H and W from 16 px. For one picture the loss equals that of
    `build_objective` with that `style_weight`, and 0 as `balance`, `gamut_weight` and
    `palette_weight`. All is float32 under every Keras policy (float64 with that `dtype`); no pixel
    is clamped.

    Args:
      style: a picture (path, PIL image or uint8 array [H, W, 3] sRGB), a list of them blended in
        the proportions `style_blend`, or targets: layer → normalised Gram matrix [N, N], as
        returned by `get_config`.
      style_size: longer side in px to which the style is scaled; None: its own. It determines the
        size of brush strokes; about the side of the training pictures is usual.
      value_range: values of black and white in `y_true` and `y_pred`: (0, 255), (0, 1), (-1, 1).
      weights: auto, imagenet, imagenet-8bit, preview, a file, or loaded weights.
      weights_digest: SHA-256 that the weights file must have; set in saved losses, whose targets
        are only valid for one network.
      style_weight: β. One for all pictures, so it can't follow from a strength.
      content_weight, tv_weight, style_layers, content_layers, pooling, padding: as in `Config`,
        with its defaults.
      reduction, name, dtype: as in `keras.losses.Loss`.

    Raises:
      ConfigError: an invalid setting.
      InputError: a style or weights that can't be used, or weights other than the saved ones.
    """

    def __init__(
        self,
        style: Any = None,
        *,
        style_size: int | None = None,
        style_blend: Any = Config.style_blend,
        value_range: tuple[float, float] = (0.0, 255.0),
        weights: str | Weights = Config.weights,
        weights_digest: str | None = None,
        content_weight: float = Config.content_weight,
        style_weight: float = 60.0,
        tv_weight: float = Config.tv_weight,
        style_layers: Any = Config.style_layers,
        content_layers: Any = Config.content_layers,
        pooling: Pooling = Config.pooling,
        padding: Padding = Config.padding,
        reduction: str = "sum_over_batch_size",
        name: str | None = None,
        dtype: Any = None,
    ):
        super().__init__(name=name or _snake(type(self).__name__), reduction=reduction, dtype=dtype)
        if isinstance(weights, os.PathLike):
            weights = os.fspath(weights)
        self.settings = Config(
            weights=weights if isinstance(weights, str) else "preview",
            style_blend=style_blend,
            content_weight=content_weight,
            strength=None,
            style_weight=style_weight,
            tv_weight=tv_weight,
            style_layers=style_layers,
            content_layers=content_layers,
            pooling=pooling,
            padding=padding,
        )
        self.value_range = checked_range(value_range)
        if style_size is not None and not 16 <= style_size <= 65536:
            raise ConfigError(
                f"style_size is {style_size!r}; it must be from 16 to 65536 px, or None"
            )
        deepest = self.settings.layers[-1]
        loaded = weights if isinstance(weights, Weights) else load(weights, deepest)
        if weights_digest is not None and loaded.digest != weights_digest:
            raise InputError(
                f"{loaded.name} is not the file of weights that this loss was saved with (SHA-256 "
                f"{loaded.digest[:12]}…, not {weights_digest[:12]}…); its targets would be wrong"
            )
        self._weights, self._digest = _saved_name(weights, loaded), loaded.digest
        model = build_feature_extractor(
            loaded,
            self.settings.layers,
            pooling,
            padding=padding,
            dtype="float64" if self.dtype == "float64" else "float32",
        )
        self._computed = model.input.dtype
        self._channels = {name: output.shape[-1] for name, output in model.output.items()}
        # A plain function, so that models with this loss don't save VGG19 as their own.
        self._features = embedded_network(model)
        needed = self.settings.layer_weights("style")
        self._grams = self._targets(style, style_size) if needed else {}

    def call(self, y_true: tf.Tensor, y_pred: tf.Tensor) -> tf.Tensor:
        """The loss of each picture of the batch, [B].

        Raises:
          ConfigError: a shape other than [B, H, W, 3], pictures smaller than 16 px, or, in eager
            mode, values that show another range than `value_range`. Without a content loss,
            `y_true` is not checked.
        """
        settings = self.settings
        alpha = settings.layer_weights("content")
        check_shapes({"y_pred": y_pred, "y_true": y_true} if alpha else {"y_pred": y_pred})
        name, looked_at = ("y_true", y_true) if alpha else ("y_pred", y_pred)
        check_values(name, looked_at, self.value_range, data=bool(alpha))
        image = self._scaled(y_pred)
        seen, squares, style = self._features(image), {}, {}
        if alpha:
            wanted = self._features(self._scaled(y_true))
            for name in alpha:
                # The content is a target: no gradient flows into it, even if it is computed.
                square = losses.squared_distance(seen[name], tf.stop_gradient(wanted[name]))
                squares[name] = square, losses.count(seen[name], 3)
        for name, gram in self._grams.items():
            target = tf.constant(gram[None], image.dtype)
            loss = losses.style_loss(losses.gram_matrix(seen[name]), target)
            style[name] = settings.style_weight * loss, self._channels[name]
        contents, styles = losses.weighted_terms(settings, squares, style)
        total = tf.add_n([*contents.values(), *styles.values()])
        if settings.tv_weight:
            total += settings.tv_weight * losses.variation(settings, image)
        return tf.cast(total, self.dtype)

    def get_config(self) -> dict[str, Any]:
        """All constructor arguments; the style as Gram matrices, float32 arrays [N, N] by layer."""
        if self._weights is None:
            raise ConfigError("a loss of loaded weights can't be saved; give it the weights' file")
        settings = self.settings
        return {
            **super().get_config(),
            "dtype": self.dtype,
            "style": dict(self._grams) or None,
            "value_range": list(self.value_range),
            "weights": self._weights,
            "weights_digest": self._digest,
            "content_weight": settings.content_weight,
            "style_weight": settings.style_weight,
            "tv_weight": settings.tv_weight,
            "style_layers": [list(pair) for pair in settings.style_layers],
            "content_layers": [list(pair) for pair in settings.content_layers],
            "pooling": settings.pooling,
            "padding": settings.padding,
        }

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> "PerceptualLoss":
        """The loss from a `get_config`, also after a round trip through JSON."""
        style = config.get("style")
        if isinstance(style, Mapping):
            read = keras.saving.deserialize_keras_object
            style = {
                name: read(gram) if isinstance(gram, Mapping) else gram
                for name, gram in style.items()
            }
        return cls(**{**config, "style": style})

    def _scaled(self, pictures: tf.Tensor) -> tf.Tensor:
        """RGB in `value_range` → the network's BGR, 0-255, mean subtracted."""
        black, white = self.value_range
        levels = (tf.cast(pictures, self._computed) - black) * (255 / (white - black))
        return levels[..., ::-1] - tf.constant(BGR_MEAN, levels.dtype)

    def _targets(self, style: Any, style_size: int | None) -> dict[str, np.ndarray]:
        if style is None:
            raise ConfigError(f"{type(self).__name__} needs a style: a picture, or a list of them")
        layers = self.settings.layer_weights("style")
        if isinstance(style, Mapping):
            return {name: _gram_target(style, name, self._channels[name]) for name in layers}
        styles = list(style) if isinstance(style, list | tuple) else [style]
        grams: dict[str, Any] = dict.fromkeys(layers, 0.0)
        for one, share in zip(styles, self.settings.shares(len(styles)), strict=True):
            rgb = read(one).rgb
            if style_size is not None:
                rgb = resize(rgb, scale_to((rgb.shape[0], rgb.shape[1]), style_size))
            seen = self._features(tf.constant(to_network(rgb), self._computed))
            for name in layers:
                grams[name] = grams[name] + share * losses.gram_matrix(seen[name])[0].numpy()
        return {name: gram.astype(np.float32) for name, gram in grams.items()}


@keras.saving.register_keras_serializable(PACKAGE)
class StyleLoss(PerceptualLoss):
    """The style part of `PerceptualLoss` only; `y_true` may be anything of `y_pred`'s shape."""

    def __init__(self, style: Any = None, **options: Any):
        super().__init__(style, **{**options, "content_weight": 0.0, "tv_weight": 0.0})


@keras.saving.register_keras_serializable(PACKAGE)
class ContentLoss(PerceptualLoss):
    """The content part of `PerceptualLoss` only, without a style."""

    def __init__(self, **options: Any):
        super().__init__(**{**options, "style": None, "style_weight": 0.0, "tv_weight": 0.0})


@keras.saving.register_keras_serializable(PACKAGE)
class GramMatrix(keras.layers.Layer):
    """The normalised Gram matrix G / (N M), eq. 3: [B, H, W, N] → [B, N, N], M = H W positions.

    It computes in float32 under any global policy, unless `dtype` is given.
    """

    def __init__(self, *, dtype: Any = "float32", **options: Any):
        super().__init__(dtype=dtype, **options)

    def call(self, inputs: tf.Tensor) -> tf.Tensor:
        return losses.gram_matrix(inputs)

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        return (input_shape[0], input_shape[-1], input_shape[-1])


def _gram_target(style: Mapping[str, Any], name: str, channels: int) -> np.ndarray:
    if name not in style:
        raise ConfigError(f"the style's targets have no {name}; they have {', '.join(style)}")
    gram = np.asarray(style[name], np.float32)
    if gram.shape != (channels, channels):
        wanted = [channels, channels]
        raise ConfigError(f"the style's target {name} is {list(gram.shape)}; it must be {wanted}")
    return gram


def _saved_name(asked: str | Weights, loaded: Weights) -> str | None:
    """A name that loads these weights again; "auto" is resolved; None if there is no path."""
    if loaded.kind != "file":
        return loaded.kind
    return asked if isinstance(asked, str) else None


def _snake(name: str) -> str:
    return "".join(f"_{c.lower()}" if c.isupper() else c for c in name).lstrip("_")
