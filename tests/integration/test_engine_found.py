"""Finding an engine, against real sockets and none."""

from __future__ import annotations

from pathlib import Path

import pytest

from images.bootstrap.engine import connect
from matrix.errors import EngineError, ExitCode


@pytest.mark.parametrize("address", ["unix:///nonexistent/docker.sock", "tcp://127.0.0.1:9"])
def test_an_address_where_nothing_answers_is_an_engine_error(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, address: str
) -> None:
    """No traceback of the SDK: what happened, the next step, exit code 4."""
    monkeypatch.setenv("DOCKER_HOST", address)
    monkeypatch.setenv("TFMATRIX_HOME", str(tmp_path))
    with pytest.raises(EngineError, match="No container engine answers") as caught:
        connect()
    assert caught.value.exit_code is ExitCode.ENGINE
    assert "tfmatrix setup" in caught.value.next_step
