"""Tells what a file is by its bytes. Suffixes lie: Keras itself wrote HDF5 under the name .keras for years."""

from __future__ import annotations

import gzip
import tarfile
import zlib
from enum import StrEnum
from pathlib import Path

from images.inspector.hdf5 import SIGNATURE
from images.inspector.refusal import Refused, shown

HEAD = 4096
LAST_USERBLOCK = 1 << 20


class Bytes(StrEnum):
    """What the bytes of a file are."""

    HDF5 = "hdf5"
    ZIP = "zip"
    TAR = "tar"
    TAR_GZ = "tar.gz"
    JSON = "json"


UNTAKEN = (
    (b"7z\xbc\xaf\x27\x1c", "a 7-Zip archive", "Unpack it, and pack it again as .zip or .tar.gz."),
    (b"Rar!\x1a\x07", "a RAR archive", "Unpack it, and pack it again as .zip or .tar.gz."),
    (b"\xfd7zXZ\0", "packed with xz", "Unpack it, and pack it again as .zip or .tar.gz."),
    (b"BZh", "packed with bzip2", "Unpack it, and pack it again as .zip or .tar.gz."),
    (b"\x28\xb5\x2f\xfd", "packed with zstd", "Unpack it, and pack it again as .zip or .tar.gz."),
    (b"version https://git-lfs", "a pointer of Git LFS, not the file itself", "Fetch the file first: git lfs pull."),
    (b"<!DOCTYPE", "a page of HTML, not a model", "The download went wrong: open the address and see what it says."),
    (b"<!doctype", "a page of HTML, not a model", "The download went wrong: open the address and see what it says."),
    (b"<html", "a page of HTML, not a model", "The download went wrong: open the address and see what it says."),
    (b"\x80\x02", "a Python pickle, which is never opened here", "Save the model with model.save(...) instead."),
    (b"\x80\x03", "a Python pickle, which is never opened here", "Save the model with model.save(...) instead."),
    (b"\x80\x04", "a Python pickle, which is never opened here", "Save the model with model.save(...) instead."),
    (b"\x80\x05", "a Python pickle, which is never opened here", "Save the model with model.save(...) instead."),
    (b"\x93NUMPY", "an array of NumPy", "Hand in the model, and arrays beside it, as .npz, as its inputs."),
    (b"%PDF", "a PDF", "Hand in the model itself."),
)  # fmt: skip


def sniffed(path: Path, length: int) -> Bytes:
    """Return what a file is.

    Raises:
        Refused: It is empty, or nothing that holds a Keras model.
    """
    if not length:
        raise Refused("empty-file", "The file is empty.", "The copy or the download went wrong: send it again.")
    with path.open("rb") as file:
        head = file.read(HEAD)
    if head.startswith(SIGNATURE):
        return Bytes.HDF5
    if head.startswith((b"PK\3\4", b"PK\5\6", b"PK\7\x08")):
        return Bytes.ZIP
    if head.startswith(b"\x1f\x8b"):
        return _in_gzip(path)
    if _is_tar(head):
        return Bytes.TAR
    if _has_userblock(path):  # asked last: a tar whose first file is HDF5 has it at 512, too
        return Bytes.HDF5
    return _refused_or_json(head, length)


def _refused_or_json(head: bytes, length: int) -> Bytes:
    for magic, what, next_step in UNTAKEN:
        if head.lstrip().startswith(magic) or head.startswith(magic):
            raise Refused("unknown-file", f"The file is {what}.", next_step)
    if head[4:8] == b"TFL3":
        raise Refused(
            "unknown-file", "The file is a TensorFlow Lite model.", "Hand in the Keras model it was made from."
        )
    if head.lstrip()[:1] in {b"{", b"["}:
        return Bytes.JSON
    if head[:1] in {b"\x08", b"\x0a", b"\x12"}:
        raise Refused(
            "graph-alone",
            "The file looks like a graph alone (.pb), or like an ONNX model.",
            "Of a SavedModel hand in the whole folder as .zip or .tar.gz: saved_model.pb has no weights in it.",
        )
    if b"def " in head or b"import " in head:
        raise Refused(
            "unknown-file", "The file is Python.", "Hand it in as the builder: it has to define build_model()."
        )
    if not head.strip(b"\0"):
        raise Refused("damaged", "The file begins with nothing but zeros.", "The copy went wrong: send it again.")
    raise Refused(
        "unknown-file",
        f"The file is no model that is known here: it begins with {shown(head[:16])}, and has {length} bytes.",
        "Hand in a .keras or .h5 file, a SavedModel as .zip, .tar or .tar.gz, or a builder script.",
    )


def _has_userblock(path: Path) -> bool:
    """Whether an HDF5 file begins behind something else, which its format allows at 512, 1024, ... bytes."""
    with path.open("rb") as file:
        at = 512
        while at <= LAST_USERBLOCK:
            file.seek(at)
            found = file.read(len(SIGNATURE))
            if found == SIGNATURE:
                return True
            if len(found) < len(SIGNATURE):
                return False
            at *= 2
    return False


def _in_gzip(path: Path) -> Bytes:
    try:
        with gzip.open(path) as file:
            head = file.read(512)
    except (OSError, EOFError, zlib.error) as error:
        raise Refused(
            "damaged",
            f"The gzip file cannot be read: {shown(error, 200)}.",
            "Most often it is cut short: compare its size with the original, and copy or download it again.",
        ) from error
    if _is_tar(head):
        return Bytes.TAR_GZ
    raise Refused(
        "unknown-file", "The file is packed with gzip, and is no tar inside.", "Unpack it first: gunzip FILE."
    )


def _is_tar(head: bytes) -> bool:
    if head[257:262] == b"ustar":
        return True
    try:
        tarfile.TarInfo.frombuf(head[:512], "utf-8", "surrogateescape")
    except (tarfile.TarError, ValueError, IndexError):
        return False
    return bool(head[:1].strip(b"\0"))
