"""What counts of cells that shared a process, and what is loaded again alone."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from itertools import groupby
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from images.probe import wire
from matrix.loading import COMPANY, groups
from matrix.model import Method, Rung, Verdict
from tests.fake_session import ENDED, NAMES, TASKS, FakeSession, loaded, says, sizes, task, verdicts


def test_a_pass_counts_from_company() -> None:
    """Three that pass together cost one process, and each an equal part of its time."""
    session = FakeSession(says("pass", "never asked"))
    results = loaded(session, TASKS[:3])
    assert verdicts(results) == [Verdict.PASS] * 3
    assert [one.effort.wall_seconds for one in results] == [2.0] * 3
    assert sizes(session) == [(3, False)]


def test_one_cell_is_in_nobodys_company() -> None:
    """It is loaded once, alone."""
    session = FakeSession(says("never asked", "pass"))
    assert verdicts(loaded(session, TASKS[:1])) == [Verdict.PASS]
    assert sizes(session) == [(1, False)]


def test_a_failure_of_a_kind_that_was_seen_alone_counts() -> None:
    """The first is loaded again alone and fails alike; of the others the company's word is enough."""
    session = FakeSession(says("no layer 1", "no layer 2"))
    results = loaded(session, TASKS[:4])
    assert verdicts(results) == [Verdict.FAIL] * 4
    assert sizes(session) == [(4, False), (1, False)]
    assert [one.failure.message for one in results if one.failure] == ["no layer 2", *["no layer 1"] * 3]


def test_another_kind_of_failure_is_measured_alone() -> None:
    """Each kind has to be seen alone once."""
    kinds = ["no layer", "no layer", "no weights", "no weights"]
    session = FakeSession(lambda name, _, __: kinds[NAMES[name]])
    assert verdicts(loaded(session, TASKS[:4])) == [Verdict.FAIL] * 4
    assert [[NAMES[name] for name in names] for names, _ in session.jobs] == [[0, 1, 2, 3], [0], [2]]


def test_a_failure_that_is_not_seen_alone_does_not_count() -> None:
    """Where company alone makes a file fail, every file is measured alone, and that counts."""
    session = FakeSession(says("no layer", "pass"))
    assert verdicts(loaded(session, TASKS[:3])) == [Verdict.PASS] * 3
    assert sizes(session) == [(3, False), *[(1, False)] * 3]


def test_another_group_has_seen_nothing_alone() -> None:
    """What failed alone for one model says nothing of another's files."""
    session = FakeSession(says("no layer", "no layer"))
    loaded(session, [*TASKS[:2], *(replace(one, request=replace(one.request, model="conv")) for one in TASKS[2:4])])
    assert sizes(session) == [(2, False), (1, False)] * 2


def test_a_drift_is_measured_alone() -> None:
    """Every one: numbers that differ could be the company's doing."""
    session = FakeSession(says("drift", "pass"))
    assert verdicts(loaded(session, TASKS[:3])) == [Verdict.PASS] * 3
    session = FakeSession(says("drift", "drift"))
    assert verdicts(loaded(session, TASKS[:3])) == [Verdict.DRIFT] * 3
    assert sizes(session) == [(3, False), *[(1, False)] * 3]


def test_a_failure_without_an_error_is_of_no_kind() -> None:
    """A report that neither answers nor says why vouches for nobody, least of all for a drift."""
    words = ["silent", "drift"]
    session = FakeSession(lambda name, company, _: words[NAMES[name]] if company or not NAMES[name] else "pass")
    assert verdicts(loaded(session, TASKS[:2])) == [Verdict.FAIL, Verdict.PASS]


def test_where_the_process_dies_everyone_is_measured_alone() -> None:
    """One file that takes the process down costs the others nothing but time."""
    words = ["pass", "die", "pass"]
    session = FakeSession(lambda name, _, __: words[NAMES[name]])
    assert verdicts(loaded(session, TASKS[:3])) == [Verdict.PASS, Verdict.CRASH, Verdict.PASS]
    assert sizes(session) == [(3, False), *[(1, False)] * 3]


@pytest.mark.parametrize(
    "frame",
    [
        lambda cells, body: (
            wire.pack({"cells": cells[:1]}, body[:1]) if len(cells) > 1 else wire.pack({"cells": cells}, body)
        ),
        lambda cells, body: b"nonsense" if len(cells) > 1 else wire.pack({"cells": cells}, body),
        lambda cells, body: b"" if len(cells) > 1 else wire.pack({"cells": cells}, body),
    ],
    ids=["a cell is missing", "no frame", "silence"],
)
def test_a_report_that_is_none_makes_everyone_be_measured_alone(
    frame: Callable[[list[dict[str, Any]], bytes], bytes],
) -> None:
    """Of a company whose process did not report on each of its cells nothing counts."""
    session = FakeSession(says("pass", "pass"), frame)
    assert verdicts(loaded(session, TASKS[:2])) == [Verdict.PASS] * 2
    assert sizes(session) == [(2, False), (1, False), (1, False)]


def test_tampering_makes_everyone_be_measured_alone() -> None:
    """Who wrote more than one frame is not known, so nobody's word counts."""
    session = FakeSession(says("pass", "pass"), ended=replace(ENDED, tampered=True))
    assert all(one.tampered for one in loaded(session, TASKS[:2]))
    assert sizes(session) == [(2, False), (1, False), (1, False)]


def test_what_the_probe_does_not_know_accuses_us_whoever_was_there() -> None:
    """Such a report never counts from company."""

    def frame(cells: list[dict[str, Any]], _: bytes) -> bytes:
        return wire.pack({"cells": [{"unsupported": "no such format", "length": 0} for _ in cells]})

    session = FakeSession(says("pass", "pass"), frame)
    assert verdicts(loaded(session, TASKS[:2])) == [Verdict.HARNESS_BROKEN] * 2
    assert sizes(session) == [(2, False), (1, False), (1, False)]


words = st.sampled_from(["pass", "drift", "no layer", "no weights", "die"])


@settings(derandomize=True, max_examples=120, deadline=None)
@given(st.lists(st.tuples(words, st.sampled_from(["same", "drift", "odd", "die"])), min_size=1, max_size=30))
def test_company_gives_the_verdicts_of_processes_of_their_own(cells: list[tuple[str, str]]) -> None:
    """Whatever company spoils, so long as it makes nothing pass and no kind of failure out of another."""

    def truth(name: str, company: bool, _: bool) -> str:  # noqa: FBT001
        alone, together = cells[NAMES[name]]
        return alone if together == "same" or not company else together

    tasks = TASKS[: len(cells)]
    by_themselves = [result for one in tasks for result in loaded(FakeSession(truth), [one])]
    in_company = loaded(FakeSession(truth), tasks)
    assert verdicts(in_company) == verdicts(by_themselves)
    assert [one.failure for one in in_company] == [one.failure for one in by_themselves]
    assert all(one.rung is not Rung.NOTHING or one.verdict is Verdict.CRASH for one in in_company)


likenesses = st.tuples(
    st.sampled_from(["dense", "conv"]),
    st.sampled_from([Method.DEFAULT, Method.WEIGHTS]),
    st.booleans(),
    st.integers(1, 60),
)


@settings(derandomize=True, max_examples=60, deadline=None)
@given(st.lists(likenesses, max_size=6))
def test_groups_are_neighbours_alike_and_a_marked_cell_is_by_itself(runs: list[tuple[str, Method, bool, int]]) -> None:
    """Nothing is lost or moved; a group is of one model and method, as large as may be; a step shares no process."""
    tasks = [
        task(number, model=model, method=method, marks=marks)
        for model, method, marks, many in runs
        for number in range(many)
    ]
    found = list(groups(tasks))
    assert [one for group in found for one in group] == tasks
    for group in found:
        assert len({(one.request.model, one.request.method, one.marks) for one in group}) == 1
        assert len(group) <= (1 if group[0].marks else COMPANY)
    alike = [list(same) for _, same in groupby(tasks, lambda one: (one.request.model, one.request.method, one.marks))]
    assert len(found) == sum(len(same) if same[0].marks else -(-len(same) // COMPANY) for same in alike)
