"""Combines every photo with every style, from folders and patterns. No TensorFlow, no Ray."""

import itertools
import os
from collections.abc import Mapping, Sequence

from artistyle_tf.batch.jobs import Job, make_job
from artistyle_tf.batch.places import base_name, expanded, is_url, joined
from artistyle_tf.cli.parsing import config_of
from artistyle_tf.errors import ConfigError

__all__ = ["crossed"]


def crossed(given: Mapping[str, Sequence[str]]) -> list[Job]:
    """The jobs for these flags: every content in every style, content by content.

    A task without content or style has one job for each picture of the other kind. If a mask is a
    folder, the mask of each job is the file in it with the picture's name, whatever its extension;
    if there is none, the job has no mask.

    Args:
      given: flag → texts.

    Raises:
      ConfigError: invalid settings.
      InputError: a file, folder or pattern without any picture.
    """
    settings = {name: list(texts) for name, texts in given.items()}
    pictures = {name: settings.pop(name, []) for name in ("content", "style")}
    masks = {name: settings.pop(name, [""])[0] for name in ("content_mask", "style_mask")}
    task = config_of(settings).task
    for name, other in (("content", "texture"), ("style", "reconstruct")):
        if not pictures[name] and task != other:
            raise ConfigError(f"--{name} is missing (or --jobs=FILE)")
    contents, styles = (expanded(_split(texts)) or [""] for texts in pictures.values())
    jobs = []
    for content, style in itertools.product(contents, styles):
        job = {"content": [content], "style": [style]}
        job["content_mask"] = _mask(masks["content_mask"], content)
        job["style_mask"] = _mask(masks["style_mask"], style) if any(job["content_mask"]) else []
        jobs.append(make_job({**settings, **job}))
    return jobs


def _split(texts: Sequence[str]) -> list[str]:
    """A single text is a comma-separated list unless it names a file; several are one path each."""
    if len(texts) == 1 and not is_url(texts[0]) and not os.path.exists(joined("", texts[0])):
        texts = [text.strip() for text in texts[0].split(",")]
    if not all(texts):
        raise ConfigError("a list of pictures contains an empty name")
    return list(texts)


def _mask(mask: str, picture: str) -> list[str]:
    mask = joined("", mask) if mask else ""
    if not mask or not picture or not os.path.isdir(mask):
        return [mask] if mask else []
    stem = os.path.splitext(base_name(picture))[0]
    names = [name for name in sorted(os.listdir(mask)) if os.path.splitext(name)[0] == stem]
    return [os.path.join(mask, name) for name in names[:1]]
