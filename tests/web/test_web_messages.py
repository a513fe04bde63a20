"""What the page says of a run."""

import numpy as np

from artistyle_tf import Config
from artistyle_tf.web.messages import describe_progress, describe_state
from artistyle_tf.web.studio import Order, Progress, Run


def test_what_is_said_of_a_run():
    run = Run(Order(Config(), None, None))
    waits = "Waiting for one other painting to finish: number 1 in the queue"
    assert waits in describe_state(run, 1)
    waits = "Waiting for 2 other paintings to finish: number 2 in the queue"
    assert waits in describe_state(run, 2)
    run.future.set_running_or_notify_cancel()
    assert "Setting up" in describe_state(run, 0)
    assert describe_progress(run) == ""
    run.progress = Progress(np.zeros((24, 32, 3), np.uint8), 20, 200, 1, 2, 75.0)
    assert "Painting" in describe_state(run, 0)
    said = "20 of 200 iterations · 1:15 left · level 1 of 2 · 32×24 px"
    assert said in describe_progress(run)
    run.stop()
    assert "Stopping after this iteration" in describe_state(run, 0)
    run.future.set_result(None)
    assert "Stopped before anything was painted" in describe_state(run, 0)
    run.error = "<script>"
    assert describe_state(run, 0) == '<p class="fault" role="alert">&lt;script&gt;</p>'
