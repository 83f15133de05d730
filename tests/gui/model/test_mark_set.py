"""What can be done to marks is undone to nothing and redone; signs, numbers and files stay true."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
from pytestqt.qtbot import QtBot

from nesr_gui.gui.model.document import Steps
from nesr_gui.gui.model.mark_set import Marking
from nesr_gui.gui.model.marks import Mark, new_mark, signs
from nesr_gui.regions import Region, Shape

RECTANGLE = Region(Shape.RECTANGLE, ((10, 10), (20, 30)))


@pytest.fixture
def marking(qapp: object) -> Iterator[Marking]:
    steps = Steps()
    steps.setActiveStack(steps.new_document().steps)
    made = Marking(steps)
    made.start((60, 80))
    yield made
    steps.clear()


def test_everything_is_undone_to_nothing_and_redone(marking: Marking) -> None:
    stack = marking._steps.activeStack()
    steps = [
        lambda: marking.add((1, 2)),
        lambda: marking.add(RECTANGLE),
        lambda: marking.move(1, (5, 6), gesture=1),
        lambda: marking.move(2, RECTANGLE.reshaped(2, (40.0, 50.0)), gesture=2),
        lambda: marking.shift(2, -3, 4),
        lambda: marking.edit(2, name="leaf"),
        lambda: marking.edit(1, colour="#123456"),
        lambda: marking.edit(1, symbol="star"),
        lambda: marking.edit(1, visible=False),
        lambda: marking.remove(1),
        lambda: marking.clear(),
    ]
    states = [(marking.marks, marking.active)]
    for step in steps:
        step()
        states.append((marking.marks, marking.active))
    assert stack.count() == len(steps) and len({marks for marks, _ in states[1:-1]}) == len(steps) - 1
    for state in reversed(states[:-1]):
        stack.undo()
        assert (marking.marks, marking.active) == state
    for state in states[1:]:
        stack.redo()
        assert (marking.marks, marking.active) == state


def test_one_drag_is_one_step(marking: Marking) -> None:
    marking.add((1, 2))
    for row in range(2, 9):
        marking.move(1, (row, 2), gesture=7)
    marking.move(1, (20, 2), gesture=8)
    marking._steps.undo()
    assert marking.marks[0].pixel == (8, 2)
    marking._steps.undo()
    assert marking.marks[0].pixel == (1, 2)


def test_a_freed_number_is_given_again(marking: Marking) -> None:
    for col in range(3):
        marking.add((0, col))
    marking.remove(2)
    marking.add((9, 9))
    assert [(mark.number, mark.pixel) for mark in marking.marks] == [(1, (0, 0)), (3, (0, 2)), (2, (9, 9))]


def test_what_lies_outside_is_not_taken(marking: Marking) -> None:
    for place in (
        (60, 0),
        (0, -1),
        Region(Shape.ELLIPSE, ((60, 0), (70, 9))),
        Region(Shape.RECTANGLE, ((1, 1), (1, 9))),
    ):
        marking.add(place)
    assert marking.marks == ()
    marking.add((1, 1))
    marking.move(1, (60, 1), gesture=1)
    assert marking.marks[0].pixel == (1, 1)


def test_the_active_mark_is_one_that_exists(marking: Marking, qtbot: QtBot) -> None:
    marking.add((1, 1))
    marking.add((2, 2))
    assert marking.active == 2
    with qtbot.waitSignal(marking.active_changed):
        marking.set_active(1)
    marking.set_active(9)
    assert marking.active == 1
    marking.remove(1)
    assert marking.active == 2
    marking.remove(2)
    assert marking.active is None


def test_several_are_removed_in_one_step(marking: Marking) -> None:
    for col in range(4):
        marking.add((0, col))
    marking.remove(1, 3, 77)
    assert [mark.number for mark in marking.marks] == [2, 4]
    assert marking._steps.undoText() == "remove 2 marks"
    marking._steps.undo()
    assert len(marking.marks) == 4


def test_hidden_marks_are_not_shown(marking: Marking) -> None:
    marking.add((1, 1))
    marking.add((2, 2))
    marking.edit(1, visible=False)
    assert [mark.number for mark in marking.shown] == [2]


def test_marks_from_a_file_get_free_numbers_and_keep_their_signs(marking: Marking) -> None:
    marking.add((1, 1))
    read = [
        Mark(1, (3, 3), "#112233", "star", "a"),
        Mark(7, RECTANGLE, "#445566", "cross"),
        Mark(8, (99, 0), "#445566", "cross"),
    ]
    assert marking.take_all(read) == 2
    assert [(mark.number, mark.colour, mark.symbol) for mark in marking.marks[1:]] == [
        (2, "#112233", "star"), (7, "#445566", "cross"),
    ]  # fmt: skip
    marking._steps.undo()
    assert len(marking.marks) == 1


def test_no_two_of_many_marks_share_colour_and_symbol() -> None:
    assert len({signs(number) for number in range(1, 57)}) == 56


@pytest.mark.parametrize(
    "place",
    [(3, 4), RECTANGLE, Region(Shape.ELLIPSE, ((1, 2), (9, 30))), Region(Shape.POLYGON, ((1, 1.5), (9, 2), (4, 30.25))),
     Region(Shape.LASSO, ((1, 1), (9, 2), (4, 30), (2, 2)))],
)  # fmt: skip
def test_json_makes_the_mark_again(place: tuple[int, int] | Region) -> None:
    mark = Mark(5, place, "#a0b1c2", "wedge", 'a "name", é', False)
    assert Mark.from_json(json.loads(json.dumps(mark.as_json()))) == mark


@pytest.mark.parametrize(
    "change",
    [{"number": 0}, {"number": "x"}, {"shape": "circle"}, {"vertices": []}, {"vertices": [[1]]}, {"vertices": 3},
     {"colour": "red"}, {"symbol": "heart"}, {"vertices": [[float("nan"), 0]]}],
)  # fmt: skip
def test_what_is_no_mark_is_refused(change: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="this is no mark"):
        Mark.from_json({**new_mark((1, 2), ()).as_json(), **change})


def test_titles_say_what_a_mark_is() -> None:
    assert new_mark((3, 4), ()).label == "pin 1 (row 3, col 4)"
    assert new_mark(RECTANGLE, (1,)).label == "rectangle 2 (rows 10-20, cols 10-30)"
    assert Mark(1, (3, 4), "#000000", "star", "leaf").label == "leaf (row 3, col 4)"
