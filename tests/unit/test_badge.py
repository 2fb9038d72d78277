"""Badges: where a file loads, in an image that a screen reader reads and nobody can put a script into."""

from __future__ import annotations

from xml.etree import ElementTree as ET

import pytest

from matrix.model import Format
from reports.badge import badge, badge_of
from reports.pages.stretches import Files
from tests import fake_matrix
from tests.known import known_of
from tests.site import Visitor, visitor

__all__ = ["visitor"]

KNOWN = known_of(fake_matrix.results())
SVG = "{http://www.w3.org/2000/svg}"


def texts(image: str) -> list[str]:
    """The title and the two words."""
    root = ET.fromstring(image)  # noqa: S314  (our own image)
    return [one.text or "" for one in [root.find(f"{SVG}title"), *root.iter(f"{SVG}text")] if one is not None]


def of(saver: str, model: str, format_: Format) -> list[str]:
    """What the badge of a file says."""
    return texts(badge_of(Files(KNOWN, [saver], format_, model)))


def test_a_badge_names_the_versions_that_load() -> None:
    """As ranges, in the title, too."""
    assert of("tf2.9", "dense", Format.SAVEDMODEL) == ["loads in TF: 2.4-2.15", "loads in TF", "2.4-2.15"]


def test_a_badge_says_where_answers_differ() -> None:
    """They are not among the versions that load, and the title names them."""
    title, _, words = of("tf2.9", "recurrent", Format.H5)
    assert (words, "answers differently in 2.16-2.21" in title) == ("2.4-2.15", True)


def test_a_badge_of_nothing_accuses_nobody() -> None:
    """What was not saved or not measured does not count as failing."""
    assert of("tf2.9", "dense", Format.KERAS)[2] == "not saved"
    assert of("tf2.9", "dense", Format.CHECKPOINT)[2] == "not measured"


def test_texts_of_a_badge_are_text() -> None:
    """Whatever they are; the image grows with them."""
    hostile = '"/><script>window.pwned = 1</script>'
    assert texts(badge(hostile, hostile, "#000", hostile)) == [hostile] * 3
    assert "<script>" not in badge(hostile, hostile, "#000")
    widths = [int(ET.fromstring(badge("a", "m" * many, "#000")).attrib["width"]) for many in (1, 9)]  # noqa: S314
    assert widths[1] > widths[0] + 60


def test_addresses(visitor: Visitor) -> None:
    """An image with an ETag, that is not sent again where it is known."""
    answer = visitor.get("/badge/dense/h5/tf2.9.svg")
    assert (answer.status_code, answer.headers["content-type"]) == (200, "image/svg+xml; charset=utf-8")
    assert texts(answer.text)[1] == "loads in TF"
    assert (
        visitor.get("/badge/dense/h5/tf2.9.svg", headers={"if-none-match": answer.headers["etag"]}).status_code == 304
    )


@pytest.mark.parametrize("address", ["/badge/dens/h5/tf2.9.svg", "/badge/dense/h55/tf2.9.svg", "/badge/dense/h5/x.svg"])
def test_what_is_not_there_is_not_found(visitor: Visitor, address: str) -> None:
    """No badge of nothing."""
    assert visitor.get(address).status_code == 404
