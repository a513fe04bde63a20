"""Painters that tests share: those of one `Config` then trace it once."""

import contextlib
import functools
from unittest import mock

import tensorflow as tf

from artistyle_tf import Painter
from artistyle_tf.optimizers import LBFGS
from artistyle_tf.optimizers.base import Minimizer

of = functools.lru_cache(maxsize=16)(Painter)
"""The painter of a config."""


def stylize(content, style, config, **options):
    """`artistyle_tf.stylize` by a painter that may have been used before."""
    return of(config)(content, style, **options)


@contextlib.contextmanager
def eagerly():
    """Runs compute op by op: a few iterations on a tiny picture take less than tracing them."""
    with mock.patch.object(Minimizer, "prepare"), mock.patch.object(LBFGS, "prepare"):
        tf.config.run_functions_eagerly(True)
        try:
            yield
        finally:
            tf.config.run_functions_eagerly(False)
