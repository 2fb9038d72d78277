"""Lists archives, and reads members of them, within bounds. What no save would make refuses the whole archive."""

from __future__ import annotations

import gzip
import stat
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

from images.inspector.refusal import Refused, printable, shown, size
from images.inspector.window import Window

MAX_MEMBERS = 5000
MAX_BYTES = 2 << 30
MAX_RATIO = 200
SMALL = 32 << 20
MAX_DIRECTORY = 4 << 20
MAX_NAME = 1000
MAX_PART = 255
COMPRESSIONS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA)
CHUNK = 1 << 20
_END = struct.Struct("<4s4H2LH")
_END_64 = struct.Struct("<4sQ2H2L4Q")
ANEW = (
    "Pack the model's folder again, with nothing else in it: zip -r model.zip folder, or tar -czf model.tar.gz folder."
)
FAULTS = (zipfile.BadZipFile, tarfile.TarError, zlib.error, EOFError, OSError, ValueError, NotImplementedError, KeyError,
          struct.error, IndexError, OverflowError)  # fmt: skip


@dataclass
class Archive:
    """An archive's files by name, each with its size; ``kept`` are those that were read on the way."""

    packing: str
    sizes: dict[str, int] = field(default_factory=dict)
    members: int = 0
    unpacked: int = 0
    kept: dict[str, bytes] = field(default_factory=dict)
    open: Callable[[str], IO[bytes]] | None = None

    def read(self, name: str, limit: int) -> bytes | None:
        """Return a file's content, if it is no larger than the limit."""
        if name in self.kept:
            return self.kept[name]
        if self.open is None or self.sizes[name] > limit:
            return None
        with damage_told(), self.open(name) as file:
            return file.read(limit)

    def add(self, name: str, count: int) -> None:
        """Keep a member's name and size; a folder's ends in a slash."""
        self.members += 1
        self.unpacked += count
        if self.members > MAX_MEMBERS:
            raise Refused(
                "too-many-members",
                f"The archive has more than {MAX_MEMBERS} members; a SavedModel has a handful.",
                ANEW,
            )
        _refuse_a_hostile_name(name)
        plain = normal(name)
        if name.endswith(("/", "\\")):
            return
        if plain in self.sizes:
            raise Refused(
                "duplicate-members", f"The archive has two members of the name {shown(plain)}: which one counts?", ANEW
            )
        self.sizes[plain] = count

    def refuse_files_that_are_folders(self) -> None:
        """Look for names that cannot stand beside each other on any disk."""
        for name in self.sizes:
            above = name.rpartition("/")[0]
            if above in self.sizes:
                raise Refused("hostile-name", f"The archive has {shown(above)} as a file and as a folder.", ANEW)

    def refuse_a_bomb(self, packed: int) -> None:
        """Look at what it unpacks to, against what it is."""
        if self.unpacked > min(MAX_BYTES, max(SMALL, packed * MAX_RATIO)):
            raise Refused(
                "unpacks-too-large",
                f"The archive has {size(packed)} and unpacks to {size(self.unpacked)} or more, which no model does; "
                f"{size(MAX_BYTES)} is the most, and {MAX_RATIO} times its own size.",
                ANEW,
            )


def normal(name: str) -> str:
    """Return a member's name as a plain path."""
    return "/".join(part for part in name.replace("\\", "/").split("/") if part not in ("", "."))


class damage_told:  # noqa: N801  used as a statement
    """Turn what readers raise on damaged archives into a refusal."""

    def __enter__(self) -> None: ...

    def __exit__(self, _kind: object, error: BaseException | None, _trace: object) -> None:
        if isinstance(error, FAULTS) and not isinstance(error, Refused):
            raise Refused(
                "damaged",
                f"The archive cannot be read to its end: {shown(error, 200) or type(error).__name__}.",
                "Most often it is cut short: compare its size with the original, and copy, download or pack it again.",
            ) from error


def listed_zip(path: Path) -> Archive:
    """Return what a zip holds. Nothing in it is unpacked yet.

    Raises:
        Refused: It is damaged, encrypted, too large, or has members that no save would make.
    """
    with damage_told():
        _refuse_a_huge_directory(path)
        with zipfile.ZipFile(path) as opened:
            infos = opened.infolist()
    found = Archive("zip", open=lambda name: _opened(path, whole[name]))
    whole: dict[str, zipfile.ZipInfo] = {}
    for info in infos:
        _refuse_what_is_no_file(info)
        found.add(info.orig_filename, info.file_size)  # which every Python reads alike, as those do that load it
        whole[normal(info.orig_filename)] = info
    found.refuse_a_bomb(path.stat().st_size)
    found.refuse_files_that_are_folders()
    return found


def stored(path: Path, name: str) -> Window | None:
    """Return a window on a member that lies in a zip as it is, so that it need not be copied; else nothing."""
    with damage_told(), zipfile.ZipFile(path) as opened:
        info = opened.getinfo(name)
        if info.compress_type != zipfile.ZIP_STORED or info.compress_size != info.file_size:
            return None
        with opened.open(info):  # it has checked the member's own header
            pass
        with path.open("rb") as file:
            file.seek(info.header_offset + 26)
            lengths = struct.unpack("<2H", file.read(4))
        return Window(path, info.header_offset + 30 + sum(lengths), info.file_size)


def listed_tar(path: Path, packing: str, wanted: Callable[[str, int], bool]) -> Archive:
    """Return what a tar holds, with the content of the members that are wanted (by name and size): it is read once.

    Raises:
        Refused: It is damaged, too large, or has members that no save would make.
    """
    found = Archive(packing)
    packed = path.stat().st_size
    with damage_told(), path.open("rb") as raw:
        inner: Any = gzip.GzipFile(fileobj=raw) if packing == "tar.gz" else raw
        counted: Any = _Counted(inner, found, packed)
        with tarfile.open(fileobj=counted, mode="r|") as opened:
            for member in opened:
                opened.members = []  # type: ignore[attr-defined]  # or it keeps all that it has seen
                _refuse_what_is_no_member(member)
                found.add(member.name + ("/" if member.isdir() else ""), member.size if member.isreg() else 0)
                found.refuse_a_bomb(packed)
                if member.isreg() and wanted(member.name, member.size):
                    content = opened.extractfile(member)
                    data = content.read() if content else b""
                    if len(data) != member.size:
                        raise EOFError(f"{shown(member.name)} is cut short")
                    found.kept[normal(member.name)] = data
        if not found.members and counted.total and not _is_empty_tar(path, packing):
            raise EOFError("it holds no member that can be read")
    found.refuse_files_that_are_folders()
    return found


class _Counted:
    """Counts what comes out of a compressed file, so that a bomb is seen while it goes off."""

    def __init__(self, file: Any, found: Archive, packed: int) -> None:  # noqa: ANN401
        self._file, self._found, self._packed, self.total = file, found, packed, 0

    def read(self, count: int) -> bytes:
        data: bytes = self._file.read(min(count, CHUNK))
        self.total += len(data)
        if self.total > max(SMALL, min(MAX_BYTES, self._packed * MAX_RATIO)) + (MAX_MEMBERS << 11):
            self._found.unpacked = max(self._found.unpacked, self.total)
            self._found.refuse_a_bomb(self._packed)
        return data


def _is_empty_tar(path: Path, packing: str) -> bool:
    with path.open("rb") as raw:
        inner: Any = gzip.GzipFile(fileobj=raw) if packing == "tar.gz" else raw
        return not bytes(inner.read(1024)).strip(b"\0")


def _opened(path: Path, info: zipfile.ZipInfo) -> IO[bytes]:
    whole = zipfile.ZipFile(path)
    return whole.open(info)


def _refuse_a_huge_directory(path: Path) -> None:
    """Look at the end of a zip before anything is made of each of its entries: there may be millions."""
    total = path.stat().st_size
    with path.open("rb") as file:
        file.seek(max(0, total - (1 << 16) - _END.size))
        tail = file.read()
        at = tail.rfind(b"PK\5\6")
        if at < 0 or len(tail) - at < _END.size:
            return
        entries, directory = _END.unpack_from(tail, at)[4:6]
        wide = tail.rfind(b"PK\6\6")
        if wide >= 0 and len(tail) - wide >= _END_64.size:
            entries, directory = max(entries, _END_64.unpack_from(tail, wide)[7]), _END_64.unpack_from(tail, wide)[8]
    if directory > MAX_DIRECTORY or (entries > MAX_MEMBERS and entries != 0xFFFF):  # noqa: PLR2004
        raise Refused(
            "too-many-members",
            f"The archive lists some {max(entries, directory // 60)} members; more than {MAX_MEMBERS} are not taken, and a "
            "SavedModel has a handful.",
            ANEW,
        )


def _refuse_what_is_no_file(info: zipfile.ZipInfo) -> None:
    if info.flag_bits & 0x1:
        raise Refused(
            "encrypted-zip",
            f"The archive is encrypted ({shown(info.filename)}), and nobody here has the password.",
            "Pack it again without a password.",
        )
    if info.compress_type not in COMPRESSIONS:
        raise Refused(
            "unknown-file",
            f"A member of the archive is compressed in an unusual way (number {info.compress_type}): {shown(info.filename)}.",
            ANEW,
        )
    if stat.S_IFMT(info.external_attr >> 16) not in (0, stat.S_IFREG, stat.S_IFDIR):
        raise Refused(
            "links", f"A member of the archive is a link or a device, and no file: {shown(info.filename)}.", ANEW
        )


def _refuse_what_is_no_member(member: tarfile.TarInfo) -> None:
    if not (member.isreg() or member.isdir()) or member.issparse():
        raise Refused(
            "links", f"A member of the archive is a link or a device, and no file: {shown(member.name)}.", ANEW
        )


def _refuse_a_hostile_name(name: str) -> None:
    parts = name.replace("\\", "/").split("/")
    if name.startswith(("/", "\\")) or ".." in parts or name[1:2] == ":":
        raise Refused("leads-outside", f"A member of the archive leads out of it: {shown(name)}.", ANEW)
    if len(name) > MAX_NAME or any(len(part.encode("utf-8", "replace")) > MAX_PART for part in parts):
        raise Refused("hostile-name", f"A member of the archive has a name that no file can have: {shown(name)}.", ANEW)
    if printable(name) != name:
        raise Refused(
            "hostile-name",
            f"A member of the archive has a name with control characters, or one that is no UTF-8: {shown(name)}.",
            ANEW,
        )
