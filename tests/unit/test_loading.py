"""What counts of cells that shared a process, what is loaded again alone, and how repeats share a fresh one."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import groupby
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from images.probe import wire
from matrix.loading import COMPANY, Loads, groups
from matrix.messages import Ending, EndKind, LoadJob
from matrix.model import CellKey, CellRequest, Format, Method, Rung, Verdict
from matrix.plan import LoadTask
from matrix.repeat import NEVER, NeverRepeats, Repeats
from matrix.results import CellResult
from tests.store_samples import artifact

ENDED = Ending(
    kind=EndKind.EXIT, code=0, wall_seconds=6.0, peak_memory=1, lane="fork", noise="", tampered=False, clean=True
)
OUTPUTS = (("y", np.array([1], "int8")),)
Says = Callable[[str, bool, bool], str]
"""Of an artifact, in company or not, in a fresh process or not: pass, drift, die, or the message that it fails with."""


class FakeSession:
    """Answers jobs by a function, and remembers them: the artifacts of each, and whether it was in a fresh process."""

    def __init__(self, says: Says, frame: Callable[[list[dict[str, Any]], bytes], bytes] | None = None) -> None:
        self.jobs: list[tuple[list[str], bool]] = []
        self._says = says
        self._frame = frame or (lambda cells, body: wire.pack({"cells": cells}, body))

    def place(self, _blobs: object, _artifact: object) -> None: ...

    def run(self, job: LoadJob, *, fresh: bool = False) -> tuple[Ending, bytes]:
        self.jobs.append(([cell.artifact for cell in job.cells], fresh))
        said = [self._says(cell.artifact, len(job.cells) > 1, fresh) for cell in job.cells]
        if "die" in said:
            return replace(ENDED, kind=EndKind.SIGNAL, code=11), b""
        cells, bodies = zip(*map(_report, said), strict=True)
        return ENDED, self._frame(list(cells), b"".join(bodies))


def _report(said: str) -> tuple[dict[str, Any], bytes]:
    if said == "silent":
        return {"reached": "opened", "length": 0}, b""
    if said not in {"pass", "drift"}:
        return {"reached": "opened", "exception": {"class": "ValueError", "message": said}, "length": 0}, b""
    outputs = [{"name": "y", "dtype": "int8", "shape": [1], "bytes": 1}]
    return {"reached": "called", "outputs": outputs, "length": 1}, b"\1" if said == "pass" else b"\2"


def unsampled() -> list[int]:
    """Numbers of artifacts that no sample repeats, in the loader of these tests."""
    from matrix.repeat import _is_sampled  # noqa: PLC0415  the choice is the module's own

    return [number for number in range(200) if not _is_sampled(task(number).key)]


def task(number: int, *, model: str = "dense", method: Method = Method.DEFAULT, marks: bool = False) -> LoadTask:
    """The cell of one artifact."""
    made = artifact(number)
    return LoadTask(
        key=CellKey(artifact=made.sha256, loader="b" * 64, method=method),
        request=CellRequest(saver=f"tf2.{number}", model=model, format=Format.H5, loader="tf2.9", method=method),
        artifact=made,
        marks=marks,
    )


TASKS = [task(number) for number in unsampled()[:60]]
NAMES = {one.artifact.sha256: place for place, one in enumerate(TASKS)}


def says(together: str, alone: str, fresh: str | None = None) -> Says:
    """One word for every cell, by where it is loaded."""
    return lambda _, company, anew: (fresh or alone) if anew else together if company else alone


def loaded(
    session: FakeSession,
    tasks: Sequence[LoadTask],
    repeats: Repeats | NeverRepeats = NEVER,
    *,
    stopped: Callable[[], bool] = lambda: False,
) -> list[CellResult]:
    """Load cells in a session; return what is found, in the order of the tasks."""
    fake: Any = session
    loads = Loads(fake, fake, outputs=lambda _: OUTPUTS, repeats=repeats, stopped=stopped, spent=defaultdict(float))
    found = {result.key: result for result in loads.run(tasks)}
    return [found[one.key] for one in tasks if one.key in found]


def sizes(session: FakeSession) -> list[tuple[int, bool]]:
    """How many cells each job had, and whether it was in a fresh process."""
    return [(len(names), fresh) for names, fresh in session.jobs]


def verdicts(results: Sequence[CellResult]) -> list[Verdict]:
    """The verdicts alone."""
    return [one.verdict for one in results]


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


def test_tampering_makes_everyone_be_measured_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """Who wrote more than one frame is not known, so nobody's word counts."""
    monkeypatch.setitem(globals(), "ENDED", replace(ENDED, tampered=True))
    session = FakeSession(says("pass", "pass"))
    assert all(one.tampered for one in loaded(session, TASKS[:2]))
    assert sizes(session) == [(2, False), (1, False), (1, False)]


def test_what_the_probe_does_not_know_accuses_us_whoever_was_there() -> None:
    """Such a report never counts from company."""

    def frame(cells: list[dict[str, Any]], _: bytes) -> bytes:
        return wire.pack({"cells": [{"unsupported": "no such format", "length": 0} for _ in cells]})

    session = FakeSession(says("pass", "pass"), frame)
    assert verdicts(loaded(session, TASKS[:2])) == [Verdict.HARNESS_BROKEN] * 2
    assert sizes(session) == [(2, False), (1, False), (1, False)]


def test_repeats_share_one_fresh_process() -> None:
    """One failure of each kind is repeated, with those of other kinds; where it agrees that is all."""
    kinds = ["no layer", "no layer", "no weights"]
    session = FakeSession(lambda name, _, __: kinds[NAMES[name]])
    results = loaded(session, TASKS[:3], Repeats({}))
    assert [one.repeated for one in results] == [Verdict.FAIL, None, Verdict.FAIL]
    assert [[NAMES[name] for name in names] for names, fresh in session.jobs if fresh] == [[0, 2]]


def test_where_a_shared_repeat_disagrees_each_is_repeated_alone_and_counts() -> None:
    """A fresh process of its own has the last word; the other verdict is kept beside it."""
    kinds = ["no layer", "no weights"]

    def truth(name: str, company: bool, fresh: bool) -> str:  # noqa: FBT001
        if fresh and not NAMES[name]:
            return "pass"  # what the first file does in any fresh process
        return "drift" if fresh and company else kinds[NAMES[name]]  # the second: in company only

    session = FakeSession(truth)
    results = loaded(session, TASKS[:2], Repeats({}))
    assert [(one.verdict, one.repeated) for one in results] == [
        (Verdict.PASS, Verdict.FAIL),
        (Verdict.FAIL, Verdict.FAIL),
    ]
    assert [([NAMES[name] for name in names]) for names, fresh in session.jobs if fresh] == [[0, 1], [0], [1]]


def test_where_a_shared_repeat_dies_each_is_repeated_alone() -> None:
    """The fresh process's end is nobody's verdict."""
    kinds = ["no layer", "no weights"]
    session = FakeSession(lambda name, company, fresh: "die" if fresh and company else kinds[NAMES[name]])
    results = loaded(session, TASKS[:2], Repeats({}))
    assert [(one.verdict, one.repeated) for one in results] == [(Verdict.FAIL, Verdict.FAIL)] * 2
    assert [size for size, fresh in sizes(session) if fresh] == [2, 1, 1]


def test_a_crash_is_repeated_at_once_until_one_of_its_kind_is_confirmed() -> None:
    """The second of a kind is believed once a fresh process has given the same."""
    session = FakeSession(says("die", "die"))
    results = loaded(session, TASKS[:3], Repeats({}))
    assert verdicts(results) == [Verdict.CRASH] * 3
    assert [one.repeated for one in results] == [Verdict.CRASH, None, None]
    assert sizes(session) == [(3, False), (1, False), (1, True), (1, False), (1, False)]


def test_a_crash_that_no_fresh_process_confirms_is_repeated_each_time() -> None:
    """The fork's own doing never counts, however often it comes."""
    session = FakeSession(says("die", "die", fresh="pass"))
    results = loaded(session, TASKS[:3], Repeats({}))
    assert [(one.verdict, one.repeated) for one in results] == [(Verdict.PASS, Verdict.CRASH)] * 3


def test_a_changed_verdict_is_repeated_at_once_alone() -> None:
    """It does not wait for others of its batch."""
    known = loaded(FakeSession(says("drift", "drift")), TASKS[:1])[0]
    session = FakeSession(says("pass", "pass"))
    results = loaded(session, TASKS[:1], Repeats({known.key: known}))
    assert [(one.verdict, one.repeated) for one in results] == [(Verdict.PASS, Verdict.PASS)]
    assert sizes(session) == [(1, False), (1, True)]


@pytest.mark.parametrize("after", range(1, 6))
def test_a_stop_yields_nothing_more(after: int) -> None:
    """What was settled before the stop is found; what the stop cut off is not, whatever it looked like."""
    session = FakeSession(lambda *_: "pass" if len(session.jobs) <= after else "die")
    tasks = [replace(one, request=replace(one.request, model=str(place))) for place, one in enumerate(TASKS[:5])]
    results = loaded(session, tasks, Repeats({}), stopped=lambda: len(session.jobs) > after)
    assert verdicts(results) == [Verdict.PASS] * min(after, 5)


def test_a_stop_during_a_repeat_yields_no_second_opinion() -> None:
    """A crash whose repeat the stop took down was not seen twice: it is measured by the next run."""
    repeats = Repeats({})
    session = FakeSession(says("die", "die"))
    assert loaded(session, TASKS[:1], repeats, stopped=lambda: len(session.jobs) > 1) == []
    crashed = loaded(FakeSession(says("die", "die")), TASKS[:1])[0]
    assert repeats.at_once(TASKS[1].request, crashed)


def test_a_stop_before_waiting_repeats_leaves_them_out() -> None:
    """A failure that was to be repeated before it counts has not been: it is not found."""
    session = FakeSession(says("no layer", "no layer"))
    assert loaded(session, TASKS[:1], Repeats({}), stopped=lambda: len(session.jobs) > 1) == []
    assert sizes(session) == [(1, False), (1, True)]


def test_many_kinds_are_repeated_as_they_come() -> None:
    """A batch of many odd cells does not wait for its end: some two dozen at a time share a fresh process."""
    session = FakeSession(lambda name, _, __: f"no layer {'x' * (1 + NAMES[name])}")
    assert len(loaded(session, TASKS[: 2 * COMPANY + 2], Repeats({}))) == 2 * COMPANY + 2
    assert [size for size, fresh in sizes(session) if fresh] == [COMPANY, COMPANY, 2]


def test_time_is_told_apart_by_what_it_was_spent_on() -> None:
    """Together, alone, repeated."""
    fake: Any = FakeSession(says("no layer", "no layer"))
    spent: defaultdict[str, float] = defaultdict(float)
    loads = Loads(fake, fake, outputs=lambda _: OUTPUTS, repeats=Repeats({}), stopped=lambda: False, spent=spent)
    assert len(list(loads.run(TASKS[:3]))) == 3
    assert set(spent) == {"together", "alone", "repeated"}


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
