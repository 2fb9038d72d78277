"""A body of ``multipart/form-data``, taken in as it comes: files go to the disk, fields are short and stay in memory.

Nothing of a file is looked at but its length; its sha256 is made on the way.
"""

from __future__ import annotations

import hashlib
import logging
import re
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, BinaryIO, Final, Self

from python_multipart import MultipartParser
from python_multipart.exceptions import FormParserError
from python_multipart.multipart import parse_options_header

from matrix.protocol import clean
from matrix.uploads.door import NAME_LENGTH
from matrix.uploads.model import Part
from service.problems import BadUpload, TooLarge

FIELDS: Final = ("csrf", "token", "environments", "overlays", "save_again")
FIELD_BYTES: Final = 4096
MOST_PARTS: Final = 16
MOST_HEADER_BYTES: Final = 2048
AROUND: Final = 64 << 10
"""What a body may have beside its files: boundaries, headers, fields."""

if TYPE_CHECKING:
    from python_multipart.multipart import MultipartCallbacks

_FILES: Final = {part.value: part for part in Part}
_FOLDERS: Final = re.compile(r".*[/\\]", re.DOTALL)

# A stranger's broken body is told to the stranger; it is no warning to us.
logging.getLogger("python_multipart").setLevel(logging.CRITICAL)


@dataclass(frozen=True, kw_only=True, slots=True)
class Taken:
    """A file that came in whole: what it was called, its bytes, its sha256 in hex."""

    name: str
    size: int
    sha256: str


class _File:
    """A file that comes in. It is made with its first byte, so a form's empty field makes none."""

    def __init__(self, part: Part, name: str, path: Path) -> None:
        self.part = part
        self.name = name
        self.path = path
        self.size = 0
        self._sha256 = hashlib.sha256()
        self._handle: BinaryIO | None = None

    def write(self, data: bytes) -> None:
        if self._handle is None:
            self._handle = self.path.open("xb")
        self._handle.write(data)
        self._sha256.update(data)
        self.size += len(data)

    def close(self) -> None:
        if self._handle is not None:
            self._handle.close()

    def taken(self) -> Taken:
        return Taken(name=self.name or self.part.value, size=self.size, sha256=self._sha256.hexdigest())


class Intake:
    """One body. ``feed`` it bytes, then ``finish``; ``files`` and ``fields`` are what came.

    ``admit`` is called with the fields that came so far before the first byte of a file is kept, and raises what is wrong
    with them: who sends a form proves who he is before he fills the disk. It is called in the end, too.
    """

    def __init__(
        self, folder: Path, boundary: bytes, *, most_bytes: int, admit: Callable[[Mapping[str, str]], None]
    ) -> None:
        self.files: dict[Part, Taken] = {}
        self.fields: dict[str, str] = {}
        self._folder = folder
        self._most_bytes = most_bytes
        self._admit = admit
        self._admitted = False
        self._parts = 0
        self._bytes = 0
        self._ended = False
        self._headers: dict[bytes, bytes] = {}
        self._header = (b"", b"")
        self._file: _File | None = None
        self._field = ""
        self._value = bytearray()
        callbacks: MultipartCallbacks = {
            "on_part_begin": self._begin,
            "on_header_field": self._header_name,
            "on_header_value": self._header_value,
            "on_header_end": self._header_end,
            "on_headers_finished": self._open,
            "on_part_data": self._data,
            "on_part_end": self._close,
            "on_end": self._end,
        }
        self._parser = MultipartParser(boundary, callbacks, max_header_size=MOST_HEADER_BYTES)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._file is not None:
            with suppress(OSError):  # what is buffered may not fit any more
                self._file.close()

    def feed(self, data: bytes) -> None:
        """Take in what came.

        Raises:
            TooLarge: It is more than is taken.
            BadUpload: It is no form, or has what no form of ours has.
            OSError: It cannot be kept.
        """
        self._bytes += len(data)
        if self._bytes > self._most_bytes + AROUND:
            raise self._too_large()
        try:
            self._parser.write(data)
        except FormParserError as error:
            raise BadUpload("The body is not a form with files.", next_step=_AS_CURL_DOES) from error

    def finish(self) -> None:
        """Say that nothing more comes.

        Raises:
            BadUpload: It ended in the middle, or no file came.
        """
        if not self._ended:
            raise BadUpload("The body ended before the form did.", next_step="Send it again, whole.")
        self._ask_admission()

    def _begin(self) -> None:
        self._parts += 1
        if self._parts > MOST_PARTS:
            raise BadUpload(f"The form has more than {MOST_PARTS} parts.", next_step=_PACK)
        self._headers = {}
        self._header = (b"", b"")

    def _header_name(self, data: bytes, start: int, end: int) -> None:
        self._header = (self._header[0] + data[start:end], b"")

    def _header_value(self, data: bytes, start: int, end: int) -> None:
        self._header = (self._header[0], self._header[1] + data[start:end])

    def _header_end(self) -> None:
        name, value = self._header
        self._headers[name.lower()] = value
        self._header = (b"", b"")

    def _open(self) -> None:
        kind, said = parse_options_header(self._headers.get(b"content-disposition"))
        name = _text(said.get(b"name", b""))
        if kind != b"form-data" or not name:
            raise BadUpload("A part of the form has no name.", next_step=_AS_CURL_DOES)
        self._value.clear()
        self._file, self._field = None, ""
        if name in _FILES:
            self._file = self._new_file(_FILES[name], said.get(b"filename"))
        elif name in FIELDS:
            if name in self.fields:
                raise BadUpload(f"The form has {name} twice.", next_step="Name each once.")
            self._field = name
        else:
            raise BadUpload(
                f"The form has a field {name[:80]!r}, which means nothing here.",
                next_step=f"Files are {', '.join(_FILES)}; what else is read is {', '.join(FIELDS[2:])}.",
            )

    def _new_file(self, part: Part, name: bytes | None) -> _File:
        if part in self.files:
            raise BadUpload(f"Two files came as {part}.", next_step=_PACK)
        if name is None:
            raise BadUpload(
                f"{part} is a text in this form, and has to be a file.",
                next_step=f"With curl: -F {part}=@FILE, with the sign @.",
            )
        shown = clean(" ".join(_FOLDERS.sub("", _text(name)).split()), NAME_LENGTH)
        return _File(part, shown, self._folder / part.value)

    def _data(self, data: bytes, start: int, end: int) -> None:
        if self._file is None:
            self._value += data[start:end]
            if len(self._value) > FIELD_BYTES:
                raise BadUpload(
                    f"{self._field} is longer than {FIELD_BYTES} bytes.", next_step="Say it in fewer words."
                )
        elif end > start:
            self._ask_admission()
            if sum(one.size for one in self.files.values()) + self._file.size + end - start > self._most_bytes:
                raise self._too_large()
            self._file.write(data[start:end])

    def _close(self) -> None:
        if self._file is None:
            self.fields[self._field] = _text(bytes(self._value))
            return
        self._file.close()
        if self._file.size:
            self.files[self._file.part] = self._file.taken()
        elif self._file.name:
            raise BadUpload(f"{self._file.name} is empty.", next_step="Save the model again and send that file.")
        self._file = None

    def _end(self) -> None:
        self._ended = True

    def _ask_admission(self) -> None:
        if not self._admitted:
            self._admit(self.fields)
            self._admitted = True

    def _too_large(self) -> TooLarge:
        return too_large(self._most_bytes)


def too_large(most_bytes: int) -> TooLarge:
    """Return what is said of more than is taken."""
    return TooLarge(
        f"Uploads of more than {most_bytes >> 20 or 1} MiB are not taken here.",
        next_step="Send a smaller model of the same layers, or check it with tfmatrix on a machine of your own.",
    )


_PACK: Final = "A model of several files comes as one: pack its folder with zip or tar."
_AS_CURL_DOES: Final = "Send it as multipart/form-data: curl -F model=@model.keras does."


def _text(raw: bytes) -> str:
    return raw.decode("utf-8", "replace")
