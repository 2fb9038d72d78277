"""Removes what no load needs from an environment's site-packages; the canary that follows proves it.

Runs inside the build with the environment's own Python, hence the syntax of 3.8.
"""

import pathlib
import shutil
import struct
import sysconfig

SITE = pathlib.Path(sysconfig.get_paths()["purelib"])
FOLDERS = [
    "tensorflow/include",  # C++ headers
    "tensorflow/xla_aot_runtime_src",
    "clang",  # libclang, 80 MB: only for writing bindings
    "tensorboard_data_server/bin",
    "tensorboard/webfiles.zip",
    "**/tests",
    "**/testdata",
]
FILES = ["**/*.a", "**/*.lib", "**/*.pdb", "**/*.pyi"]

# https://refspecs.linuxfoundation.org/elf/gabi4+/ch4.eheader.html, 64 bits, little-endian
ELF64 = b"\x7fELF\x02\x01"
SHARED_OBJECT = 3
HEADER = struct.Struct("<16sHHIQQQIHHHHHH")
SEGMENT = struct.Struct("<IIQQQQQQ")


def main():
    """Remove every folder and file that the lists name, and what only a debugger reads of the libraries."""
    for pattern in FOLDERS + FILES:
        for path in list(SITE.glob(pattern)):
            if path.is_dir():
                shutil.rmtree(str(path), ignore_errors=True)
            elif path.exists():
                path.unlink()
    for path in SITE.glob("**/*.so*"):
        if path.is_file() and not path.is_symlink():
            cut(path)


def cut(path):
    """Cut a shared library behind the last byte that the dynamic loader maps.

    What lies there are the section headers and the static symbol table, a quarter of TensorFlow's library: symbols that
    other libraries look up are in ``.dynsym``, which is mapped.
    """
    with open(str(path), "r+b") as file:
        head = file.read(HEADER.size)
        if not head.startswith(ELF64):
            return
        fields = list(HEADER.unpack(head))
        kind, segments, size, count = fields[1], fields[5], fields[9], fields[10]
        if kind != SHARED_OBJECT:
            return
        file.seek(segments)
        table = file.read(size * count)
        ends = [HEADER.size, segments + len(table)]
        for number in range(count):
            segment = SEGMENT.unpack_from(table, number * size)
            ends.append(segment[2] + segment[5])
        fields[6] = fields[12] = fields[13] = 0  # no section headers: where, how many, which one names them
        file.seek(0)
        file.write(HEADER.pack(*fields))
        file.truncate(max(ends))


if __name__ == "__main__":
    main()
