"""TensorFlow in a worker: loaded when it is first needed, and set up once."""

import contextlib
from collections.abc import Iterator

from artistyle_tf.batch.outcome import Options
from artistyle_tf.cli.console import quiet_import
from artistyle_tf.cli.devices import on_device
from artistyle_tf.errors import ArtistyleError

__all__ = ["Computing"]


class Computing:
    """Blocks that compute on the device of these options: `with computing(): ...`."""

    def __init__(self, options: Options):
        self._options = options
        self._ready = False

    @contextlib.contextmanager
    def __call__(self) -> Iterator[None]:
        """ArtistyleError: TensorFlow can't be loaded, or there is not enough memory."""
        if not self._ready:
            # Once: modules loaded here are exempt from garbage collection.
            with quiet_import():
                from artistyle_tf.engine import devices, painter  # noqa: F401 (what jobs need)
        import tensorflow as tf

        if not self._ready:
            if self._options.threads:
                tf.config.threading.set_intra_op_parallelism_threads(self._options.threads)
            devices.let_memory_grow()
            if self._options.deterministic:
                tf.config.experimental.enable_op_determinism()
            self._ready = True
        with on_device(self._options.device):
            try:
                yield
            except tf.errors.ResourceExhaustedError as error:
                raise ArtistyleError("there is not enough memory; a smaller size needs less") from (
                    error
                )
