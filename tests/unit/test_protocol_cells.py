"""A report on several cells is cut into what each of them said, its marks included, or refused whole."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from images.probe import wire
from matrix import protocol
from matrix.messages import Tried
from matrix.protocol import ProtocolError
from tests.protocol_samples import LOADED, MARKED, put, read


def test_each_cell_of_a_company_gets_its_own_bytes() -> None:
    """The body is cut by the lengths, in the order of the cells; marks come with the cell that has them."""
    first, second = protocol.load_reports(wire.pack({"cells": [LOADED, MARKED]}, b"\1\2\3"), 2)
    assert [values.tolist() for one in (first, second) for _, values in one.outputs] == [[1, 2], [3]]
    assert (first.raised is None, second.raised is None) == (False, True)
    assert first.tried is None
    assert second.tried == Tried(save_failure=None, step_failure="ValueError: no loss", iterations=3, slots=4, filled=2)


def test_a_model_without_optimizer_counts_nothing() -> None:
    """What a child says of no optimizer is no optimizer, not one that counts nothing."""
    fields = put(put(MARKED, ("marks", "optimizer"), None), ("marks", "trained_step", "why"), "no optimizer")
    (report,) = protocol.load_reports(wire.pack({"cells": [fields]}, b"\3"), 1)
    assert report.tried == Tried(save_failure=None, step_failure="no optimizer", iterations=None, slots=0, filled=0)


@pytest.mark.parametrize("asked", [0, 1, 3])
def test_a_report_on_another_number_of_cells_is_refused(asked: int) -> None:
    """What was said of one cell must not be taken for another's."""
    with pytest.raises(ProtocolError, match=f"asked for {asked} cells"):
        protocol.load_reports(wire.pack({"cells": [LOADED, MARKED]}, b"\1\2\3"), asked)


@pytest.mark.parametrize("cells", [None, {}, "two", {"0": LOADED, "1": MARKED}, [LOADED, None], [LOADED, [MARKED]]])
def test_cells_that_are_no_list_of_objects_are_refused(cells: object) -> None:
    """Also where their number would fit."""
    with pytest.raises(ProtocolError):
        protocol.load_reports(wire.pack({"cells": cells}, b"\1\2\3"), 2)


@pytest.mark.parametrize("body", [b"\1\2\3\4", b"\1\2\3" * 2])
def test_bytes_that_belong_to_no_cell_are_refused(body: bytes) -> None:
    """A body longer than its parts is no honest child's."""
    with pytest.raises(ProtocolError, match="belong to no cell"):
        read("load_reports", {"cells": [LOADED, MARKED]}, body)


def test_a_body_shorter_than_its_parts_is_refused() -> None:
    """The last cell's outputs would be another's, or nobody's."""
    with pytest.raises(ProtocolError):
        read("load_reports", {"cells": [LOADED, MARKED]}, b"\1\2")


def test_a_cell_of_negative_length_is_refused() -> None:
    """Lengths only go forward: -1 and 4 make 3, and two cells of the same bytes."""
    cells = [put(LOADED, ("length",), -1), put(MARKED, ("length",), 4)]
    with pytest.raises(ProtocolError, match="length -1"):
        read("load_reports", {"cells": cells})


@pytest.mark.parametrize(
    ("place", "value"),
    [
        (("saved_again",), None),
        (("saved_again",), {}),
        (("saved_again",), {"ok": False}),
        (("trained_step",), "yes"),
        (("optimizer",), [3]),
        (("optimizer",), {"iterations": 3}),
        (("optimizer", "iterations"), "many"),
        (("optimizer", "slots"), None),
        (("optimizer", "filled"), float("nan")),
    ],
    ids=repr,
)
def test_marks_that_say_half_of_it_are_refused(place: tuple[str, ...], value: object) -> None:
    """A mark is yes, no or not applicable: a child that says none of it said no report."""
    with pytest.raises(ProtocolError):
        read("load_report", {"cells": [put(MARKED, ("marks", *place), value)]}, b"\3")


def test_marks_that_are_missing_are_refused_and_none_at_all_are_none() -> None:
    """Each of the three is there, or the cell was not marked."""
    for name in MARKED["marks"]:
        some = {key: value for key, value in MARKED["marks"].items() if key != name}
        with pytest.raises(ProtocolError):
            read("load_report", {"cells": [{**MARKED, "marks": some}]}, b"\3")
    assert protocol.load_report(wire.pack({"cells": [{**MARKED, "marks": None}]}, b"\3")).tried is None


def test_why_a_mark_is_no_is_cleaned_and_bounded() -> None:
    """It is an exception's text, which a model may have written."""
    fields = put(MARKED, ("marks", "saved_again"), {"ok": False, "why": "\x1b[31m" + "x" * 5000})
    tried = protocol.load_report(wire.pack({"cells": [fields]}, b"\3")).tried
    assert tried is not None
    assert tried.save_failure == "x" * 1000


@settings(derandomize=True, max_examples=80, deadline=None)
@given(bodies=st.lists(st.binary(max_size=6), max_size=6))
def test_outputs_of_any_company_come_back_as_they_went(bodies: list[bytes]) -> None:
    """Whatever each cell answered, also nothing, is that cell's again."""
    cells = [
        {
            "reached": "called",
            "outputs": [{"name": "y", "dtype": "uint8", "shape": [len(body)], "bytes": len(body)}],
            "length": len(body),
        }
        for body in bodies
    ]
    reports = protocol.load_reports(wire.pack({"cells": cells}, b"".join(bodies)), len(bodies))
    assert [report.outputs[0][1].tobytes() for report in reports] == bodies
