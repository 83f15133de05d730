"""What can be done to marks is undone to nothing and redone; signs, numbers and files stay true."""

from __future__ import annotations

import json
from collections.abc import Iterator

import numpy as np
import pytest
from pytestqt.qtbot import QtBot

from nesr_gui.gui.model.changes import Change
from nesr_gui.gui.model.document import Document
from nesr_gui.gui.model.marks import Mark, MarkSet, Reading, new_mark, signs
from nesr_gui.regions import Region, Shape
from nesr_gui.spectral import Spectrum, Wavelengths

RECTANGLE = Region(Shape.RECTANGLE, ((10, 10), (20, 30)))
LEAF, BARK = (
    Reading(Spectrum(Wavelengths.evenly_spaced(31), np.full(31, value, np.float32), name), f"{name}.csv", "ab")
    for value, name in ((0.4, "leaf"), (0.2, "bark"))
)


@pytest.fixture
def mark_set(qapp: object) -> Iterator[MarkSet]:
    document = Document()
    document.mark_set.start((60, 80))
    yield document.mark_set
    document.undo_stack.clear()


def test_everything_is_undone_to_nothing_and_redone(mark_set: MarkSet) -> None:
    stack = mark_set._undo_stack
    steps = [
        lambda: mark_set.add((1, 2)),
        lambda: mark_set.add(RECTANGLE),
        lambda: mark_set.move(1, (5, 6), gesture=1),
        lambda: mark_set.move(2, RECTANGLE.reshaped(2, (40.0, 50.0)), gesture=2),
        lambda: mark_set.shift(2, -3, 4),
        lambda: mark_set.edit(2, name="leaf"),
        lambda: mark_set.edit(1, colour="#123456"),
        lambda: mark_set.edit(1, symbol="star"),
        lambda: mark_set.edit(1, visible=False),
        lambda: mark_set.attach(1, LEAF),
        lambda: mark_set.use_readings(False, 1, 2),
        lambda: mark_set.attach(2, BARK),
        lambda: mark_set.use_readings(True, 1, 2),
        lambda: mark_set.detach(2),
        lambda: mark_set.remove(1),
        lambda: mark_set.remove(*range(1, 100)),
    ]
    states = [(mark_set.marks, mark_set.active)]
    for step in steps:
        step()
        states.append((mark_set.marks, mark_set.active))
    assert stack.count() == len(steps) and len({marks for marks, _ in states[1:-1]}) == len(steps) - 1
    for state in reversed(states[:-1]):
        stack.undo()
        assert (mark_set.marks, mark_set.active) == state
    for state in states[1:]:
        stack.redo()
        assert (mark_set.marks, mark_set.active) == state


def test_one_drag_is_one_step(mark_set: MarkSet) -> None:
    mark_set.add((1, 2))
    for row in range(2, 9):
        mark_set.move(1, (row, 2), gesture=7)
    mark_set.move(1, (20, 2), gesture=8)
    mark_set._undo_stack.undo()
    assert mark_set.marks[0].pixel == (8, 2)
    mark_set._undo_stack.undo()
    assert mark_set.marks[0].pixel == (1, 2)


def test_consecutive_shifts_of_one_mark_are_one_step(mark_set: MarkSet) -> None:
    stack = mark_set._undo_stack
    mark_set.add((9, 9))
    mark_set.add((1, 2))
    for _ in range(4):
        mark_set.shift(2, 1, 0)
    mark_set.shift(1, 0, 1)  # another mark
    mark_set.shift(2, 1, 0)
    stack.undo()
    stack.undo()
    assert [mark.pixel for mark in mark_set.marks] == [(9, 9), (5, 2)] and stack.undoText() == "move pin 2"
    stack.undo()
    assert [mark.pixel for mark in mark_set.marks] == [(9, 9), (1, 2)] and stack.undoText() == "add pin 2"
    mark_set.shift(2, 0, 1)
    mark_set.shift(2, 0, -1)  # and back: nothing to undo
    assert stack.undoText() == "add pin 2"


def test_a_freed_number_is_given_again(mark_set: MarkSet) -> None:
    for col in range(3):
        mark_set.add((0, col))
    mark_set.remove(2)
    mark_set.add((9, 9))
    assert [(mark.number, mark.pixel) for mark in mark_set.marks] == [(1, (0, 0)), (3, (0, 2)), (2, (9, 9))]


def test_what_lies_outside_is_not_taken(mark_set: MarkSet) -> None:
    for place in (
        (60, 0),
        (0, -1),
        Region(Shape.ELLIPSE, ((60, 0), (70, 9))),
        Region(Shape.RECTANGLE, ((1, 1), (1, 9))),
    ):
        mark_set.add(place)
    assert mark_set.marks == ()
    mark_set.add((1, 1))
    mark_set.move(1, (60, 1), gesture=1)
    assert mark_set.marks[0].pixel == (1, 1)


def test_the_active_mark_is_one_that_exists(mark_set: MarkSet, qtbot: QtBot) -> None:
    mark_set.add((1, 1))
    mark_set.add((2, 2))
    assert mark_set.active == 2
    announced: list[Change] = []
    mark_set._announce = announced.append
    mark_set.set_active(1)
    assert announced == [Change.ACTIVE_MARK]
    mark_set.set_active(9)
    assert mark_set.active == 1
    mark_set.remove(1)
    assert mark_set.active == 2
    mark_set.remove(2)
    assert mark_set.active is None


def test_several_are_removed_in_one_step(mark_set: MarkSet) -> None:
    for col in range(4):
        mark_set.add((0, col))
    mark_set.remove(1, 3, 77)
    assert [mark.number for mark in mark_set.marks] == [2, 4]
    assert mark_set._undo_stack.undoText() == "remove 2 marks"
    mark_set._undo_stack.undo()
    assert len(mark_set.marks) == 4


def test_hidden_marks_are_not_shown(mark_set: MarkSet) -> None:
    mark_set.add((1, 1))
    mark_set.add((2, 2))
    mark_set.edit(1, visible=False)
    assert [mark.number for mark in mark_set.visible] == [2]


def test_marks_from_a_file_get_free_numbers_and_keep_their_signs(mark_set: MarkSet) -> None:
    mark_set.add((1, 1))
    read = [
        Mark(1, (3, 3), "#112233", "star", "a"),
        Mark(7, RECTANGLE, "#445566", "cross"),
        Mark(8, (99, 0), "#445566", "cross"),
    ]
    assert mark_set.take_all(read) == 2
    assert [(mark.number, mark.colour, mark.symbol) for mark in mark_set.marks[1:]] == [
        (2, "#112233", "star"), (7, "#445566", "cross"),
    ]  # fmt: skip
    mark_set._undo_stack.undo()
    assert len(mark_set.marks) == 1


def test_no_two_of_many_marks_share_colour_and_symbol() -> None:
    assert len({signs(number) for number in range(1, 169)}) == 168


@pytest.mark.parametrize(
    "place",
    [(3, 4), RECTANGLE, Region(Shape.ELLIPSE, ((1, 2), (9, 30))), Region(Shape.POLYGON, ((1, 1.5), (9, 2), (4, 30.25))),
     Region(Shape.LASSO, ((1, 1), (9, 2), (4, 30), (2, 2))),
     Region(Shape.POLYGON, ((0, 0), (0, 30), (30, 9)), (((2, 5), (2, 9.5), (6, 9)), ((2, 15), (3, 15), (3, 16))))],
)  # fmt: skip
def test_json_makes_the_mark_again(place: tuple[int, int] | Region) -> None:
    mark = Mark(5, place, "#a0b1c2", "wedge", 'a "name", é', False)
    assert Mark.from_json(json.loads(json.dumps(mark.as_json()))) == mark


@pytest.mark.parametrize(
    "change",
    [{"number": 0}, {"number": "x"}, {"shape": "circle"}, {"vertices": []}, {"vertices": [[1]]}, {"vertices": 3},
     {"colour": "red"}, {"symbol": "heart"}, {"vertices": [[float("nan"), 0]]},
     {"shape": "rectangle", "vertices": [[0, 0], [9, 9]], "holes": [[[1, 2], [2, 3], [1, 9]]]},
     {"shape": "polygon", "vertices": [[0, 0], [0, 9], [9, 9]], "holes": [[[1, 2], [1, 3]]]}],
)  # fmt: skip
def test_what_is_no_mark_is_refused(change: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="this is not a valid mark"):
        Mark.from_json({**new_mark((1, 2), ()).as_json(), **change})


def test_titles_say_what_a_mark_is() -> None:
    assert new_mark((3, 4), ()).label == "pin 1 (row 3, col 4)"
    assert new_mark(RECTANGLE, (1,)).label == "rectangle 2 (rows 10-20, cols 10-30)"
    assert Mark(1, (3, 4), "#000000", "star", "leaf").label == "leaf (row 3, col 4)"


def test_marks_with_measured_spectra_are_added_as_one_step(mark_set: MarkSet) -> None:
    outside = Region.rectangle(70, 10, 80, 20)
    assert mark_set.add_measured([((3, 4), LEAF), (outside, LEAF), (RECTANGLE, BARK)]) == 2
    pin, region = mark_set.marks
    assert (pin.title, pin.place, pin.reading) == ("leaf", (3, 4), LEAF)
    assert (region.title, region.place, region.reading) == ("bark", RECTANGLE, BARK)
    assert [(mark.number, mark.colour, mark.symbol) for mark in mark_set.marks] == [(n, *signs(n)) for n in (1, 2)]
    assert [(each.number, each.place) for each in mark_set.readings] == [(1, (3, 4)), (2, RECTANGLE)]
    anchor = mark_set.readings[1].anchor()
    assert (anchor.row, anchor.col, anchor.spectrum) == (15, 20, BARK.spectrum)
    assert anchor.origin == "bark.csv, SHA-256 ab"
    mark_set._undo_stack.undo()
    assert mark_set.marks == () and mark_set.readings == ()


def test_steps_with_readings_are_named_and_those_without_an_effect_are_none(mark_set: MarkSet) -> None:
    stack = mark_set._undo_stack
    mark_set.add((1, 2))
    mark_set.add((3, 4))
    for step, text in (
        (lambda: mark_set.attach(1, LEAF), "attach measured spectrum to pin 1"),
        (lambda: mark_set.use_readings(False, 1, 2), "switch off measured spectrum of pin 1"),
        (lambda: mark_set.attach(2, BARK), "attach measured spectrum to pin 2"),
        (lambda: mark_set.detach(1, 2), "detach measured spectrum from 2 marks"),
    ):
        step()
        assert stack.undoText() == text
    count = stack.count()
    mark_set.detach(1)
    mark_set.use_readings(True, 1)
    mark_set.attach(9, LEAF)
    assert stack.count() == count


def test_a_moved_or_renamed_mark_keeps_its_reading(mark_set: MarkSet) -> None:
    mark_set.add_measured([((3, 4), LEAF)])
    before = mark_set.readings
    mark_set.edit(1, name="a leaf")
    assert mark_set.readings == before  # nothing that the reconstruction depends on
    mark_set.shift(1, 2, 0)
    assert mark_set.readings != before and mark_set.readings[0].place == (5, 4)
    mark_set.use_readings(False, 1)
    assert not mark_set.readings[0].reading.is_used and mark_set.readings[0].reading.spectrum is LEAF.spectrum


def test_a_region_whose_centre_is_outside_it_is_no_spot(mark_set: MarkSet) -> None:
    bow = Region(Shape.POLYGON, ((10, 10), (10, 50), (40, 50), (40, 40), (15, 40), (15, 10)))
    mark_set.add_measured([(bow, LEAF)])
    with pytest.raises(ValueError, match="leaf belongs to the centre of its region, which is outside"):
        mark_set.readings[0].anchor()
