"""How the probe unpacks archives that somebody brought: what lies at the root, within bounds, and nothing that leads out."""

from __future__ import annotations

import io
import stat
import tarfile
import zipfile
from pathlib import Path
from typing import Any

import pytest

from images.inspector.archive import listed_zip
from tests.probe_code import probe

archives = probe("archives")

Files = dict[str, bytes]
SAVEDMODEL: Files = {
    "deep/model/saved_model.pb": b"graph",
    "deep/model/variables/variables.index": b"i",
    "README": b"r",
}


def packed(path: Path, packing: str, files: Files) -> Path:
    """Pack files as somebody would."""
    if packing == "zip":
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            for name, data in files.items():
                archive.writestr(name, data)
        return path
    with tarfile.open(path, "w:gz" if packing == "tar.gz" else "w") as archive:
        for name, data in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(data)
            archive.addfile(member, io.BytesIO(data))
    return path


def contents(folder: Path) -> Files:
    """All files below a folder by their relative names."""
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_a_name_in_an_extra_field_is_read_by_no_python(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """From 3.12 on zipfile takes a name from the field 0x7075; the inspector, which names the root, runs on an older one."""
    path = packed(tmp_path / "a", "zip", {"mod\u251c\xbfle/saved_model.pb": b"graph"})
    listed = zipfile.ZipFile.infolist

    def as_python_3_12(archive: zipfile.ZipFile) -> list[zipfile.ZipInfo]:
        infos = listed(archive)
        for info in infos:
            info.filename = "mod\xe8le/saved_model.pb"
        return infos

    monkeypatch.setattr(zipfile.ZipFile, "infolist", as_python_3_12)
    archives.unpack(str(path), "zip", "mod\u251c\xbfle", str(tmp_path / "model"))
    assert (tmp_path / "model" / "saved_model.pb").read_bytes() == b"graph"
    assert list(listed_zip(path).sizes) == ["mod\u251c\xbfle/saved_model.pb"]


@pytest.mark.parametrize("packing", ["zip", "tar", "tar.gz"])
@pytest.mark.parametrize("root", ["deep/model", "./deep/model/"])
def test_what_lies_at_the_root_is_unpacked(tmp_path: Path, packing: str, root: str) -> None:
    """And nothing else; a root may be spelt as archives spell it."""
    archives.unpack(str(packed(tmp_path / "a", packing, SAVEDMODEL)), packing, root, str(tmp_path / "model"))
    assert contents(tmp_path / "model") == {"saved_model.pb": b"graph", "variables/variables.index": b"i"}


@pytest.mark.parametrize("packing", ["zip", "tar", "tar.gz"])
def test_the_root_may_be_one_file(tmp_path: Path, packing: str) -> None:
    """An .h5 file within an archive."""
    archives.unpack(
        str(packed(tmp_path / "a", packing, {"x/m.h5": b"h5"})), packing, "x/m.h5", str(tmp_path / "model.h5")
    )
    assert (tmp_path / "model.h5").read_bytes() == b"h5"


@pytest.mark.parametrize("packing", ["zip", "tar"])
def test_a_root_that_is_not_there_is_said(tmp_path: Path, packing: str) -> None:
    """Rather than a framework that finds an empty folder."""
    with pytest.raises(archives.NotThere, match="holds nothing at 'other'"):
        archives.unpack(str(packed(tmp_path / "a", packing, SAVEDMODEL)), packing, "other", str(tmp_path / "model"))


@pytest.mark.parametrize(
    "name", ["/etc/evil", "../evil", "a/../../evil", "..\\evil", "C:\\evil", "C:evil", "\\\\host\\evil"]
)
def test_a_zip_that_leads_outside_is_refused(tmp_path: Path, name: str) -> None:
    """Also where the model itself lies elsewhere in it."""
    path = packed(tmp_path / "a", "zip", {"m/saved_model.pb": b"", name: b"evil"})
    if not name.startswith("\\"):
        with pytest.raises(archives.UnsafeArchive, match="leads outside"):
            archives.unpack(str(path), "zip", "m", str(tmp_path / "out" / "model"))
    assert not list(tmp_path.rglob("*evil*"))


@pytest.mark.parametrize("name", ["/etc/evil", "../evil", "a/../../evil"])
def test_a_tar_that_leads_outside_is_refused(tmp_path: Path, name: str) -> None:
    """Wherever in it the model lies."""
    path = packed(tmp_path / "a", "tar.gz", {"m/saved_model.pb": b"", name: b"evil"})
    with pytest.raises(archives.UnsafeArchive, match="leads outside"):
        archives.unpack(str(path), "tar.gz", "m", str(tmp_path / "out" / "model"))


@pytest.mark.parametrize("kind", [stat.S_IFLNK, stat.S_IFIFO, stat.S_IFCHR, stat.S_IFSOCK])
def test_a_zip_with_a_link_or_device_is_refused(tmp_path: Path, kind: int) -> None:
    """The mode that a zip made on Unix gives."""
    with zipfile.ZipFile(tmp_path / "a", "w") as archive:
        member = zipfile.ZipInfo("m/link")
        member.external_attr = (kind | 0o777) << 16
        archive.writestr(member, "/etc/passwd")
    with pytest.raises(archives.UnsafeArchive, match="neither file nor folder"):
        archives.unpack(str(tmp_path / "a"), "zip", "m", str(tmp_path / "model"))


def test_a_link_in_a_tar_and_a_write_through_it_are_refused(tmp_path: Path) -> None:
    """The link is what is refused, before anything follows it."""
    with tarfile.open(tmp_path / "a", "w") as archive:
        link = tarfile.TarInfo("m/out")
        link.type, link.linkname = tarfile.SYMTYPE, str(tmp_path / "victim")
        archive.addfile(link)
        archive.addfile(tarfile.TarInfo("m/out/file"))
    (tmp_path / "victim").mkdir()
    with pytest.raises(archives.UnsafeArchive, match="neither file nor folder"):
        archives.unpack(str(tmp_path / "a"), "tar", "m", str(tmp_path / "model"))
    assert not list((tmp_path / "victim").iterdir())


@pytest.mark.parametrize("packing", ["zip", "tar"])
def test_two_members_of_one_name_are_refused(tmp_path: Path, packing: str) -> None:
    """What one tool shows and another loads must not differ."""
    path = tmp_path / "a"
    with pytest.warns(UserWarning, match="Duplicate") if packing == "zip" else _nothing():
        if packing == "zip":
            with zipfile.ZipFile(path, "w") as archive:
                archive.writestr("m/x", b"1")
                archive.writestr("m/x", b"2")
        else:
            with tarfile.open(path, "w") as archive:
                archive.addfile(tarfile.TarInfo("m/x"))
                archive.addfile(tarfile.TarInfo("m/x"))
    with pytest.raises(FileExistsError):
        archives.unpack(str(path), packing, "m", str(tmp_path / "model"))


def _nothing() -> Any:
    import contextlib  # noqa: PLC0415

    return contextlib.nullcontext()


@pytest.mark.parametrize("packing", ["zip", "tar.gz"])
def test_a_bomb_is_stopped_at_its_bound(tmp_path: Path, packing: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """By what it really becomes, and a zip already by what it admits."""
    monkeypatch.setattr(archives, "SMALL", 1 << 20)
    path = packed(tmp_path / "a", packing, {"m/weights": bytes(8 << 20)})
    with pytest.raises(archives.UnsafeArchive, match="unpacks to more"):
        archives.unpack(str(path), packing, "m", str(tmp_path / "model"))
    written = sum(len(data) for data in contents(tmp_path).values()) - path.stat().st_size
    assert written <= archives.SMALL + path.stat().st_size * archives.MAX_RATIO


def test_a_zip_that_lies_about_its_size_is_stopped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What comes out is counted, whatever the directory says."""
    monkeypatch.setattr(archives, "SMALL", 1 << 20)
    path = packed(tmp_path / "a", "zip", {"m/weights": bytes(8 << 20)})
    size = (8 << 20).to_bytes(4, "little")
    path.write_bytes(path.read_bytes().replace(size, (100).to_bytes(4, "little")))
    with pytest.raises((archives.UnsafeArchive, zipfile.BadZipFile)):
        archives.unpack(str(path), "zip", "m", str(tmp_path / "model"))
    assert len(contents(tmp_path).get("model/weights", b"")) <= 1 << 21


@pytest.mark.parametrize("packing", ["zip", "tar"])
def test_an_archive_of_too_many_members_is_refused(
    tmp_path: Path, packing: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Counted over all of it."""
    monkeypatch.setattr(archives, "MAX_MEMBERS", 9)
    path = packed(tmp_path / "a", packing, {f"other/{number}": b"" for number in range(10)})
    with pytest.raises(archives.UnsafeArchive, match="members"):
        archives.unpack(str(path), packing, "m", str(tmp_path / "model"))
