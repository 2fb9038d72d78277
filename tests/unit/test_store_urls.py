"""Where a database is: a file or a URL; what cannot be one is explained, and a password is never shown."""

from __future__ import annotations

import sys

import pytest
from sqlalchemy import URL

from matrix.config import Settings
from matrix.errors import ExitCode, StoreError
from matrix.store import open_store
from matrix.store.connect import called, location


@pytest.mark.parametrize(
    ("place", "said"),
    [
        ("sqlite://", "in memory"),
        ("nonsense://user:secret@host/name", "neither SQLite nor PostgreSQL"),
        ("mysql+pymysql://user:secret@host/name", "neither SQLite nor PostgreSQL"),
        ("http://[::bad", "not a database URL"),
        ("postgresql://user:secret@host:port/name", "not a database URL"),
    ],
)
def test_a_url_that_cannot_be_used_is_explained(place: str, said: str) -> None:
    """What is wrong with it, and what one looks like."""
    with pytest.raises(StoreError, match=said) as caught:
        open_store(place)
    assert caught.value.exit_code is ExitCode.DATABASE
    assert caught.value.next_step
    assert "secret" not in caught.value.message


def test_a_driver_that_is_missing_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """PostgreSQL's is an extra: who has no need of it does not install it."""
    monkeypatch.setitem(sys.modules, "psycopg", None)
    with pytest.raises(StoreError, match=r"postgresql\+psycopg cannot be loaded") as caught:
        open_store("postgresql://user:secret@host/name")
    assert "tfmatrix[postgres]" in caught.value.next_step
    assert "secret" not in caught.value.message


@pytest.mark.parametrize("scheme", ["postgres", "postgresql", "postgresql+psycopg", "postgresql+psycopg2"])
def test_however_postgresql_is_written_one_driver_is_used(scheme: str) -> None:
    """Hosters write ``postgres://``, others name the driver they have."""
    place = location(f"{scheme}://user:secret@host:5433/name?sslmode=require")
    assert isinstance(place, URL)
    assert place.drivername == "postgresql+psycopg"
    assert (place.username, place.password, place.host, place.port) == ("user", "secret", "host", 5433)


@pytest.mark.parametrize("url", ["postgresql://u:secret@host/name", "postgresql://u@host/name?password=secret"])
def test_a_password_is_not_part_of_a_databases_name(url: str) -> None:
    """Wherever in the URL it stands."""
    assert "secret" not in called(location(url))
    assert "host/name" in called(location(url))


def test_a_password_is_not_kept_with_a_run(monkeypatch: pytest.MonkeyPatch) -> None:
    """A run keeps its settings, and those who read it need not know how to write."""
    monkeypatch.setenv("TFMATRIX_DATABASE", "postgresql://user:secret@host/name")
    settings = Settings()
    assert settings.database_url == "postgresql://user:secret@host/name"
    assert "secret" not in f"{settings!r} {settings.model_dump(mode='json')}"
