"""Logs a run to TensorBoard. TensorFlow is imported on use, so that a command can check first."""

import importlib.util
import os
from collections.abc import Mapping

import numpy as np

from artistyle_tf.config.choices import Cadence
from artistyle_tf.engine.results import Step
from artistyle_tf.errors import ConfigError, InputError
from artistyle_tf.text import one_line, reason


class TensorBoard:
    """A callback that writes event files for `tensorboard --logdir FOLDER`.

    The step is the iteration of the whole run. Logged at every iteration: `objective`,
    `step_length` (root mean square over the picture, in grey levels), `evaluations`, `seconds`.
    Logged at every `every`-th, the first of each level and the last of the run, as it costs a
    forward pass: `content/LAYER`, `style/LAYER`, their sums and the other terms as `parts/NAME`,
    and the picture as `level_1`, `level_2` and so on.

    Args:
      folder: created if it does not exist.
      every: interval in iterations.

    Raises:
      ConfigError: the package tensorboard is not installed.
      InputError: the folder can't be written to; also raised by calls, which ends the run.
    """

    def __init__(self, folder: str | os.PathLike[str], every: int = 10):
        check_tensorboard()
        import tensorflow as tf

        self._cadence, self._level = Cadence(every), 0
        self._shown = one_line(os.fspath(folder))
        try:
            # TensorFlow would create it too, but with less clear error messages.
            os.makedirs(folder, exist_ok=True)
            self._writer = tf.summary.create_file_writer(os.fspath(folder))
            self._writer.init()
        except (OSError, tf.errors.OpError) as error:
            raise self._refused(error) from error

    def __call__(self, step: Step) -> None:
        from tensorflow import errors

        due = self._cadence.due(step.iteration) or step.iteration == step.iterations
        parts: Mapping[str, float] = {}
        image = None
        if due or step.level != self._level:
            self._level = step.level
            parts, image = step.parts(), step.image()
        try:
            self._write(step, parts, image)
        except errors.OpError as error:
            raise self._refused(error) from error

    def _write(self, step: Step, parts: Mapping[str, float], image: np.ndarray | None) -> None:
        from tensorflow import summary

        with self._writer.as_default(step=step.iteration):  # flushes on exit, for live viewing
            summary.scalar("objective", step.objective)
            summary.scalar("step_length", step.step_length())
            summary.scalar("evaluations", step.evaluations)
            summary.scalar("seconds", step.seconds)
            for name, part in parts.items():
                if name != "value":
                    summary.scalar(name if "/" in name else f"parts/{name}", part)
            if image is not None:
                summary.image(f"level_{step.level}", image[None])

    def _refused(self, error: Exception) -> InputError:
        # TensorFlow's messages: {{node}} file; the cause, then what was lost in further lines.
        lines = str(error).splitlines() if not isinstance(error, OSError) else []
        why = lines[0].rpartition("; ")[2] if lines else reason(error)
        return InputError(f"can't write to the folder {self._shown}: {one_line(why)}")

    def close(self) -> None:
        self._writer.close()


def check_tensorboard() -> None:
    """ConfigError unless the package tensorboard is installed: TensorFlow's summaries need it."""
    if importlib.util.find_spec("tensorboard") is None:
        raise ConfigError(
            'TensorBoard is not installed here: pip install "artistyle-tf[tensorboard]"'
        )
