"""Results move from a file to any database and back, and go on there."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from matrix.errors import ExitCode, StoreError
from matrix.results import Difference
from matrix.store import open_store
from matrix.store.tables import metadata
from tests.databases import Place, connected
from tests.store_samples import LATER, NOON, cell, environment, failed_cell, failure, save


def contents(place: Place) -> dict[str, list[Any]]:
    """Every row of every table; ``repr`` tells NaN from numbers, and naive times from aware ones."""
    with connected(place) as connection:
        tables = metadata.sorted_tables
        return {one.name: [*map(repr, connection.execute(select(one).order_by(*one.primary_key)))] for one in tables}


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """A file with runs, histories, and what is hard to keep."""
    path = tmp_path / "source.db"
    with open_store(path) as store:
        store.write.begin_run({"models": ["d\0"]}, {}, NOON)
        store.write.begin_run({}, {}, NOON)
        run = store.write.begin_run({}, {}, NOON)
        store.write.record_environment(environment(), None, None, NOON)
        store.write.record_save(run, save(), NOON)
        odd = Difference(output="\ud800", equal=False, max_absolute=float("nan"), max_relative=float("inf"))
        store.write.record_cell(run, cell(differences=(odd,)), NOON)
        store.write.record_cell(run, failed_cell(failure=replace(failure(), message="a\0b")), LATER)
    return path


def copy(source: Place, target: Place) -> int:
    """What the command does."""
    with open_store(source, create=False) as old, open_store(target) as new:
        return new.write.take(old.read.everything())


def test_every_row_arrives_and_comes_back(source: Path, place: Place, tmp_path: Path) -> None:
    """From a file to here, and from here to another file."""
    assert copy(source, place) == sum(map(len, contents(source).values())) == 10
    assert contents(place) == contents(source)
    copy(place, tmp_path / "back.db")
    assert contents(tmp_path / "back.db") == contents(source)


def test_what_is_copied_is_gone_on_with(source: Path, place: Place) -> None:
    """New rows take the next numbers, and extend the states that came along."""
    copy(source, place)
    with open_store(place) as store:
        run = store.write.begin_run({}, {}, LATER)
        assert run == 4
        store.write.record_cell(run, cell(), LATER)
        found = store.read.cell(save().key, environment().recipe_digest, cell().key.method)
    assert found is not None
    assert [state.is_current for state in found.history] == [False, False, True]


def test_results_are_never_mixed(source: Path, place: Place) -> None:
    """A database that has some is left as it is."""
    with open_store(place) as store:
        store.write.begin_run({}, {}, LATER)
    before = contents(place)
    with pytest.raises(StoreError, match="has results already") as caught:
        copy(source, place)
    assert caught.value.exit_code is ExitCode.DATABASE
    assert "empty" in caught.value.next_step
    assert contents(place) == before
