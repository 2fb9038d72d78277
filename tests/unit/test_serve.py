"""What ``tfmatrix serve`` listens on and passes on; how it goes on is in tests/integration/test_serve_command.py."""

from __future__ import annotations

import json

import pytest

from matrix.config import Settings
from matrix.errors import BusyError, ExitCode, UsageError
from service import serve
from service.keeping import LONGEST_PAUSE, pause_after

Capture = pytest.CaptureFixture[str]


def test_a_taken_port_is_said() -> None:
    """With who may hold it and how to take another."""
    with serve.listen("127.0.0.1", 0) as one, pytest.raises(BusyError, match="taken by another program") as caught:
        serve.listen("127.0.0.1", one.getsockname()[1])
    assert caught.value.exit_code is ExitCode.BUSY
    assert "--port 0" in caught.value.next_step


@pytest.mark.parametrize("host", ["192.0.2.1", "no such host", "x" * 300])
def test_an_address_of_elsewhere_is_said(host: str) -> None:
    """Neither a stranger's address nor nonsense is a traceback."""
    with pytest.raises(UsageError, match="is not an address of this machine") as caught:
        serve.listen(host, 0)
    assert "127.0.0.1" in caught.value.next_step


def test_the_address_is_one_for_a_browser() -> None:
    """With the port that was found; of every network, this machine's own."""
    with serve.listen("127.0.0.1", 0) as one:
        assert serve.address_of(one) == f"http://127.0.0.1:{one.getsockname()[1]}/"
    with serve.listen("0.0.0.0", 0) as one:  # noqa: S104  (what is tried)
        assert serve.address_of(one).startswith("http://127.0.0.1:")


def test_the_runners_lines_are_marked(capsys: Capture) -> None:
    """In text each has its sign; in JSON ours stay as they are and others become lines of ours."""
    serve._teller(Settings(log_format="text"))("request 1: taken up")
    assert capsys.readouterr().err == "runner | request 1: taken up\n"
    serve._teller(Settings(log_format="json"))('{"event": "request 1"}')
    assert json.loads(capsys.readouterr().err) == {"event": "request 1"}


def test_pauses_grow_and_end() -> None:
    """One second, two, four, and never more than a minute."""
    assert [pause_after(deaths) for deaths in (1, 2, 3)] == [1, 2, 4]
    assert pause_after(10**6) == LONGEST_PAUSE
