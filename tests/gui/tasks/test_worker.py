import threading
import weakref
from collections.abc import Iterator

import pytest
from pytestqt.qtbot import QtBot

from nesr_gui.fields.protocol import ProgressCallback
from nesr_gui.gui.tasks.worker import Task, Worker


@pytest.fixture
def worker(qapp: object) -> Iterator[Worker]:
    made = Worker()
    yield made
    made.close()


class Held:
    """Work that waits until told, and says what it was asked."""

    def __init__(self) -> None:
        self.started, self.go = threading.Event(), threading.Event()
        self.asked: list[int] = []

    def run(self, request: int, progress: ProgressCallback) -> int:
        self.asked.append(request)
        self.started.set()
        assert self.go.wait(5)
        return 10 * request

    def run_watchfully(self, request: int, progress: ProgressCallback) -> int:
        self.run(request, progress)
        progress(0.5)
        return 10 * request


def test_newest_wins_and_those_between_are_never_asked(worker: Worker, qtbot: QtBot) -> None:
    held, answers = Held(), list[tuple[int, int]]()
    for request in range(1, 6):
        worker.submit(Task.CURVES, request, held.run, lambda *answer: answers.append(answer))
        assert held.started.wait(5)
    held.go.set()
    qtbot.waitUntil(lambda: not worker.is_busy(Task.CURVES))
    assert held.asked == [1, 5] and answers == [(1, 10), (5, 50)]


def test_a_superseded_job_stops_at_its_next_progress(worker: Worker, qtbot: QtBot) -> None:
    held, answers = Held(), list[tuple[int, int]]()
    for request in (1, 2):
        worker.submit(Task.RECONSTRUCT, request, held.run_watchfully, lambda *answer: answers.append(answer))
        assert held.started.wait(5)
    held.go.set()
    qtbot.waitUntil(lambda: not worker.is_busy(Task.RECONSTRUCT))
    assert answers == [(2, 20)]


def test_nothing_is_delivered_after_cancel(worker: Worker, qtbot: QtBot) -> None:
    held, answers = Held(), list[tuple[int, int]]()
    worker.submit(Task.CURVES, 1, held.run, lambda *answer: answers.append(answer))
    assert held.started.wait(5)
    worker.cancel(Task.CURVES)
    worker.submit(Task.CURVES, 2, held.run, lambda *answer: answers.append(answer))
    held.go.set()
    qtbot.waitUntil(lambda: not worker.is_busy(Task.CURVES))
    assert answers == [(2, 20)]


def test_a_click_does_not_wait_behind_an_export(worker: Worker, qtbot: QtBot) -> None:
    held, answers = Held(), list[int]()
    worker.submit(Task.EXPORT, 1, held.run, lambda request, result: answers.append(result))
    assert held.started.wait(5)
    worker.submit(Task.CURVES, 2, lambda request, progress: request, lambda request, result: answers.append(result))
    qtbot.waitUntil(lambda: answers == [2])
    held.go.set()
    qtbot.waitUntil(lambda: answers == [2, 10])


def test_what_is_done_in_turn_is_done_whole(worker: Worker, qtbot: QtBot) -> None:
    held, answers, ends, failures = Held(), list[int](), list[Task](), list[str]()
    worker.ended.connect(ends.append)
    worker.failed.connect(lambda task, error: failures.append(str(error)))

    def fail(request: int, progress: ProgressCallback) -> int:
        raise OSError("the disk is full")

    for request, run in enumerate((held.run_watchfully, fail, held.run_watchfully), 1):
        worker.submit(Task.WRITE, request, run, lambda request, result: answers.append(result))
    held.go.set()
    qtbot.waitUntil(lambda: not worker.is_busy(Task.WRITE))
    assert (answers, ends, failures) == ([10, 30], [Task.WRITE], ["the disk is full"])


def test_cancel_drops_what_waits_for_its_turn(worker: Worker, qtbot: QtBot) -> None:
    held, answers = Held(), list[int]()
    for request in (1, 2, 3):
        worker.submit(Task.WRITE, request, held.run, lambda request, result: answers.append(result))
    assert held.started.wait(5)
    worker.cancel(Task.WRITE)
    assert not worker.is_busy(Task.WRITE)
    worker.submit(Task.WRITE, 4, held.run, lambda request, result: answers.append(result))
    held.go.set()
    qtbot.waitUntil(lambda: not worker.is_busy(Task.WRITE))
    assert answers == [40] and held.asked == [1, 4]


def test_answers_come_on_the_gui_thread(worker: Worker, qtbot: QtBot) -> None:
    threads: list[threading.Thread] = []
    worker.submit(
        Task.EXPORT, 1, lambda request, progress: threading.current_thread(),
        lambda request, thread: threads.extend([thread, threading.current_thread()]),
    )  # fmt: skip
    qtbot.waitUntil(lambda: len(threads) == 2)
    assert threads[0] is not threads[1] and threads[1] is threading.main_thread()


@pytest.mark.parametrize("where", ["run", "then"])
def test_failures_are_told_and_the_worker_goes_on(worker: Worker, qtbot: QtBot, where: str) -> None:
    def fail(*_: object) -> None:
        raise ValueError("no")

    def fine(*_: object) -> None:
        pass

    with qtbot.waitSignal(worker.failed) as told:
        worker.submit(Task.OPEN, 1, fail if where == "run" else fine, fail if where == "then" else fine)
    assert told.args[0] is Task.OPEN and str(told.args[1]) == "no"
    with qtbot.waitSignal(worker.ended):
        worker.submit(Task.OPEN, 1, fine, fine)


def test_progress_is_told(worker: Worker, qtbot: QtBot) -> None:
    with qtbot.waitSignal(worker.progressed, check_params_cb=lambda task, fraction: fraction == 0.25):
        worker.submit(Task.RECONSTRUCT, 1, lambda request, progress: progress(0.25), lambda *_: None)


def test_nothing_begins_after_it_is_closed(worker: Worker) -> None:
    before = set(threading.enumerate())
    worker.close()
    worker.submit(Task.CURVES, 1, lambda request, progress: request, lambda request, result: None)
    assert not worker.is_busy(Task.CURVES) and set(threading.enumerate()) <= before


def test_nothing_of_what_was_asked_is_kept_when_it_is_done(worker: Worker, qtbot: QtBot) -> None:
    class Large:
        pass

    request = Large()
    gone = weakref.ref(request)
    worker.submit(Task.RECONSTRUCT, request, lambda request, progress: None, lambda request, result: None)
    del request
    qtbot.waitUntil(lambda: not worker.is_busy(Task.RECONSTRUCT))
    qtbot.waitUntil(lambda: gone() is None)


def test_a_replaced_request_keeps_its_place_in_its_lane(worker: Worker, qtbot: QtBot) -> None:
    """One that changes with every move of the hand would starve behind the others."""
    held, answers = Held(), list[int]()
    worker.submit(Task.HOVER_CURVE, 0, held.run, lambda request, result: answers.append(request))
    assert held.started.wait(5)
    for task, request in ((Task.CURVES, 1), (Task.READOUTS, 2), (Task.CURVES, 3)):
        worker.submit(task, request, held.run, lambda request, result: answers.append(request))
    held.go.set()
    qtbot.waitUntil(lambda: not any(map(worker.is_busy, (Task.HOVER_CURVE, Task.CURVES, Task.READOUTS))))
    assert answers == [0, 3, 2]


def test_pictures_never_wait_for_readouts(worker: Worker, qtbot: QtBot) -> None:
    held, answers = Held(), list[Task]()
    for task in (Task.READOUTS, Task.CURVES, Task.HOVER_CURVE):
        worker.submit(task, 1, held.run, lambda request, result: None)
    assert held.started.wait(5)
    frames = (Task.FRAME_LEFT, Task.FRAME_RIGHT, Task.TONE_LEFT, Task.TONE_RIGHT, Task.PICTURE_LEFT, Task.PICTURE_RIGHT)
    for task in frames:
        worker.submit(task, task, lambda request, progress: request, lambda request, result: answers.append(result))
    qtbot.waitUntil(lambda: set(answers) == set(frames))
    assert held.asked == [1]  # the first readout still holds its lane
    held.go.set()
    qtbot.waitUntil(lambda: not worker.is_busy(Task.HOVER_CURVE))


def test_turns_are_taken_in_the_order_asked(worker: Worker, qtbot: QtBot) -> None:
    held, answers = Held(), list[int]()
    for request in (1, 2, 3, 4):
        worker.submit(Task.WRITE, request, held.run, lambda request, result: answers.append(request))
    held.go.set()
    qtbot.waitUntil(lambda: not worker.is_busy(Task.WRITE))
    assert answers == held.asked == [1, 2, 3, 4]
