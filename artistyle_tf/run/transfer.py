"""The run, from two pictures to a painting: read, extract, minimise from coarse to fine, result."""

import logging
import time
from collections.abc import Sequence
from typing import Any

from artistyle_tf.errors import ConfigError
from artistyle_tf.network.precision import true_float32
from artistyle_tf.network.weights import load
from artistyle_tf.pictures.masks import make_regions
from artistyle_tf.pictures.network_scale import from_network, unclipped
from artistyle_tf.pictures.sizes import resample
from artistyle_tf.run.checkpoints import Checkpoints
from artistyle_tf.run.events import Callbacks
from artistyle_tf.run.levels import Run
from artistyle_tf.run.memory import plan_note
from artistyle_tf.run.record import Sources, make_identity, make_record
from artistyle_tf.run.result import Result
from artistyle_tf.run.schedule import level_sizes, split_iterations
from artistyle_tf.scene.canvas import canvas
from artistyle_tf.scene.inputs import read_inputs, remarks, several, style_sides
from artistyle_tf.scene.start import read_start, start_image
from artistyle_tf.settings.config import Config

__all__ = ["INTERRUPTED", "stylize"]

logger = logging.getLogger("artistyle_tf")

INTERRUPTED = "interrupted"


def stylize(
    content: Any,
    style: Any,
    config: Config | None = None,
    *,
    content_masks: Sequence[Any] = (),
    style_masks: Sequence[Any] = (),
    callback: Callbacks | None = None,
    strategy: Any = None,
    checkpoints: Checkpoints | None = None,
) -> Result:
    """Paints the content picture in the style of another (or several).

    Args:
      content: path, PIL image or uint8 array [H, W, 3] sRGB; None for task "texture".
      style: one such picture or a list of them, blended as `config.style_blend` says; None for task
        "reconstruct".
      config: the settings; by default the `artistyle` preset.
      content_masks: one picture for each style, white where the style is to go, grey where in
        part, black where not; of the content's shape. Where all are black the content stays.
      style_masks: likewise one for each style, of its shape: what of it counts. None: all.
      callback: called with a `Step` after every iteration, or a list of such; returning False
        ends the run. So does an exception: see below.
      strategy: a `tf.distribute.Strategy` whose replicas share the tiles of every level
        (docs/tiles.md); every worker of several runs the same call and has the same result.
      checkpoints: where to keep what a killed run needs, and whether to go on from there.

    Returns:
      The picture at the best point found, at exactly the size asked for. Ctrl-C ends the run with
      what there is and the stop reason "interrupted". An exception in a callback ends it likewise,
      since hours of painting may be worth more than what went wrong: it is logged with its
      traceback and kept in `Result.error`. Remarks for the user go to the logger "artistyle_tf"
      as warnings, which network `auto` stands for as information.

    Raises:
      ConfigError: settings that can't work.
      InputError: a picture or weights file that can't be used.
      ArtistyleError: an objective that is not finite anywhere.
    """
    began = time.perf_counter()
    config = config or Config()
    if not isinstance(config, Config):
        raise ConfigError(f"config is {config!r}; it must be a Config, like Config.preset('fast')")
    inputs = read_inputs(config, content, several(style), content_masks, style_masks)
    start = read_start(config)
    weights = load(config.weights, config.layers[-1], report=logger.debug)
    if config.weights == "auto":
        logger.info("the network: %s", weights.description)
    size, masks = inputs.size, inputs.masks
    painted, rgbs = canvas(inputs.painted(), size), [one.rgb for one in inputs.styles]
    whole = painted.shape[:2]
    sides = [max(style_sides(config, rgb.shape[:2], whole, whole)) for rgb in rgbs]
    shown = [(inputs.content, max(size)), *zip(inputs.styles, sides, strict=True)]
    notes = remarks([(picture, side) for picture, side in shown if picture])
    notes += start.notes if start else ()
    for note in notes:
        logger.warning("%s", note)

    sources = Sources(config, inputs.content, inputs.styles, start, weights, masks)
    regions = make_regions(masks, size, rgbs)
    with true_float32():
        run = Run(config, weights, painted, rgbs, callback, began, strategy, checkpoints, regions)
        sizes = level_sizes(size, config.levels, config.coarsest)
        budgets = split_iterations(config.iterations, len(sizes), config.finest)
        sizes = sizes[-len(budgets) :]
        run.plan(sizes)
        image = start_image(config, run.content, run.styles, start, sizes[0])
        try:
            if checkpoints:
                checkpoints.begin(
                    make_identity(sources, run.convolutions),
                    lambda saved: run.resume(saved, sizes, budgets),
                )
                for note in checkpoints.notes:
                    logger.warning("%s", note)
            for level_size, plan in zip(sizes, run.plans, strict=True):
                remark = plan_note(config, level_size, plan)
                if remark:
                    logger.warning("%s", remark)
            for level, level_size in enumerate(sizes[run.first :], start=run.first):
                image = resample(image[0], level_size)[None]
                image = run.level(image, level, sizes, budgets)
                if run.ended:
                    run.keeper.save()
                    break
            parts, saved_parts = run.best_parts()
        except KeyboardInterrupt:
            run.keeper.save()
            if run.best is None:
                raise
            run.stop_reason = INTERRUPTED
            parts, saved_parts = run.best_parts()
        finally:
            if checkpoints:
                checkpoints.close()

    assert run.best is not None
    image = run.best[0]
    record = make_record(
        sources,
        convolutions=run.convolutions,
        levels=run.levels,
        plans=run.plans,
        outcome={
            "stop_reason": run.stop_reason,
            "iterations": run.iterations,
            "evaluations": run.evaluations,
            "objective": parts,
            "saved_objective": saved_parts,
        },
        notes=notes,
    )
    painting = resample(image[0], (painted.shape[0], painted.shape[1]))
    painting = run.colored(painting[None])[:, : size[0], : size[1]]
    return Result(
        image=from_network(painting),
        unclipped=unclipped(painting),
        alpha=inputs.content.alpha if inputs.content else None,
        trace=run.trace,
        stop_reason=run.stop_reason,
        seconds=run.trace[-1][1] if run.trace else 0.0,
        setup_seconds=run.setup_seconds,
        objective=parts["value"],
        saved_objective=saved_parts["value"],
        record=record,
        error=run.error,
    )
