"""Unpacks archives: the tars of our own saves, and what somebody brought. Trusts neither.

A member that leads outside, or that is neither file nor folder, refuses the whole archive, wherever in it the model lies.
Of an archive that was brought so many members, so many bytes and so much swelling are taken as a model may need.
"""

import os
import shutil
import stat
import tarfile
import zipfile

MAX_MEMBERS = 10000
MAX_BYTES = 2 << 30
MAX_RATIO = 200
SMALL = 32 << 20  # up to here an archive may swell as it likes
CHUNK = 1 << 20


class UnsafeArchive(Exception):
    """An archive with members that no save would have, or more of them than any needs. Ours, not the framework's."""


class NotThere(Exception):
    """The archive holds nothing at the place that was named. Ours, not the framework's."""


def untar(path, target):
    """Unpack a tar of one of our own saves into the new folder ``target``."""
    os.mkdir(target)
    with tarfile.open(path, "r:") as archive:
        for member in archive:
            parts = _parts("tar", member.name)
            place = os.path.join(target, *parts)
            if _is_file("tar", member):
                os.makedirs(os.path.dirname(place), exist_ok=True)
                with open(place, "xb") as file:
                    shutil.copyfileobj(archive.extractfile(member), file)
            else:
                os.makedirs(place, exist_ok=True)


def unpack(path, packing, root, target):
    """Unpack to ``target`` what lies at ``root`` of an archive that was brought: a folder, or one file."""
    room = _Room(os.path.getsize(path))
    wanted = [part for part in root.split("/") if part not in ("", ".")]
    for parts, is_file, opened in _zip(path, room) if packing == "zip" else _tar(path, packing):
        room.member()
        if parts[: len(wanted)] != wanted:
            continue
        place = os.path.join(target, *parts[len(wanted) :])
        if is_file:
            os.makedirs(os.path.dirname(place), exist_ok=True)
            with open(place, "xb") as file, opened() as source:
                _copy(source, file, room)
        else:
            os.makedirs(place, exist_ok=True)
    if not os.path.exists(target):
        raise NotThere("the %s holds nothing at %r" % (packing, root))


class _Room:
    """Counts what an archive becomes, against what it may become."""

    def __init__(self, size):
        self.members, self.bytes = 0, 0
        self.most = min(MAX_BYTES, max(SMALL, size * MAX_RATIO))

    def member(self):
        self.members += 1
        if self.members > MAX_MEMBERS:
            raise UnsafeArchive("the archive has more than %d members" % MAX_MEMBERS)

    def take(self, count):
        self.bytes += count
        if self.bytes > self.most:
            raise UnsafeArchive(
                "the archive unpacks to more than %d bytes, which no model of its size does" % self.most
            )


def _copy(source, file, room):
    while True:
        data = source.read(CHUNK)
        if not data:
            return
        room.take(len(data))
        file.write(data)


def _tar(path, packing):
    """Yield (parts of the name, whether it is a file, how to open it) of each member, one at a time."""
    with tarfile.open(path, "r:gz" if packing == "tar.gz" else "r:") as archive:
        for member in archive:
            yield _parts("tar", member.name), _is_file("tar", member), lambda one=member: archive.extractfile(one)


def _zip(path, room):
    with zipfile.ZipFile(path) as archive:
        members = archive.infolist()
        if len(members) > MAX_MEMBERS:
            raise UnsafeArchive("the archive has %d members, more than %d" % (len(members), MAX_MEMBERS))
        if sum(member.file_size for member in members) > room.most:  # what it admits; what it does is counted, too
            room.take(room.most + 1)
        for member in members:  # by the name that every Python reads; from 3.12 on ``filename`` may be an extra field's
            yield _parts("zip", member.orig_filename), _is_zipped_file(member), lambda one=member: archive.open(one)


def _parts(kind, name):
    parts = name.replace("\\", "/").split("/") if kind == "zip" else name.split("/")
    if name.startswith("/") or ".." in parts or "\0" in name or (kind == "zip" and name[1:2] == ":"):
        raise UnsafeArchive("the %s has a member that leads outside: %r" % (kind, name[:200]))
    return [part for part in parts if part not in ("", ".")]


def _is_file(kind, member):
    if member.isdir():
        return False
    if member.isreg() and not member.issparse():
        return True
    raise UnsafeArchive("the %s has a member that is neither file nor folder: %r" % (kind, member.name[:200]))


def _is_zipped_file(member):
    mode = member.external_attr >> 16
    if mode and stat.S_IFMT(mode) not in (0, stat.S_IFREG, stat.S_IFDIR):
        raise UnsafeArchive("the zip has a member that is neither file nor folder: %r" % member.orig_filename[:200])
    return not member.orig_filename.endswith(("/", "\\"))
