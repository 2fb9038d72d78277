"""The innermost cause of a failure in few words, the same for all cells that fail for one reason. Pure.

Coarser than a fingerprint: Keras puts whole configurations, paths and names of layers into its messages, so that one
reason has hundreds of texts.
"""

from __future__ import annotations

import re
from typing import Final, Protocol

from matrix.uploads.ways import OWN_PYTHON

LONGEST: Final = 150
LONGEST_LINE: Final = 110

_RAISED: Final = re.compile(
    r"(?P<place>(?P<file>(?:builder|custom_objects)\.py), line \d+): (?P<exception>[\w.]+): (?P<message>.*)", re.DOTALL
)
_WRAPPED: Final = "Exception encountered:"
_EXAMPLE: Final = re.compile(r"Example error message for object .*?:\n\n")
_CALLING: Final = re.compile(r"^Exception encountered when calling [^\n]*\n\n")
_PREAMBLE: Final = re.compile(r"^(Graph execution error|Detected at node|Node: '|<stack traces unavailable|\s*$)")
_CLASS: Final = re.compile(r"deserializing class '(\w+)'")
_UNRECOGNIZED: Final = re.compile(
    r"Unrecognized keyword arguments(?: passed to (\w+))?: ?(?:dict_keys\()?([\[{].*)", re.DOTALL
)
_AS_TUPLE: Final = re.compile(r"^\('(.*?)', (.*)\)$", re.DOTALL)
_SENTENCE: Final = re.compile(r"\.\s*(?=Please\b|Full object)|(?<!e\.g)\.\s+(?=[A-Z`])|\n")
_REPLACED: Final = tuple(
    (re.compile(pattern), by)
    for pattern, by in (
        (r"\{\{.*?\}\}", ""),
        (r"(?<![\w.])/(?:[\w.+-]+/)+(?:\{[\w.|]+\}|[\w.+*-]*\w)?", "…"),
        (r"Op<name=(\w+);.*", r"Op \1"),
        (r"b?'+(?:b')?__inference_\w+'+", "'…'"),
        (r"<class '([\w.]+)'>", r"\1"),
        (r"\[<.*", "[…]"),
        (r" \[Op:\w+\](?: name:.*)?", ""),
        (r"((?:tf\.)?(?:Sparse|Ragged)Tensor)\(.*", r"\1(…)"),
        (r"TensorSpec\(.*?dtype=([\w.]+)[^)]*\)", r"TensorSpec(\1)"),
        (r"tf\.function `\w+`", "tf.function"),
        (r"<[^<>]*>", "<…>"),
        (r"<[^<>]*>", "<…>"),  # one within another
        (r"\b([Ll]ayer|[Mm]odel) (['\"])[^'\"]*\2", r"\1 …"),
        (r"\bcustom layer \w+ of type", "custom layer of type"),
        (r"[\[(](?:None|\d+)(?:, ?(?:None|\d+))*,?[\])]", "(…)"),
        (r"0x[0-9a-f]+", "…"),
        (r"(?<![\w.])(?<!Keras )(?<!signal )[1-9]\d*(?:\.\d+)?(?![\w.]*\w)", "N"),
    )
)


class Said(Protocol):
    """What a failure says: the exception's class and its message."""

    @property
    def exception(self) -> str:
        """The exception's class, with its module."""

    @property
    def message(self) -> str:
        """Its message."""


def first_line(message: str, limit: int = LONGEST_LINE) -> str:
    """The first line of a message that says something, cut to a readable length."""
    line = next((line.strip() for line in message.splitlines() if line.strip()), "")
    return line if len(line) <= limit else f"{line[: limit - 1].rstrip()}…"


def cause_of(failure: Said) -> str:
    """Return exception class and cause, such as ``ValueError: Unknown layer: Gate``; of a person's own Python also where."""
    if failure.exception == OWN_PYTHON:
        raised = _RAISED.match(failure.message)
        if raised is None:
            return first_line(failure.message, LONGEST)
        return f"{raised['place']}: {raised['exception'].rpartition('.')[2]}: {cause_in(raised['message'])}"
    name = failure.exception.rpartition(".")[2] if not failure.exception.startswith("tfmatrix.") else failure.exception
    return f"{name}: {cause_in(failure.message)}"


def step_for(failure: Said) -> str:
    """Return what to do where a person's own Python failed; nothing where it was a framework."""
    if failure.exception != OWN_PYTHON:
        return ""
    raised = _RAISED.match(failure.message)
    if raised is None:  # it says itself what to change
        return "Correct it, and hand it in again."
    if raised["exception"] in {"ImportError", "ModuleNotFoundError"}:
        return (
            f"TensorFlow, Keras, NumPy and what these bring are there, and no other package: leave the import out of "
            f"{raised['file']}, or write into it what it takes from there. What versions keep in different places is imported "
            "in a try. Then hand it in again."
        )
    return (
        f"Correct {raised['file']} (run it with that TensorFlow yourself; what versions spell differently, tf.__version__ "
        "tells apart), and hand it in again."
    )


def cause_in(message: str) -> str:
    """Return the innermost cause that a message tells, without names, paths, numbers and configurations."""
    text = _innermost(message)
    if (arguments := _UNRECOGNIZED.search(text)) is not None:
        owners = _CLASS.findall(message)
        owner = arguments[1] or (owners[-1] if owners else "")
        words = f"Unrecognized keyword arguments{' passed to ' + owner if owner else ''}"
        return f"{words}: {', '.join(sorted(set(_names(arguments[2]))))}"
    text = _without_configurations(text)
    for pattern, by in _REPLACED:
        text = pattern.sub(by, text)
    text = re.sub(r"^(Unknown [\w ]+: )['\"](.*?)['\"]", r"\1\2", text.strip())
    text = re.sub(r"\s+", " ", _SENTENCE.split(text.strip(), maxsplit=1)[0]).strip(" .,:;")
    return text if len(text) <= LONGEST else text[: LONGEST - 1] + "…"


def _innermost(message: str) -> str:
    """Take off what Keras and TensorFlow wrap around an error."""
    text = message.rpartition(_WRAPPED)[2].strip()
    text = _EXAMPLE.split(text)[-1]
    text = _CALLING.sub("", text)
    if (parts := _AS_TUPLE.match(text.strip())) is not None:
        text = f"{parts[1]} {parts[2]}"
    lines = text.strip().split("\n")
    while len(lines) > 1 and _PREAMBLE.match(lines[0]):
        lines.pop(0)
    return "\n".join(lines)


def _names(text: str) -> list[str]:
    """Return the strings of a list, or the keys of a dictionary, that begins the text; not what is nested in it."""
    names, depth, place = [], 0, 0
    while place < len(text):
        letter = text[place]
        if letter in "\"'":
            end = text.find(letter, place + 1)
            if end < 0:
                break
            if depth == 1 and (text[0] == "[" or text[end + 1 : end + 2] == ":"):
                names.append(text[place + 1 : end])
            place = end
        depth += (letter in "[{(") - (letter in "]})")
        place += 1
        if depth == 0:
            break
    return names


def _without_configurations(text: str) -> str:
    """Cut out what stands in braces, which may nest and, at the end of a message that was cut off, stay open."""
    kept, depth = [], 0
    for place, letter in enumerate(text):
        if letter == "{" and (depth or text[place + 1 : place + 2] in {"'", '"', "}"}):
            kept.append("{…}" if not depth else "")
            depth += 1
        elif letter == "}" and depth:
            depth -= 1
        elif not depth:
            kept.append(letter)
    return "".join(kept)
