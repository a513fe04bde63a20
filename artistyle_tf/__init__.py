"""Neural style transfer by optimisation (Gatys, Ecker, Bethge 2015) for TensorFlow and Keras.

    import artistyle_tf

    result = artistyle_tf.stylize("photo.jpg", "painting.jpg", artistyle_tf.Config(size=384))
    result.save("out.png")

Importing this loads no TensorFlow; the first use of what needs it does.
"""

import importlib
from typing import TYPE_CHECKING, Any

from artistyle_tf.callbacks.previews import Previews
from artistyle_tf.callbacks.progress import Progress
from artistyle_tf.callbacks.report_log import ReportLog
from artistyle_tf.callbacks.tensorboard import TensorBoard
from artistyle_tf.config.config import Config
from artistyle_tf.engine.checkpoints import Checkpoints
from artistyle_tf.engine.results import Step
from artistyle_tf.errors import ArtistyleError, ConfigError, InputError
from artistyle_tf.vgg.backend import check_backend

if TYPE_CHECKING:
    from artistyle_tf.engine.export import Stylizer, build_objective
    from artistyle_tf.engine.painter import Painter, stylize
    from artistyle_tf.engine.results import Result
    from artistyle_tf.objective.losses import gram_matrix
    from artistyle_tf.vgg.extractor import build_feature_extractor

__version__ = "1.0.0"

__all__ = [
    "ArtistyleError",
    "Checkpoints",
    "Config",
    "ConfigError",
    "InputError",
    "Painter",
    "Previews",
    "Progress",
    "ReportLog",
    "Result",
    "Step",
    "Stylizer",
    "TensorBoard",
    "build_feature_extractor",
    "build_objective",
    "gram_matrix",
    "stylize",
]

_LAZY = {
    "Painter": "engine.painter",
    "Result": "engine.results",
    "Stylizer": "engine.export",
    "build_feature_extractor": "vgg.extractor",
    "build_objective": "engine.export",
    "gram_matrix": "objective.losses",
    "stylize": "engine.painter",
}
_MODULES = ("batch", "feedforward", "images", "keras_losses", "optimizers", "precision", "samples")
"""Reached as attributes without a further import."""


def __getattr__(name: str) -> Any:
    if name in _MODULES:
        return importlib.import_module(f"{__name__}.{name}")
    if name not in _LAZY:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    check_backend()
    return getattr(importlib.import_module(f"{__name__}.{_LAZY[name]}"), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__, *_MODULES})
