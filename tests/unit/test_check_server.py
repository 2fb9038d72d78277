"""``tfmatrix check --server``: handed in at a site, followed until the row is whole; what the site says is told."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from matrix.errors import EngineError, UsageError
from matrix.store import open_store
from service import remote
from service.cli import app
from tests.fake_uploads import World, work_on
from tests.site import HERE, Visitor, visiting


@contextmanager
def a_site(home: Path, monkeypatch: pytest.MonkeyPatch, world: World, **settings: Any) -> Iterator[Visitor]:
    """A site whose runner has made-up environments; whoever speaks HTTP reaches it, and nothing else."""
    with open_store(home / "matrix.db") as store, visiting(home, base_url=HERE, **settings) as visitor:
        monkeypatch.setattr("service.remote.httpx.Client", lambda **given: _as_client(visitor, given))
        work, stop = work_on(home, store, world), threading.Event()

        def attend() -> None:
            while not stop.wait(0.01):
                work.look()

        thread = threading.Thread(target=attend)
        with work.running():
            thread.start()
            try:
                yield visitor
            finally:
                stop.set()
                thread.join()


def _as_client(visitor: Visitor, given: dict[str, Any]) -> Visitor:
    """The visitor, as the client that was asked for."""
    client = Visitor(visitor.app, base_url=given["base_url"], raise_server_exceptions=False)
    client.headers.update(given["headers"])
    return client


@pytest.fixture
def model(tmp_path: Path) -> Path:
    """A file."""
    path = tmp_path / "model.h5"
    path.write_bytes(b"model")
    return path


def test_a_site_answers_a_gate(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, model: Path) -> None:
    """Exit code 0 where it loads in what was asked; 1 where it does not."""
    world = World(rule=lambda environment, _: 1.0 if environment.minor < (2, 16) else "File format not supported")
    with a_site(tmp_path, monkeypatch, world):
        fine = CliRunner().invoke(app, ["check", str(model), "--server", HERE, "--serve-with", "2.9,2.15"])
        bad = CliRunner().invoke(app, ["check", str(model), "--server", HERE, "--serve-with", "2.15..2.16"])
    assert fine.exit_code == 0, fine.output
    assert "2.15" in fine.output
    assert bad.exit_code == 1, bad.output


def test_a_site_that_wants_a_token_gets_it_from_the_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, model: Path
) -> None:
    """Without it, what the site says is said, and what to do."""
    words = ["check", str(model), "--server", HERE, "--serve-with", "2.9"]
    with a_site(tmp_path, monkeypatch, World(), uploads="token", upload_token="secret"):  # noqa: S106
        refused = CliRunner().invoke(app, words)
        taken = CliRunner().invoke(app, words, env={"TFMATRIX_UPLOAD_TOKEN": "secret"})
    assert isinstance(refused.exception, UsageError)
    assert HERE in refused.exception.message
    assert taken.exit_code == 0, taken.output


def test_a_site_that_is_away_is_waited_for_then_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """A moment's absence is no answer; a long one ends the command."""
    answers: list[object] = [EngineError("away"), {"state": "done"}, EngineError("away")]

    def asked(*_: object, **__: object) -> dict[str, Any]:
        answer = answers.pop(0)
        if isinstance(answer, EngineError):
            raise answer
        assert isinstance(answer, dict)
        return answer

    monkeypatch.setattr(remote, "_asked", asked)
    client: Any = None
    there = remote._There(client, "/u/x.json")
    assert there.look() is None
    assert there.look() == {"state": "done"}
    monkeypatch.setattr(remote, "PATIENCE_SECONDS", -1.0)
    with pytest.raises(EngineError):
        there.look()
