"""A server that is away, refuses, or goes in the middle: a sentence, a next step and an exit code, never a traceback."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from matrix.errors import ExitCode, StoreError
from matrix.model import RunStatus
from matrix.store import open_store
from tests.cluster import OWNER, Cluster
from tests.store_samples import LATER, NOON, save

STRANGER = "stranger"


@pytest.fixture(scope="module", autouse=True)
def stranger(cluster: Cluster) -> Iterator[None]:
    """A user of the server who owns nothing there, and has to say a password."""
    cluster.command(f"CREATE ROLE {STRANGER} LOGIN PASSWORD 'right'")
    yield
    cluster.command(f"DROP ROLE {STRANGER}")


def as_user(place: str, user: str) -> str:
    """The same database, as another user, with or without a password."""
    return place.replace(f"{OWNER}@", f"{user}@")


def refused(place: str) -> StoreError:
    """What opening says; the password is never in it."""
    with pytest.raises(StoreError) as caught:
        open_store(place)
    assert caught.value.exit_code is ExitCode.DATABASE
    assert "right" not in caught.value.message
    assert "wrong" not in caught.value.message
    assert "\n" not in caught.value.message
    return caught.value


@pytest.mark.parametrize("user", [f"{STRANGER}:wrong", STRANGER, "unknown:right"])
def test_a_user_who_is_not_let_in(place: str, user: str) -> None:
    """A wrong password, none at all, nobody of that name."""
    error = refused(as_user(place, user))
    assert "does not let this user in" in error.message
    assert "password" in error.next_step


def test_a_database_that_is_not_there(cluster: Cluster) -> None:
    """Making one is a word to the server, and that word is given."""
    error = refused(cluster.url("absent"))
    assert "is not there" in error.message
    assert "createdb" in error.next_step


def test_a_user_who_may_not_make_tables(place: str) -> None:
    """Since PostgreSQL 15 only the owner may, so this is what most meet first."""
    error = refused(as_user(place, f"{STRANGER}:right"))
    assert "permission denied" in error.message
    assert "OWNER TO" in error.next_step


@pytest.mark.parametrize("address", ["127.0.0.1:1/name", "/name?host=/tmp/no/such/folder"])
def test_a_server_that_is_not_there(address: str) -> None:
    """Refused at once, over the network and by socket."""
    error = refused(f"postgresql://someone:right@{address}")
    assert "does not answer" in error.message
    assert "host and port" in error.next_step


def test_a_parameter_that_is_none(place: str) -> None:
    """What follows the question mark is libpq's."""
    error = refused(f"{place}&sslmoed=require")
    assert "sslmoed" in error.message
    assert "Correct the URL" in error.next_step


def test_a_server_that_goes_in_the_middle_of_a_transaction(place: str, cluster: Cluster) -> None:
    """What was recorded before is there; the one that was cut off is not, and is told as a server that went."""
    with open_store(place) as store:
        store.write.begin_run({}, {}, NOON)
        with pytest.raises(StoreError, match="does not answer") as caught, store.write._transaction() as connection:  # noqa: PT012
            hang_up(cluster)
            connection.exec_driver_sql("DELETE FROM runs")
        assert "resume" in caught.value.next_step
        assert [run.id for run in store.read.runs(5)] == [1]


def test_a_server_that_restarted_between_two_questions_is_not_noticed(place: str, cluster: Cluster) -> None:
    """Connections that died while nobody used them are made anew."""
    with open_store(place) as store:
        store.write.begin_run({}, {}, NOON)
        hang_up(cluster)
        assert store.read.run(1).status is RunStatus.RUNNING
        store.write.finish_run(1, RunStatus.FINISHED, LATER)
        assert store.read.run(1).status is RunStatus.FINISHED


def hang_up(cluster: Cluster) -> None:
    """End every connection to the tests' databases, as a server does that goes down."""
    cluster.command("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname LIKE 'test%'")


def test_text_that_is_too_long_is_an_error_of_ours(place: str) -> None:
    """PostgreSQL holds a column to its length, where SQLite does not."""
    with open_store(place) as store, pytest.raises(StoreError, match="too long"):
        store.write.record_save(store.write.begin_run({}, {}, NOON), save(model="x" * 500), NOON)
