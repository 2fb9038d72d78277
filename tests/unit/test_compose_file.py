"""docker-compose.yml as data: what each container may do, and that every setting reaches it."""

from __future__ import annotations

import re
from typing import Any, Final

import pytest
import yaml

from matrix.config import ROOT, Settings
from service.stack import NOBODY, NOT_HANDED_ON, WEB_PORT

TEXT: Final = (ROOT / "docker-compose.yml").read_text(encoding="utf-8")
FILE: Final[dict[str, Any]] = yaml.safe_load(TEXT)
SERVICES: Final[dict[str, dict[str, Any]]] = FILE["services"]
SOCKET: Final = "docker.sock"
HOME: Final = "${TFMATRIX_HOME}"


def volumes(name: str) -> list[str]:
    """What a service sees of the machine."""
    return [one for one in SERVICES[name].get("volumes", []) if isinstance(one, str)]


def test_there_are_three_services_and_no_fourth() -> None:
    """Web, runner, nightly: what is said of each below is said of all."""
    assert sorted(SERVICES) == ["nightly", "runner", "web"]


@pytest.mark.parametrize("name", sorted(SERVICES))
def test_every_container_is_confined(name: str) -> None:
    """Read-only root, no capability, nothing gained on the way, and an end to memory, processor and processes."""
    service = SERVICES[name]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert "cap_add" not in service
    assert "privileged" not in service
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert service["init"] is True
    assert service["mem_limit"] == service["memswap_limit"]
    assert service["cpus"]
    assert 0 < service["pids_limit"] <= 512
    assert [mount.partition(":")[0] for mount in service["tmpfs"]] == ["/tmp"]  # noqa: S108


@pytest.mark.parametrize("name", sorted(SERVICES))
def test_no_container_fills_the_disk_with_its_log(name: str) -> None:
    """Logs are rotated, and there is a last one."""
    assert SERVICES[name]["logging"] == {"driver": "json-file", "options": {"max-size": "10m", "max-file": "3"}}


def test_the_runner_alone_has_the_engine() -> None:
    """Who has the socket is root of the machine: that is the runner, which no stranger speaks to, and nobody else."""
    assert [name for name in SERVICES if any(SOCKET in one for one in volumes(name))] == ["runner"]
    assert "ports" not in SERVICES["runner"]
    assert SERVICES["runner"]["networks"] != SERVICES["web"]["networks"]
    assert "DOCKER_HOST" not in SERVICES["web"]["environment"]


def test_the_home_has_one_path_inside_and_outside() -> None:
    """Bind mounts of sandboxes are named by paths of the engine's machine. Web reads only, but for the door of uploads."""
    assert f"{HOME}:{HOME}" in volumes("runner")
    assert volumes("web") == [f"{HOME}:{HOME}:ro", f"{HOME}/uploads/door:{HOME}/uploads/door"]
    assert volumes("nightly") == []


def test_web_sees_no_upload_of_others() -> None:
    """Their files are hidden behind an empty folder; the runner is in web's group, and empties the door."""
    (hidden,) = [one for one in SERVICES["web"]["volumes"] if isinstance(one, dict)]
    assert (hidden["type"], hidden["target"], hidden["read_only"]) == ("tmpfs", f"{HOME}/uploads", True)
    assert NOBODY.partition(":")[2] in SERVICES["runner"]["group_add"]


def test_web_is_nobody_unless_told() -> None:
    """Whoever forgets to say whose the results are, does not get root."""
    assert SERVICES["web"]["user"] == "${WEB_USER:-10001:10001}"


def test_web_is_published_on_this_machine_alone_unless_told() -> None:
    """Loopback, and the port of the settings outside; inside it listens where the health check asks."""
    assert SERVICES["web"]["ports"] == [f"${{TFMATRIX_HOST:-127.0.0.1}}:${{TFMATRIX_PORT:-8321}}:{WEB_PORT}"]
    assert SERVICES["web"]["command"][-2:] == ["--port", str(WEB_PORT)]
    assert SERVICES["web"]["command"][2:5] == ["--no-runner", "--published", "${TFMATRIX_HOST:-127.0.0.1}"]
    assert f":{WEB_PORT}/healthz" in SERVICES["web"]["healthcheck"]["test"][-1]


@pytest.mark.parametrize("name", ["web", "runner"])
def test_what_dies_is_started_again_and_what_is_sick_is_seen(name: str) -> None:
    """A restart rule, a health check, and time to end well."""
    service = SERVICES[name]
    assert service["restart"] == "unless-stopped"
    assert service["healthcheck"]["test"][0] == "CMD"
    assert int(service["stop_grace_period"].rstrip("s")) >= {"web": 10, "runner": 90}[name]


def test_nightly_starts_only_when_asked_for_and_says_what_it_is() -> None:
    """It has a profile of its own, no network, and ends by itself."""
    nightly = SERVICES["nightly"]
    assert nightly["profiles"] == ["nightly"]
    assert nightly["restart"] == "no"
    assert nightly["network_mode"] == "none"
    assert "nothing to do yet" in nightly["command"][-1]
    assert [name for name, one in SERVICES.items() if "profiles" in one] == ["nightly"]


@pytest.mark.parametrize("name", ["web", "runner"])
def test_every_setting_reaches_the_containers(name: str) -> None:
    """A setting that is added is added here; but for web's address, which is the published one."""
    found = {one for one in SERVICES[name]["environment"] if one.startswith("TFMATRIX_")}
    wanted = type(Settings()).model_fields.keys() - NOT_HANDED_ON - {"host", "port"}
    assert found == {f"TFMATRIX_{one.upper()}" for one in wanted} | {"TFMATRIX_ENGINE"}


def test_no_registry_is_asked() -> None:
    """The image is built here; where it is missing that is said at once."""
    assert {one["pull_policy"] for one in SERVICES.values()} == {"never"}
    assert {one["image"] for one in SERVICES.values()} == {"${SERVICE_IMAGE:?run make up, which builds the image}"}
    assert not re.search(r"^\s*build:", TEXT, re.MULTILINE)
