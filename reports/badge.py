"""A badge: two words side by side as a small image, that says where a file loads. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from markupsafe import Markup, escape

from reports.grid import FAILING, MEASURED, Outcome
from reports.lines import Line, line_of
from reports.pages.stretches import Files
from reports.pages.upload_row import Row
from reports.ranges import spans

SUBJECT: Final = "loads in TF"

_ALL, _SOME, _NONE, _UNKNOWN = "#09516e", "#147069", "#9c3a0c", "#59636a"
_LETTER: Final = 7.0
_WIDTHS: Final = {
    **dict.fromkeys("ijl.,:;|!' ", 3.9),
    **dict.fromkeys("frtI()[]-/", 4.8),
    **dict.fromkeys("mwMW%@", 10.6),
    **dict.fromkeys("ABCDGHKNOQRUVX≠", 8.0),
}
"""Pixels of letters in Verdana or DejaVu Sans at 11 px; the image states the length, so that other fonts fit, too."""


def badge_of(files: Files) -> str:
    """The badge of one file: the TensorFlows, each with the Keras of its time, in which it gives the saver's answer."""
    own = [one.id for one in files.known.environments if line_of(one.id) is Line.TENSORFLOW]
    states = {name: files.state(name) for name in own}
    loads = {name for name, state in states.items() if state is Outcome.PASS}
    drifts = {name for name, state in states.items() if state is Outcome.DRIFT}
    measured = [name for name, state in states.items() if state in MEASURED]
    failing = any(state in FAILING for state in states.values())
    if not measured:
        saved = any(state is Outcome.NOT_MEASURED for state in states.values()) or not files.rows.size
        return badge(SUBJECT, "not measured" if saved else "not saved", _UNKNOWN)
    words = spans(loads, own) or ("other answers" if drifts and not failing else "none")
    title = f"{SUBJECT}: {words}" + (f"; answers differently in {spans(drifts, own)}" if drifts else "")
    colour = _NONE if not loads else _ALL if len(loads) == len(measured) else _SOME
    return badge(SUBJECT, words, colour, title)


def badge_of_row(row: Row, order: Sequence[str]) -> str:
    """The badge of an upload: the versions that load it by the method that it calls for, and answer as the reference does."""
    states = {one.environment: one.outcome for one in row.places}
    loads = {name for name, state in states.items() if state in {Outcome.PASS, Outcome.LOADS}}
    drifts = {name for name, state in states.items() if state is Outcome.DRIFT}
    tried = [name for name, state in states.items() if state is not Outcome.NOT_MEASURED]
    if not tried:
        return badge(SUBJECT, "not tried yet", _UNKNOWN)
    words = spans(loads, order) or ("other answers" if drifts else "none")
    title = f"{SUBJECT}: {words}" + (f"; answers differently in {spans(drifts, order)}" if drifts else "")
    colour = _NONE if not loads else _ALL if len(loads) == len(tried) else _SOME
    return badge(SUBJECT, words, colour, title)


def badge(subject: str, words: str, colour: str, title: str = "") -> str:
    """Draw one. Whatever the texts are, they are text."""
    left, right = _width(subject), _width(words)
    whole = left + right
    said = escape(title or f"{subject}: {words}")
    return str(
        Markup(
            '<svg xmlns="http://www.w3.org/2000/svg" width="{whole}" height="20" role="img" aria-label="{said}">'
            "<title>{said}</title>"
            '<clipPath id="r"><rect width="{whole}" height="20" rx="3"/></clipPath>'
            '<g clip-path="url(#r)"><rect width="{left}" height="20" fill="#3a4247"/>'
            '<rect x="{left}" width="{right}" height="20" fill="{colour}"/></g>'
            '<g fill="#fff" text-anchor="middle" font-family="Verdana,DejaVu Sans,sans-serif" font-size="11">'
            '<text x="{first}" y="14" textLength="{inside_left}">{subject}</text>'
            '<text x="{second}" y="14" textLength="{inside_right}">{words}</text></g></svg>'
        ).format(
            whole=whole,
            said=said,
            left=left,
            right=right,
            colour=colour,
            first=left / 2,
            second=left + right / 2,
            inside_left=left - _ROOM,
            inside_right=right - _ROOM,
            subject=subject,
            words=words,
        )
    )


_ROOM: Final = 12


def _width(text: str) -> int:
    """What a text takes, with room on both sides."""
    return round(sum(_WIDTHS.get(letter, _LETTER) for letter in text)) + _ROOM
