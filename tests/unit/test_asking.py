"""Asking for a run on the command line: what is put into the queue, how it is listed, and how it is taken back."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest

from matrix.errors import UsageError
from matrix.model import RequestState
from matrix.store import Request, open_store
from service import asking, cli, wiring
from service.alive import sign_of
from tests.store_samples import NOON

Capture = pytest.CaptureFixture[str]
RUNNER = "host:1:a"

pytestmark = pytest.mark.usefixtures("home")


@pytest.fixture
def call(monkeypatch: pytest.MonkeyPatch, capsys: Capture) -> Any:
    """Run a command; return its exit code, what it said, and what went wrong."""

    def called(*words: str) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["tfmatrix", *words])
        code = cli.run_guarded(cli.app)
        written = capsys.readouterr()
        return code, written.out, written.err

    return called


def stored(home: Path, number: int) -> Request:
    """A request as the queue has it."""
    with open_store(home / "matrix.db") as store:
        return store.queue.get(number)


def test_a_request_waits_with_its_words(home: Path, call: Any) -> None:
    """It is put into the queue as it was written, and its place is said."""
    code, said, _ = call("request", "--environments", "2.4,2.15", "--models", "dense", "--again")
    assert (code, said.splitlines()[0]) == (0, "request 1: number 1 of those that wait")
    code, said, _ = call("request", "--json")
    document = json.loads(said)
    assert (code, document["schema"], document["request"]["id"], document["request"]["position"]) == (0, 1, 2, 2)
    assert stored(home, 1).body == {
        "environments": "2.4,2.15",
        "models": "dense",
        "formats": "all",
        "methods": "all",
        "again": True,
    }


def test_without_a_runner_it_is_said_how_to_start_one(home: Path, call: Any) -> None:
    """And not while one shows signs of life."""
    assert "`tfmatrix runner` starts one" in call("request")[1]
    sign_of(home).touch()
    assert "`tfmatrix runner`" not in call("request")[1]


def test_a_request_for_what_does_not_exist_is_refused(home: Path, call: Any) -> None:
    """Exit code 2 with what may have been meant; nothing is put into the queue, no database is made."""
    code, _, error = call("request", "--models", "dnese")
    assert (code, "Did you mean 'dense'?" in error) == (2, True)
    assert not (home / "matrix.db").exists()


def test_what_runs_waits_and_has_ended_is_listed(home: Path, call: Any) -> None:
    """In this order, each with what was asked and what there is to say; the same as JSON."""
    for model in ("dense", "conv", "lambda"):
        call("request", "--models", model)
    with open_store(home / "matrix.db") as store:
        store.queue.claim(RUNNER, NOON)
        store.queue.fail(1, RUNNER, NOON, "No [b]room[/] is left.")
        store.queue.claim(RUNNER, NOON)
    code, said, _ = call("requests")
    lines = [line for line in said.splitlines() if "models" in line]
    assert code == 0
    assert [
        [word in line for word in words]
        for line, words in zip(
            lines,
            (
                ("models conv", "running"),
                ("models lambda", "waiting, number 1"),
                ("models dense", "failed", "No [b]room[/] is left."),
            ),
            strict=True,
        )
    ] == [[True] * 2, [True] * 2, [True] * 3]
    found = json.loads(call("requests", "--json")[1])["requests"]
    assert [(one["id"], one["state"], one["position"]) for one in found] == [
        (2, "running", None),
        (3, "waiting", 1),
        (1, "failed", None),
    ]


def test_an_empty_queue_says_how_to_ask(home: Path, call: Any) -> None:
    """No empty table."""
    open_store(home / "matrix.db").close()
    assert "`tfmatrix request`" in call("requests")[1]


def test_a_request_is_taken_back(home: Path, call: Any) -> None:
    """One that waits, and one that runs; not one that has ended, nor one that never was."""
    call("request")
    call("request")
    with open_store(home / "matrix.db") as store:
        store.queue.claim(RUNNER, NOON)
    assert call("requests", "--cancel", "2")[:2] == (0, "request 2: cancelled\n")
    assert "its runner stops" in call("requests", "--cancel", "1")[1]
    assert stored(home, 1).state is stored(home, 2).state is RequestState.CANCELLED
    code, _, error = call("requests", "--cancel", "1")
    assert (code, "Request 1 has ended: it is cancelled." in error) == (2, True)
    code, _, error = call("requests", "--cancel", "9")
    assert (code, "There is no request 9." in error) == (2, True)


def test_a_body_may_have_lists_and_leave_out_what_is_everything() -> None:
    """What the web writes and what the command line writes select alike."""
    written = asking.chosen({"environments": "2.4,2.15", "models": "dense,conv"})
    listed = asking.chosen({"environments": ["2.4", "2.15"], "models": ["dense", "conv"], "formats": "all"})
    assert written == listed == wiring.select("2.4,2.15", "dense,conv", "all", "all")


@pytest.mark.parametrize("body", [{"models": 7}, {"formats": None}, {"methods": {"a": 1}}, {"models": [["dense"]]}])
def test_a_body_of_something_else_is_a_usage_error(body: dict[str, Any]) -> None:
    """No traceback, whoever wrote it."""
    with pytest.raises(UsageError):
        asking.chosen(body)
