"""What stands around every request: id, log, headers, limits, figures, and an end without traceback."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import structlog
from structlog.testing import capture_logs

from matrix.store import open_store
from service.middleware import HEADERS, LONGEST_PATH, LONGEST_QUERY
from tests.site import Visitor, visiting, visitor

__all__ = ["visitor"]

PROGRAM = {"accept": "application/json"}
SECRET = "a name that only the log may have"  # noqa: S105  (none)


@pytest.fixture
def own_visitor(tmp_path: Path) -> Iterator[Visitor]:
    """A visitor of an app of its own, with an address that fails."""
    open_store(tmp_path / "matrix.db").close()
    with visiting(tmp_path) as one:
        one.app.add_api_route("/broken/{name}", _broken)  # type: ignore[attr-defined]
        yield one


def _broken(name: str) -> None:
    raise ZeroDivisionError(SECRET, name)


@pytest.mark.parametrize("given", ["abc", "A-b_c.9", "x" * 64])
def test_a_sane_id_is_kept(visitor: Visitor, given: str) -> None:
    """It comes back as it was given."""
    assert visitor.get("/healthz", headers={"x-request-id": given}).headers["x-request-id"] == given


@pytest.mark.parametrize("given", ["", "x" * 65, "a b", "a\tb", "<script>", "é"])
def test_any_other_id_is_replaced(visitor: Visitor, given: str) -> None:
    """Nothing of it is sent back or logged; each request has an id of its own."""
    found = [
        visitor.get("/healthz", headers={"x-request-id": given.encode()}).headers["x-request-id"] for _ in range(2)
    ]
    assert all(re.fullmatch("[0-9a-f]{32}", one) for one in found)
    assert found[0] != found[1]


@pytest.mark.parametrize("address", ["/healthz", "/index.json", "/nowhere", "/healthz?" + "x" * (LONGEST_QUERY + 1)])
def test_every_answer_has_the_headers(visitor: Visitor, address: str) -> None:
    """Pages, errors and refusals alike; no inline script or style may run."""
    headers = visitor.get(address).headers
    assert {name: headers[name] for name in HEADERS} == HEADERS
    assert "unsafe" not in headers["content-security-policy"]
    assert "*" not in headers["content-security-policy"]


def test_badges_may_be_embedded_elsewhere(visitor: Visitor) -> None:
    """They alone."""
    assert visitor.get("/badge/x.svg").headers["cross-origin-resource-policy"] == "cross-origin"
    assert visitor.get("/healthz").headers["cross-origin-resource-policy"] == "same-origin"


@pytest.mark.parametrize("address", ["/" + "x" * LONGEST_PATH, "/?" + "x" * (LONGEST_QUERY + 1)])
def test_what_is_too_long_is_refused(visitor: Visitor, address: str) -> None:
    """414 in words, also for HEAD; what just fits is looked up."""
    found = visitor.get(address, headers=PROGRAM)
    assert (found.status_code, "too long" in found.json()["error"]["message"]) == (414, True)
    assert visitor.head(address).status_code == 414
    assert visitor.get(address[:-1], headers=PROGRAM).status_code != 414


def test_a_request_is_one_line(visitor: Visitor) -> None:
    """With what was asked, how it ended and the id; what machines ask all the time weighs less."""
    with capture_logs(processors=[structlog.contextvars.merge_contextvars]) as lines:
        visitor.get("/nowhere?q=1", headers={"x-request-id": "abc"})
        visitor.get("/healthz")
    line, quiet = lines
    assert line.pop("ms") >= 0
    assert line.pop("bytes") > 0
    assert line == {
        "event": "request", "log_level": "info", "part": "web", "method": "GET", "path": "/nowhere", "status": 404,
        "request_id": "abc",
    }  # fmt: skip
    assert (quiet["path"], quiet["log_level"]) == ("/healthz", "debug")


def test_a_fault_is_told_without_its_words(own_visitor: Visitor) -> None:
    """500 with the id under which the log has the traceback."""
    with capture_logs(processors=[structlog.contextvars.merge_contextvars]) as lines:
        found = own_visitor.get("/broken/thing", headers={"accept": "text/html", "x-request-id": "abc"})
    assert found.status_code == 500
    assert "request id abc" in found.text
    assert not {"Traceback", "ZeroDivisionError", SECRET} & set(re.findall(r"\w[\w ]+", found.text))
    fault, line = lines
    assert (fault["event"], fault["exc_info"], fault["request_id"]) == ("fault", True, "abc")
    assert (line["event"], line["status"]) == ("request", 500)
    assert own_visitor.get("/healthz").status_code == 200


def test_requests_are_counted_by_pattern(own_visitor: Visitor) -> None:
    """Many addresses of one pattern are one label, and so are all that nothing answers; HEAD counts as itself."""
    for number in range(3):
        own_visitor.get(f"/broken/{number}")
        own_visitor.get(f"/nowhere/{number}")
    own_visitor.head("/healthz")
    own_visitor.request("BREW", "/healthz")
    figures = own_visitor.get("/metrics").text
    for line in (
        'tfmatrix_http_requests_total{method="GET",route="/broken/{name}",status="500"} 3.0',
        'tfmatrix_http_requests_total{method="GET",route="(none)",status="404"} 3.0',
        'tfmatrix_http_requests_total{method="HEAD",route="/healthz",status="200"} 1.0',
        'tfmatrix_http_requests_total{method="other",route="/healthz",status="405"} 1.0',
        'tfmatrix_http_request_seconds_count{route="/broken/{name}"} 3.0',
        'tfmatrix_requests{state="waiting"} 0.0',
        "tfmatrix_runner_alive 0.0",
    ):
        assert line in figures.splitlines(), figures
    assert "/nowhere/" not in figures


def test_apps_count_apart(visitor: Visitor, own_visitor: Visitor) -> None:
    """Two apps of one process share no figure."""
    visitor.get("/nowhere")
    assert 'status="404"' not in own_visitor.get("/metrics").text
