"""runc and containerd are kept new where this project installed the engine, and known ways out are told."""

from __future__ import annotations

from pathlib import Path

import pytest

from images.bootstrap import upgrades
from images.bootstrap.apt import FROM_TRIXIE, PIN, trixie_source
from images.bootstrap.doctor import runc_check
from images.bootstrap.upgrades import known_escapes, policy, upgrade_parts
from matrix.errors import BuildError

LATER = ("CVE-2025-31133", "CVE-2025-52565", "CVE-2025-52881")


@pytest.mark.parametrize(
    ("version", "escapes"),
    [
        ("1.1.5+ds1-1", ("CVE-2024-21626", *LATER)),
        ("1.1.5+ds1-1+deb12u1", LATER),
        ("1.0.0~rc93+ds1-5+deb11u5", LATER),
        ("1.1.11", ("CVE-2024-21626", *LATER)),
        ("1.1.15+ds1-2+b4", LATER),
        ("1.2.7", LATER),
        ("1.2.8", ()),
        ("1.3.2", LATER),
        ("1.3.3-0ubuntu1", ()),
        ("1.4.0", ()),
        ("unknown", ("CVE-2024-21626", *LATER)),
    ],
)
def test_known_ways_out_by_version(version: str, escapes: tuple[str, ...]) -> None:
    """Upstream's numbers, and Debian's own repair of an older one."""
    assert known_escapes(version) == escapes


def test_doctor_names_the_ways_out_and_the_fix() -> None:
    """A warning with all of them; none where another runtime starts the sandboxes, nor for one that is repaired."""
    found = runc_check("1.1.5+ds1-1+deb12u1", "")
    assert found.status == "warn"
    assert all(name in found.found for name in LATER)
    assert "TFMATRIX_RUNTIME=runsc" in found.fix
    other = runc_check("1.1.5+ds1-1+deb12u1", "runsc")
    assert (other.status, other.fix) == ("ok", "")
    assert "runsc does" in other.found
    assert runc_check("1.3.3", "").status == "ok"


def test_policy_is_read() -> None:
    """Installed and candidate of each; one that is not installed, one that is not there."""
    said = (
        "runc:\n  Installed: 1.1.5\n  Candidate: 1.1.15\n  Version table:\n     1.1.15 600\n"
        "runsc:\n  Installed: (none)\n  Candidate: 0.0\nnothing:\n"
    )
    assert policy(said) == {"runc": ("1.1.5", "1.1.15"), "runsc": ("", "0.0")}


@pytest.fixture
def apt(tmp_path: Path) -> Path:
    """A folder like /etc/apt that names a mirror."""
    for name in ("sources.list.d", "preferences.d"):
        (tmp_path / name).mkdir()
    (tmp_path / "sources.list").write_text("deb http://mirror.example/debian bookworm main\n", encoding="utf-8")
    return tmp_path


def test_trixie_is_a_source_for_some_packages_only(apt: Path) -> None:
    """Without runc: it would pull in another libc. An older pin of ours is brought up to date, once."""
    (apt / PIN).write_text("Package: docker.io\nPin: release n=trixie\nPin-Priority: 600\n", encoding="utf-8")
    assert trixie_source(lambda _words: None, apt)
    first, second = (apt / PIN).read_text(encoding="utf-8").split("\n\n")
    assert first == "Package: *\nPin: release n=trixie\nPin-Priority: 1"
    assert second.splitlines()[0] == f"Package: {' '.join(FROM_TRIXIE)}"
    assert "containerd" in FROM_TRIXIE
    assert "runc" not in FROM_TRIXIE
    assert not trixie_source(lambda _words: None, apt)


class Machine:
    """What would be done to this machine, and with what success."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, **versions: tuple[str, str]) -> None:
        self.upgraded: list[str] = []
        self.refreshed = 0
        self.fault: BuildError | None = None
        monkeypatch.setattr(upgrades, "ours", lambda: True)
        monkeypatch.setattr(upgrades, "trixie_source", lambda _say: False)
        monkeypatch.setattr(upgrades, "_lists_are_old", lambda _seconds: False)
        monkeypatch.setattr(upgrades, "_versions", lambda: versions)
        monkeypatch.setattr(upgrades, "refresh", self._refresh)
        monkeypatch.setattr(upgrades, "install", self._install)

    def _refresh(self) -> None:
        self.refreshed += 1

    def _install(self, packages: list[str], _say: object, *, only_upgrade: bool) -> None:
        if self.fault is not None:
            raise self.fault
        assert only_upgrade
        self.upgraded += packages


def test_only_what_is_older_is_upgraded(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is newest, or not installed, is left; nothing is asked of a mirror where the lists are of today."""
    machine = Machine(monkeypatch, runc=("1.1.5", "1.1.5"), containerd=("1.6", "1.7"), other=("", "2"))
    upgrade_parts(lambda _words: None)
    assert (machine.upgraded, machine.refreshed) == (["containerd"], 0)


def test_an_engine_of_somebody_else_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without our pin nothing is looked at."""
    machine = Machine(monkeypatch, runc=("1.1.5", "1.1.15"))
    monkeypatch.setattr(upgrades, "ours", lambda: False)
    upgrade_parts(lambda _words: None)
    assert machine.upgraded == []


def test_an_upgrade_that_fails_stops_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is said, and the engine that answers is used."""
    machine = Machine(monkeypatch, runc=("1.1.5", "1.1.15"))
    machine.fault = BuildError("no mirror answers", next_step="")
    said: list[str] = []
    upgrade_parts(said.append)
    assert said == ["engine: runc and containerd stay as they are: no mirror answers"]
