"""Archives that do harm when they are unpacked, and files that are not what they seem; made here, of bytes alone."""

from __future__ import annotations

import gzip
import io
import struct
import tarfile
import zipfile
from collections.abc import Callable
from typing import Any, Final

from matrix.messages import Packing
from matrix.model import Verdict
from tests.hostile.case import Cases

ARCHIVES: Final = Cases("Archives and files that are not what they seem")
FAIL: Final = Verdict.FAIL
ZIP, TAR, TAR_GZ = Packing.ZIP, Packing.TAR, Packing.TAR_GZ


def zipped(members: dict[str, bytes]) -> bytes:
    """A zip of these members."""
    whole = io.BytesIO()
    with zipfile.ZipFile(whole, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return whole.getvalue()


def tarred(edit: Callable[[tarfile.TarFile], Any], mode: Any = "w") -> bytes:
    """A tar that ``edit`` fills."""
    whole = io.BytesIO()
    with tarfile.open(fileobj=whole, mode=mode) as archive:
        edit(archive)
    return whole.getvalue()


def member(name: str, kind: bytes = tarfile.REGTYPE, link: str = "", size: int = 0) -> tarfile.TarInfo:
    """A member of a tar."""
    made = tarfile.TarInfo(name)
    made.type, made.linkname, made.size = kind, link, size
    return made


@ARCHIVES.case(FAIL, often=True, packing=ZIP, error="UnsafeArchive")
def zip_slip(savedmodel: dict[str, bytes], canary: str) -> bytes:
    """Members of a zip that climb out of its folder. Stopped by: refused by name; unpacked as nobody, into its own folder."""
    return zipped(savedmodel | {f"../../../../../../..{canary}": b"x", "../../probe/load.py": b"x"})


@ARCHIVES.case(FAIL, packing=ZIP, error="UnsafeArchive")
def zip_with_an_absolute_path(savedmodel: dict[str, bytes], canary: str) -> bytes:
    """A member with an absolute path. Stopped by: refused by name."""
    return zipped(savedmodel | {canary: b"x"})


@ARCHIVES.case(FAIL, packing=ZIP, error="UnsafeArchive")
def zip_with_backslashes(savedmodel: dict[str, bytes], canary: str) -> bytes:
    """A member that climbs out the way of another system. Stopped by: refused by name."""
    del canary
    return zipped(savedmodel | {"..\\..\\evil": b"x"})


@ARCHIVES.case(FAIL, packing=ZIP, error="UnsafeArchive")
def zip_with_a_link(savedmodel: dict[str, bytes], canary: str) -> bytes:
    """A symbolic link in a zip, to the host's file. Stopped by: only files and folders are taken."""
    whole = io.BytesIO(zipped(savedmodel))
    with zipfile.ZipFile(whole, "a") as archive:
        link = zipfile.ZipInfo("variables/link")
        link.external_attr = 0o120777 << 16
        archive.writestr(link, canary)
    return whole.getvalue()


@ARCHIVES.case(FAIL, often=True, packing=TAR_GZ, error="UnsafeArchive")
def tar_with_a_link_and_a_write_through_it(savedmodel: dict[str, bytes], canary: str) -> bytes:
    """A link to a folder of the host, then a member below it. Stopped by: links are refused before anything follows them."""
    del savedmodel

    def edit(archive: tarfile.TarFile) -> None:
        archive.addfile(member("out", tarfile.SYMTYPE, canary.rpartition("/")[0]))
        archive.addfile(member("out/evil", size=1), io.BytesIO(b"x"))

    return tarred(edit, "w:gz")


@ARCHIVES.case(FAIL, packing=TAR, error="UnsafeArchive")
def tar_with_a_hard_link(savedmodel: dict[str, bytes], canary: str) -> bytes:
    """A hard link to the host's file. Stopped by: the same."""
    del savedmodel
    return tarred(lambda archive: archive.addfile(member("hard", tarfile.LNKTYPE, canary)))


@ARCHIVES.case(FAIL, packing=TAR, error="UnsafeArchive")
def tar_with_a_pipe(savedmodel: dict[str, bytes], canary: str) -> bytes:
    """A named pipe, at which a reader waits for ever. Stopped by: the same."""
    del savedmodel, canary
    return tarred(lambda archive: archive.addfile(member("saved_model.pb", tarfile.FIFOTYPE)))


@ARCHIVES.case(FAIL, packing=TAR, error="UnsafeArchive")
def tar_with_a_device(savedmodel: dict[str, bytes], canary: str) -> bytes:
    """A device: the disk. Stopped by: the same; and nobody may make one."""
    del savedmodel, canary
    return tarred(lambda archive: archive.addfile(member("saved_model.pb", tarfile.BLKTYPE)))


@ARCHIVES.case(FAIL, packing=TAR, error="UnsafeArchive")
def sparse_tar(savedmodel: dict[str, bytes], canary: str) -> bytes:
    """A sparse member that says it has a terabyte. Stopped by: sparse members are refused."""
    del savedmodel, canary

    def edit(archive: tarfile.TarFile) -> None:
        made = member("saved_model.pb")
        made.pax_headers = {"GNU.sparse.major": "0", "GNU.sparse.minor": "1", "GNU.sparse.name": "x"}
        made.pax_headers |= {"GNU.sparse.map": "0,0", "GNU.sparse.numblocks": "1", "GNU.sparse.size": str(1 << 40)}
        archive.format = tarfile.PAX_FORMAT
        archive.addfile(made)

    return tarred(edit)


@ARCHIVES.case(FAIL, often=True, packing=ZIP, error="UnsafeArchive")
def zip_bomb(savedmodel: dict[str, bytes], canary: str) -> bytes:
    """300 KB that become 300 MB. Stopped by: what comes out is counted against what went in."""
    del canary
    return zipped(savedmodel | {"variables/bomb": bytes(300 << 20)})


@ARCHIVES.case(FAIL, packing=ZIP, error="BadZipFile")
def zip_bomb_that_lies(savedmodel: dict[str, bytes], canary: str) -> bytes:
    """The same, with a directory that says it is small. Stopped by: no more than that is taken out, and it is not whole."""
    size = 300 << 20
    whole: bytes = zip_bomb(savedmodel, canary)
    return whole.replace(struct.pack("<I", size), struct.pack("<I", 1000))


@ARCHIVES.case(FAIL, packing=TAR_GZ, error="UnsafeArchive")
def gzip_bomb(savedmodel: dict[str, bytes], canary: str) -> bytes:
    """A compressed tar that swells a thousandfold. Stopped by: what comes out is counted."""
    del savedmodel, canary
    size = 300 << 20
    return tarred(lambda archive: archive.addfile(member("saved_model.pb", size=size), io.BytesIO(bytes(size))), "w:gz")


@ARCHIVES.case(FAIL, packing=ZIP, error="UnsafeArchive")
def many_members(savedmodel: dict[str, bytes], canary: str) -> bytes:
    """A zip of 100,000 members. Stopped by: 10,000 are as many as any model has."""
    del canary
    return zipped(savedmodel | dict.fromkeys(map(str, range(100_000)), b""))


@ARCHIVES.case(FAIL, packing=TAR_GZ, error="UnsafeArchive")
def endless_members(savedmodel: dict[str, bytes], canary: str) -> bytes:
    """A compressed tar of a million headers in a few kilobytes. Stopped by: members are counted as they come."""
    del savedmodel, canary
    block = member("x", tarfile.DIRTYPE).tobuf()
    return gzip.compress(block * 1_000_000, compresslevel=1)


@ARCHIVES.case(FAIL, packing=ZIP)
def two_of_one_name(savedmodel: dict[str, bytes], canary: str) -> bytes:
    """Two members of one name, one for whoever looks and one for whoever loads. Stopped by: the second is refused."""
    del canary
    whole = zipped(savedmodel | {"saved_model.pc": b"another"})
    return whole.replace(b"saved_model.pc", b"saved_model.pb")


@ARCHIVES.case(FAIL, packing=ZIP)
def long_name(savedmodel: dict[str, bytes], canary: str) -> bytes:
    """A name longer than any file system takes, and one with a zero byte. Stopped by: it cannot be made, which is said."""
    del canary
    return zipped(savedmodel | {"x" * 60000: b"", "zero\0.pb": b""})


@ARCHIVES.case(FAIL, packing=ZIP)
def encrypted_zip(savedmodel: dict[str, bytes], canary: str) -> bytes:
    """A zip that wants a password. Stopped by: nobody has it, which is said."""
    del canary
    whole = bytearray(zipped(savedmodel))
    for mark, place in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        at = whole.find(mark)
        while at >= 0:
            whole[at + place] |= 1
            at = whole.find(mark, at + 4)
    return bytes(whole)


@ARCHIVES.case(FAIL, packing=ZIP)
def not_a_zip(savedmodel: dict[str, bytes], canary: str) -> bytes:
    """An archive of another kind under this name (7z). Stopped by: it is read as what it is said to be, or not at all."""
    del savedmodel, canary
    return b"7z\xbc\xaf\x27\x1c\x00\x04" + bytes(200)


@ARCHIVES.case(FAIL, packing=ZIP)
def truncated_zip(savedmodel: dict[str, bytes], canary: str) -> bytes:
    """The first half of a zip. Stopped by: it has no directory."""
    del canary
    whole = zipped(savedmodel)
    return whole[: len(whole) // 2]


@ARCHIVES.case(FAIL, packing=TAR_GZ)
def truncated_gzip(savedmodel: dict[str, bytes], canary: str) -> bytes:
    """The first half of a compressed tar. Stopped by: its end is missed."""
    del canary

    def edit(archive: tarfile.TarFile) -> None:
        for name, data in savedmodel.items():
            archive.addfile(member(name, size=len(data)), io.BytesIO(data))

    whole = tarred(edit, "w:gz")
    return whole[: len(whole) // 2]


@ARCHIVES.case(FAIL, packing=TAR)
def only_text_inside(savedmodel: dict[str, bytes], canary: str) -> bytes:
    """A SavedModel as text, whose reader is another one. Stopped by: saved_model.pb is what is read."""
    del savedmodel, canary
    text = b"saved_model_schema_version: 1\nmeta_graphs { }\n"
    return tarred(lambda archive: archive.addfile(member("saved_model.pbtxt", size=len(text)), io.BytesIO(text)))
