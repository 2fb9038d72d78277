"""Code that a model runs while it is loaded: each function is marshalled into a Lambda layer of an h5 file.

A function is taken out of here by its source and runs in the child, with the standard library and what it imports.
"""

from __future__ import annotations

from typing import Final

from matrix.model import Verdict
from tests.hostile.case import Cases

CODE: Final = Cases("Code that runs while a model is loaded")
PASS, DRIFT, FAIL = Verdict.PASS, Verdict.DRIFT, Verdict.FAIL
TIMEOUT, CRASH, OUT_OF_MEMORY = Verdict.TIMEOUT, Verdict.CRASH, Verdict.OUT_OF_MEMORY


@CODE.case(TIMEOUT, often=True, limit=3, seconds=3, code=1)
def hang() -> None:
    """Sleep for ever. Stopped by: the zygote's own clock; it asks with SIGTERM."""
    import time

    time.sleep(600)


@CODE.case(TIMEOUT, often=True, limit=3, seconds=4, code=2)
def hang_deaf() -> None:
    """Ignore SIGTERM and sleep for ever. Stopped by: SIGKILL, one second later."""
    import signal
    import time

    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    while True:
        time.sleep(600)


@CODE.case(TIMEOUT, limit=3, seconds=4, code=2)
def stop_itself() -> None:
    """Send SIGSTOP to itself, so that no SIGTERM is heard. Stopped by: SIGKILL, which ends a stopped process, too."""
    import os
    import signal

    os.kill(os.getpid(), signal.SIGSTOP)


@CODE.case(TIMEOUT, limit=3, code=1)
def endless_loop() -> None:
    """Use the processor for ever. Stopped by: the clock."""
    while True:
        pass


@CODE.case(CRASH, often=True, signal=11)
def segfault() -> None:
    """Read from address zero. Stopped by: it is the child's address space; the signal is the verdict."""
    import ctypes

    ctypes.string_at(0)


@CODE.case(CRASH, signal=6)
def abort() -> None:
    """Call abort(), as a failed check inside TensorFlow does. Stopped by: it ends its own process only."""
    import os

    os.abort()


@CODE.case(CRASH, often=True)
def exit_zero() -> None:
    """End with exit code 0 before anything is reported. Stopped by: without a report there is no pass."""
    import os

    os._exit(0)


@CODE.case(FAIL)
def system_exit() -> None:
    """Raise SystemExit to leave the probe early. Stopped by: whatever is raised is caught and reported."""
    raise SystemExit(0)


@CODE.case(OUT_OF_MEMORY, often=True, limit=30)
def memory_bomb() -> None:
    """Take memory until there is none. Stopped by: the container's limit; the child is the first to be killed."""
    hoard = []
    while True:
        hoard.append(b"x" * (32 << 20))


@CODE.case(TIMEOUT, limit=3, often=True)
def fork_bomb() -> None:
    """Fork for ever. Stopped by: 100 processes for its own user, then the clock; the sweep ends every one of them."""
    import os

    while True:
        try:
            os.fork()
        except OSError:
            pass


@CODE.case(FAIL, CRASH)
def thread_bomb() -> None:
    """Start threads until none can be had. Stopped by: threads count as processes: 100."""
    import threading
    import time

    for _ in range(10000):
        threading.Thread(target=time.sleep, args=(600,), daemon=True).start()


@CODE.case(FAIL, CRASH)
def handle_bomb() -> None:
    """Open files until none can be opened. Stopped by: 512 open files."""
    import os

    hoard = []
    while True:
        hoard.append(os.open("/dev/null", os.O_RDONLY))


@CODE.case(FAIL, often=True)
def fill_the_disk() -> None:
    """Fill the one writable place with bytes. Stopped by: its size; the sweep empties it for the next cell."""
    import os

    number = 0
    while True:
        with open("/tmp/fill-%d-%d" % (os.getuid(), number), "wb") as file:
            file.write(b"x" * (8 << 20))
        number += 1


@CODE.case(FAIL)
def fill_the_inodes() -> None:
    """Fill the one writable place with empty files. Stopped by: 50,000 inodes; the sweep removes them."""
    import os

    os.mkdir("many")
    number = 0
    while True:
        open("many/%d" % number, "wb").close()
        number += 1


@CODE.case(FAIL)
def large_file() -> None:
    """Write one file beyond all bounds, sparse so that no space is needed. Stopped by: the limit on a file's size."""
    with open("sparse", "wb") as file:
        file.truncate(1 << 40)


@CODE.case(PASS, often=True, noise=True)
def output_flood() -> None:
    """Write 40 MB with escape sequences to standard output. Stopped by: the last 16 KiB are kept, cleaned; no container log."""
    import os

    for _ in range(1000):
        os.write(1, b"\x1b[31mflood" * 4096)


@CODE.case(PASS, often=True)
def daemon() -> None:
    """Leave a daemonised grandchild and files outside its folder. Stopped by: the sweep, as the same user, and a look."""
    import os
    import time

    outside = "/tmp/elsewhere-%d" % os.getuid()
    if not os.path.exists(outside):
        for path in ("litter", outside):
            with open(path, "wb") as file:
                file.write(b"x" * (5 << 20))
        if os.fork() == 0:
            os.setsid()
            if os.fork() == 0:
                while True:
                    time.sleep(600)
            os._exit(0)
        os.wait()


@CODE.case(PASS)
def closed_folder() -> None:
    """Leave a folder that its owner closed inside another one. Stopped by: the sweep opens it as its owner."""
    import os

    outside = "/tmp/elsewhere-%d" % os.getuid()
    if not os.path.exists(outside):
        os.makedirs(outside + "/deep")
        with open(outside + "/deep/file", "wb") as file:
            file.write(b"x" * (5 << 20))
        os.chmod(outside + "/deep", 0)
        os.chmod(outside, 0)


@CODE.case(PASS)
def shared_memory() -> None:
    """Leave shared memory, a queue and semaphores that outlive every process. Stopped by: the sweep removes them by owner."""
    import ctypes

    libc = ctypes.CDLL(None, use_errno=True)
    segment = libc.shmget(0, 64 << 20, 0o1600)
    libc.shmat.restype = ctypes.c_void_p
    address = libc.shmat(segment, None, 0)
    ctypes.memset(address, 1, 64 << 20)
    libc.msgget(0, 0o1600)
    libc.semget(0, 8, 0o1600)


@CODE.case(PASS)
def kill_everything() -> None:
    """Signal every process that it can see with SIGKILL. Stopped by: the kernel lets it signal its own user's only."""
    import os
    import signal

    try:
        os.kill(-1, signal.SIGKILL)
    except ProcessLookupError:
        pass


@CODE.case(PASS)
def held_pipes() -> None:
    """Leave a grandchild that holds the result pipe open, so that its end never comes. Stopped by: nobody waits for it."""
    import os
    import time

    if os.fork() == 0:
        os.setsid()
        if os.fork() == 0:
            while True:
                time.sleep(600)
        os._exit(0)
    os.wait()


@CODE.case(DRIFT, often=True)
def forge() -> None:
    """Write a whole report of a pass itself and end. Stopped by: it does not know the answers, which the host compares."""
    import json
    import os
    import struct

    output = {"name": "y", "dtype": "float32", "shape": [2, 4], "bytes": 32}
    cell = {"reached": "called", "steps": {}, "signature": None, "warnings": [], "exception": None, "length": 32}
    header = json.dumps({"cells": [dict(cell, outputs=[output])], "verdict": "pass"}).encode()
    os.write(3, struct.pack("<4sII", b"TFM1", len(header), 32) + header + struct.pack("<8f", *[0.0] * 8))
    os._exit(0)


@CODE.case(DRIFT, often=True, tampered=True)
def two_frames() -> None:
    """Write a forged report before the true one. Stopped by: what follows a whole frame marks the cell as tampered with."""
    import json
    import os
    import struct

    output = {"name": "y", "dtype": "float32", "shape": [2, 4], "bytes": 32}
    cell = {"reached": "called", "steps": {}, "signature": None, "warnings": [], "exception": None, "length": 32}
    header = json.dumps({"cells": [dict(cell, outputs=[output])]}).encode()
    os.write(3, struct.pack("<4sII", b"TFM1", len(header), 32) + header + struct.pack("<8f", *[0.0] * 8))


@CODE.case(PASS, CRASH, DRIFT)
def forged_line() -> None:
    """Write the line of a verdict to every descriptor from 0 to 1023, and where the host listens.
    Stopped by: nothing but its own two pipes is open; a result is told by its pipe, never by what it says.
    """
    import json
    import os

    line = json.dumps({"job": 1, "end": {"kind": "exit", "code": 0}, "verdict": "pass", "clean": True}).encode() + b"\n"
    for number in [*range(3), *range(4, 1024)]:
        try:
            os.write(number, line)
        except OSError:
            pass
    for path in ("/proc/1/fd/1", "/proc/%d/fd/1" % os.getppid(), "/dev/console", "/dev/tty"):
        try:
            with open(path, "wb") as file:
                file.write(line)
        except OSError:
            pass


@CODE.case(CRASH, tampered=True)
def garbage() -> None:
    """Write bytes that are no frame to the result pipe. Stopped by: nothing that follows them counts."""
    import os

    os.write(3, b"this is no frame, and longer than the prefix of one")


@CODE.case(TIMEOUT, limit=3, tampered=True)
def endless_frame() -> None:
    """Announce a frame of 4 GB and never end it. Stopped by: a length over the limit is not read; then the clock."""
    import os
    import struct

    os.write(3, struct.pack("<4sII", b"TFM1", 10, 0xFFFFFFFF))
    while True:
        os.write(3, b"x" * 65536)


@CODE.case(TIMEOUT, limit=3)
def half_a_frame() -> None:
    """Write half a frame, then nothing. Stopped by: the clock does not stop for it, and half a frame is none."""
    import os
    import struct
    import time

    os.write(3, struct.pack("<4sII", b"TFM1", 1000, 1000) + b"{")
    time.sleep(600)


@CODE.case(CRASH)
def lying_lengths() -> None:
    """Report arrays of a shape that has no bytes and is larger than any memory. Stopped by: the decoder checks shapes."""
    import json
    import os
    import struct

    output = {"name": "y", "dtype": "float32", "shape": [0, 1 << 62, 1 << 62], "bytes": 0}
    header = json.dumps({"cells": [{"reached": "called", "length": 0, "outputs": [output]}]}).encode()
    os.write(3, struct.pack("<4sII", b"TFM1", len(header), 0) + header)
    os._exit(0)


@CODE.case(CRASH)
def deep_report() -> None:
    """Report JSON nested so deeply that its reader runs out of stack. Stopped by: that is an error of the frame's."""
    import os
    import struct

    header = b'{"cells": ' + b"[" * 400000 + b"]" * 400000 + b"}"
    os.write(3, struct.pack("<4sII", b"TFM1", len(header), 0) + header)
    os._exit(0)


@CODE.case(FAIL, message=9000)
def huge_error() -> None:
    """Raise an error with 64 MB of text. Stopped by: messages are cut at 8 KiB inside, and again outside."""
    raise RuntimeError("x" * (64 << 20))


@CODE.case(FAIL, message=9000)
def painted_error() -> None:
    """Raise an error with markup, terminal sequences and reversed text. Stopped by: cleaned outside, escaped on pages."""
    raise RuntimeError("\x1b]0;owned\x07<script>alert(1)</script>\x00\u202egnp.exe\n=cmd|'/c calc'!A1")


@CODE.case(FAIL)
def unprintable_error() -> None:
    """Raise an error that raises when it is printed. Stopped by: each reading of what a model made is guarded."""

    class Error(Exception):
        def __str__(self):
            raise SystemExit(0)

        __repr__ = __str__

    raise Error


@CODE.case(FAIL, CRASH, TIMEOUT)
def recursion() -> None:
    """Recurse until the stack is full. Stopped by: the interpreter's own limit, or its own process ends."""

    def deeper():
        return deeper()

    import sys

    sys.setrecursionlimit(1 << 30)
    sys.setrecursionlimit(20000)
    deeper()


@CODE.case(PASS, DRIFT, CRASH)
def poison() -> None:
    """Replace the probe's functions in memory, for the cells that follow.
    Stopped by: each cell is a fork of the zygote, whose memory no child can write.
    """
    import sys

    for name in ("load", "save", "wire", "observe", "sweep", "child"):
        module = sys.modules[name]
        module.POISONED = True
    sys.modules["load"].load_cell = None
    sys.modules["sweep"].sweep = lambda _uid: True


@CODE.case(PASS)
def lingering_worker() -> None:
    """Leave TensorFlow's own threads working on an endless dataset. Stopped by: they end with their process."""
    import tensorflow as tf

    data = tf.data.Dataset.range(1 << 60).map(lambda n: n + 1, num_parallel_calls=4).prefetch(1000)
    next(iter(data))
