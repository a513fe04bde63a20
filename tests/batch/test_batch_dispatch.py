"""Jobs and workers that die, told by a crew of puppets. No TensorFlow, no Ray."""

import pytest

from artistyle_tf.batch.dispatch import GROWTH, WorkerDiedError, dispatch
from artistyle_tf.batch.jobs import Job
from artistyle_tf.batch.outcome import Outcome

DONE = Outcome("done")


class Puppets:
    """A crew whose answers are written down: output → what comes of each try, the last for ever."""

    def __init__(self, answers=(), count=1):
        self.count, self.answers = count, dict(answers)
        self.hired, self.dismissed, self.stopped, self.begun, self.most = 0, [], [], [], 0
        self._at_work = set()

    def hire(self):
        self.hired += 1
        return self.hired

    def give(self, worker, job):
        assert worker not in self.dismissed
        self.begun.append(job.output)
        self._at_work.add(worker)
        self.most = max(self.most, len(self._at_work))
        return worker, job.output, len(self.begun)

    def wait(self, tickets, seconds):
        return tickets[:1]

    def result(self, ticket):
        worker, output, _ = ticket
        self._at_work.discard(worker)
        answers = self.answers.get(output, [DONE])
        answer = answers.pop(0) if len(answers) > 1 else answers[0]
        if isinstance(answer, BaseException):
            raise answer
        return answer

    def stop(self, worker):
        self.stopped.append(worker)

    def dismiss(self, worker):
        self.dismissed.append(worker)


def painted(crew, names="abc", **options):
    """(whether it came to the end, output → outcome)."""
    told = {}

    def tell(job, outcome):
        assert job.output not in told
        told[job.output] = outcome

    return dispatch([Job("p", ("s",), name) for name in names], crew, tell, **options), told


def test_one_worker_does_all_in_order():
    crew = Puppets()
    complete, told = painted(crew)
    assert complete
    assert crew.begun == list("abc")
    assert (crew.hired, crew.dismissed) == (1, [])
    assert {one.status for one in told.values()} == {"done"}


def test_as_many_at_once_as_there_are():
    crew = Puppets(count=2)
    painted(crew, "abcde")
    assert (crew.hired, crew.most, sorted(crew.begun)) == (2, 2, list("abcde"))


def test_a_killed_workers_job_is_tried_again_at_once():
    crew = Puppets({"b": [WorkerDiedError("killed"), DONE]})
    _, told = painted(crew)
    assert crew.begun == list("abbc")
    assert crew.dismissed == [1]
    assert (told["b"].status, told["b"].tries) == ("done", 2)
    assert told["a"].tries == 1


def test_a_poisoned_job_is_given_up():
    crew = Puppets({"b": [WorkerDiedError("killed")]})
    complete, told = painted(crew)
    assert complete
    assert crew.begun == list("abbbc")
    assert (told["b"].status, told["b"].tries) == ("failed", 3)
    assert told["b"].reason == "given up: 3 workers died painting it (killed)"
    assert told["c"].status == "done"


def test_a_failed_job_is_not_tried_again():
    _, told = painted(Puppets({"a": [Outcome("failed", "a.jpg is empty")]}))
    assert told["a"].reason == "a.jpg is empty"
    assert told["c"].status == "done"


def test_what_another_run_has_comes_last():
    crew = Puppets({"a": [Outcome("busy"), Outcome("skipped", "already done")]})
    _, told = painted(crew, patience=0.01)
    assert crew.begun == list("abca")
    assert told["a"].reason == "already done"


def test_what_another_run_keeps_is_left_to_it():
    crew = Puppets({"a": [Outcome("busy", "another run is painting it")]})
    complete, told = painted(crew, patience=0.01)
    assert complete
    assert (told["a"].status, told["a"].reason) == ("skipped", "another run is painting it")
    assert list(told) == list("bca")


def test_a_worker_that_grows_is_replaced():
    sizes = [Outcome("done", resident=10), Outcome("done", resident=GROWTH + 11)]
    crew = Puppets({"a": sizes[:1], "b": sizes[1:], "c": sizes[:1]})
    painted(crew)
    assert (crew.hired, crew.dismissed) == (2, [1])


@pytest.mark.parametrize("last", [Outcome("stopped"), WorkerDiedError("killed")])
def test_ctrl_c_asks_workers_to_stop(last):
    crew = Puppets({"b": [KeyboardInterrupt(), last]})
    collected = Puppets.wait

    def wait(tickets, seconds):
        """Ctrl-C comes while it waits for b."""
        if crew.begun[-1] == "b" and not crew.stopped:
            raise KeyboardInterrupt
        return collected(crew, tickets, seconds)

    crew.answers["b"] = [last]
    crew.wait = wait
    complete, told = painted(crew)
    assert not complete
    assert crew.stopped == [1]
    assert crew.begun == list("ab")
    assert list(told) == (["a", "b"] if isinstance(last, Outcome) else ["a"])
