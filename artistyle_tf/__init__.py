"""Neural style transfer by optimisation (Gatys, Ecker, Bethge 2015) for TensorFlow and Keras.

    import artistyle_tf

    result = artistyle_tf.stylize("photo.jpg", "painting.jpg", artistyle_tf.Config(size=384))
    result.save("out.png")

Importing this loads no TensorFlow; the first use of what needs it does.
"""

import importlib
from typing import TYPE_CHECKING, Any

from artistyle_tf.backend import check_backend
from artistyle_tf.callbacks import Progress, Step
from artistyle_tf.checkpoint import Checkpoints
from artistyle_tf.config import Config
from artistyle_tf.errors import ArtistyleError, ConfigError, InputError
from artistyle_tf.previews import Previews
from artistyle_tf.tensorboard import TensorBoard

if TYPE_CHECKING:
    from artistyle_tf.build import build_objective
    from artistyle_tf.features import build_feature_extractor
    from artistyle_tf.losses import gram_matrix
    from artistyle_tf.result import Result
    from artistyle_tf.stylizer import Stylizer
    from artistyle_tf.transfer import stylize

__version__ = "0.1.0"

__all__ = [
    "ArtistyleError",
    "Checkpoints",
    "Config",
    "ConfigError",
    "InputError",
    "Previews",
    "Progress",
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
    "Result": "artistyle_tf.result",
    "Stylizer": "artistyle_tf.stylizer",
    "build_feature_extractor": "artistyle_tf.features",
    "build_objective": "artistyle_tf.build",
    "gram_matrix": "artistyle_tf.losses",
    "stylize": "artistyle_tf.transfer",
}


def __getattr__(name: str) -> Any:
    if name not in _LAZY:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    check_backend()
    return getattr(importlib.import_module(_LAZY[name]), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
