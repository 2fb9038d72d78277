"""What compose is told of a machine, and what is refused before anything is started."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any

import pytest

from matrix.config import ROOT, Settings
from matrix.errors import UsageError
from service.stack import (
    NOBODY,
    EngineFacts,
    make_door,
    project,
    refuse_what_containers_cannot_see,
    refuse_what_they_may_not_touch,
    variables,
)

ENGINE = EngineFacts(socket=Path("/run/docker.sock"), group=998, rootless=False)
ROOTLESS = EngineFacts(socket=Path("/run/user/1000/docker.sock"), group=1000, rootless=True)


def settings(home: Path, **others: Any) -> Settings:
    """Settings of a home folder that is there."""
    home.mkdir(exist_ok=True)
    return Settings(home=home, **others)


def owned_by(path: Path, user: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a path, and what is in it, belong to a user; who runs the tests need not be root."""
    real, real_lstat = Path.stat, Path.lstat

    def changed(found: os.stat_result) -> os.stat_result:
        return os.stat_result((*found[:4], user, user, *found[6:]))

    def mine(one: Path) -> bool:
        return one == path or path in one.parents

    monkeypatch.setattr(
        Path, "stat", lambda one, **words: changed(real(one, **words)) if mine(one) else real(one, **words)
    )
    monkeypatch.setattr(Path, "lstat", lambda one: changed(real_lstat(one)) if mine(one) else real_lstat(one))


def test_a_persons_results_are_served_as_that_person(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Files stay theirs; no container has another user."""
    owned_by(tmp_path, 1000, monkeypatch)
    found = variables(settings(tmp_path), ENGINE, "image")
    assert found["WEB_USER"] == found["RUNNER_USER"] == "1000:1000"
    assert found["ENGINE_GROUP"] == "998"


def test_web_is_never_root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where root owns the results the runner is root, and web is nobody."""
    owned_by(tmp_path, 0, monkeypatch)
    found = variables(settings(tmp_path), ENGINE, "image")
    assert (found["WEB_USER"], found["RUNNER_USER"]) == (NOBODY, "0:0")


def test_a_rootless_engines_root_is_a_person(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Any other user inside would be a stranger outside, who may not read the results."""
    owned_by(tmp_path, 1000, monkeypatch)
    found = variables(settings(tmp_path), ROOTLESS, "image")
    assert (found["WEB_USER"], found["RUNNER_USER"]) == ("0:0", "0:0")
    assert found["DOCKER_HOST"] == "unix:///run/user/1000/docker.sock"


def test_two_homes_share_no_container(tmp_path: Path) -> None:
    """Nor does a home change its project's name from one day to the next."""
    assert project(tmp_path / "a") != project(tmp_path / "b")
    assert project(tmp_path / "a") == project(tmp_path / "a")
    assert re.fullmatch(r"tfmatrix-[0-9a-f]{8}", project(tmp_path))


def test_settings_go_along_wherever_they_were_made(tmp_path: Path) -> None:
    """What a file says is handed on as what a variable says; the home is absolute."""
    home = tmp_path / "up" / ".." / "home"
    (tmp_path / "up").mkdir()
    found = variables(settings(home, batch=7, lanes=2, database="sqlite:///x"), ENGINE, "image")
    assert found["TFMATRIX_BATCH"] == "7"
    assert found["TFMATRIX_HOME"] == str(tmp_path / "home")
    assert found["TFMATRIX_DATABASE"] == "sqlite:///x"
    assert found["TFMATRIX_PORT"] == "8321"


def test_the_file_takes_no_variable_that_nobody_gives(tmp_path: Path) -> None:
    """Each variable in docker-compose.yml is one of those that are handed over."""
    text = (ROOT / "docker-compose.yml").read_text(encoding="utf-8")
    assert set(re.findall(r"\$\{([A-Z_]+)", text)) <= variables(settings(tmp_path), ENGINE, "image").keys()


@pytest.mark.parametrize(
    ("others", "message"),
    [
        ({"engine": "venv"}, "TFMATRIX_ENGINE is venv"),
        ({"port": 0}, "TFMATRIX_PORT is 0"),
        ({"database": "sqlite:////elsewhere/matrix.db"}, "containers see .* alone"),
        ({"database": "postgresql://me@localhost/matrix"}, "on this machine"),
        ({"database": "postgresql://me@127.0.0.1:5432/matrix"}, "on this machine"),
        ({"database": "postgresql:///matrix"}, "on this machine"),
        ({"database": "postgresql:///matrix?host=/var/run/postgresql"}, "on this machine"),
    ],
)
def test_what_no_container_could_use_is_refused(tmp_path: Path, others: dict[str, Any], message: str) -> None:
    """Before anything is built or started, with what to do."""
    with pytest.raises(UsageError, match=message) as caught:
        refuse_what_containers_cannot_see(settings(tmp_path, **others))
    assert caught.value.next_step


@pytest.mark.parametrize("database", ["", "sqlite:///{home}/other.db", "postgresql://me@host.docker.internal/matrix"])
def test_what_containers_can_use_is_not_refused(tmp_path: Path, database: str) -> None:
    """The file of the home, another in it, a server by a name that is known inside."""
    refuse_what_containers_cannot_see(settings(tmp_path, database=database.format(home=tmp_path)))


def test_results_of_two_owners_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As after one `sudo`: the runner could not go on with them."""
    (tmp_path / "matrix.db").touch()
    owned_by(tmp_path / "matrix.db", os.getuid() + 1, monkeypatch)
    with pytest.raises(UsageError, match="belongs to another user") as caught:
        refuse_what_they_may_not_touch(tmp_path, NOBODY)
    assert "chown -R" in caught.value.next_step


def test_results_for_root_alone_are_refused(tmp_path: Path) -> None:
    """Web, which is nobody, would have nothing to show; the owner would."""
    (tmp_path / "matrix.db").touch(mode=0o600)
    tmp_path.chmod(0o755)
    with pytest.raises(UsageError, match="for root alone") as caught:
        refuse_what_they_may_not_touch(tmp_path, NOBODY)
    assert "chmod o+rX" in caught.value.next_step
    refuse_what_they_may_not_touch(tmp_path, "1000:1000")


def test_an_empty_home_is_fine(tmp_path: Path) -> None:
    """The pages say what to run."""
    tmp_path.chmod(0o755)
    refuse_what_they_may_not_touch(tmp_path, NOBODY)


def test_the_door_belongs_to_who_writes_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """To nobody with a group of both where root owns the results; else to the owner, whoever calls."""
    given: list[tuple[str, int, int]] = []
    monkeypatch.setattr(os, "chown", lambda path, user, group: given.append((Path(path).name, user, group)))
    make_door(tmp_path, NOBODY)
    assert given == [("door", 10001, 10001)]
    assert (tmp_path / "uploads" / "door").stat().st_mode & 0o7777 == 0o2775
    given.clear()
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    make_door(tmp_path, "1000:1000")
    assert given == []
    owner = tmp_path.stat()
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    make_door(tmp_path, "1000:1000")
    assert given == [(name, owner.st_uid, owner.st_gid) for name in ("uploads", "door")]


def test_a_door_that_cannot_be_given_away_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As by a person in the engine's group, where root owns the results: with the line that does it."""

    def refused(*_: object) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(os, "chown", refused)
    with pytest.raises(UsageError, match="cannot be given") as caught:
        make_door(tmp_path, NOBODY)
    assert "sudo chown 10001:10001" in caught.value.next_step
