"""Painters that tests share: those of one `Config` then trace it once."""

import functools

from artistyle_tf import Painter

of = functools.lru_cache(maxsize=16)(Painter)
"""The painter of a config."""


def stylize(content, style, config, **options):
    """`artistyle_tf.stylize` by a painter that may have been used before."""
    return of(config)(content, style, **options)
