"""Models that do harm when they are loaded, made for real: a Lambda layer whose marshalled code runs in ``load_model``.

Each is the source of what its layer does. ``build`` has the framework itself write the files, in one container run.
"""

from __future__ import annotations

import base64
import json
import subprocess
from pathlib import Path
from typing import Final

import docker

from matrix.model import Environment

FAREWELL: Final = "<<<{}>>>"
"""Between these a model writes what it saw into the message of its exception."""

HARMLESS: Final = "pass"

HANG: Final = "import time; time.sleep(600)"

HANG_DEAF: Final = """
import signal, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
while True:
    time.sleep(600)
"""

SEGFAULT: Final = "import ctypes; ctypes.string_at(0)"

ABORT: Final = "import os; os.abort()"

EAT_MEMORY: Final = """
hoard = []
while True:
    hoard.append(b"x" * (32 << 20))
"""

LITTER: Final = """
with open("litter", "wb") as file:
    file.write(b"x" * (5 << 20))
"""

LITTER_AND_DIE: Final = LITTER + "import os; os._exit(9)"

DAEMON: Final = """
import os, time
outside = "/tmp/elsewhere-%d" % os.getuid()
if not os.path.exists(outside):
    for path in ("litter", outside):
        open(path, "wb").write(b"x" * (5 << 20))
    if os.fork() == 0:
        os.setsid()
        if os.fork() == 0:
            while True:
                time.sleep(600)
        os._exit(0)
    os.wait()
"""

DAEMON_WITHIN: Final = """
import os, tempfile, time
with open(os.path.join(tempfile.gettempdir(), "litter"), "wb") as file:
    file.write(b"x" * (5 << 20))
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        while True:
            time.sleep(600)
    os._exit(0)
os.wait()
"""

CLOSED_FOLDER: Final = """
import os
outside = "/tmp/elsewhere-%d" % os.getuid()
if not os.path.exists(outside):
    os.makedirs(outside + "/deep")
    open(outside + "/deep/file", "wb").write(b"x" * (5 << 20))
    os.chmod(outside + "/deep", 0)
    os.chmod(outside, 0)
"""

FORK_BOMB: Final = """
import os
while True:
    try:
        os.fork()
    except OSError:
        pass
"""

FLOOD: Final = """
import os
for _ in range(1000):
    os.write(1, b"\\x1b[31mflood" * 4096)
"""

_FORGED_FRAME: Final = """
import json, os, struct
cell = {"reached": "called", "steps": {}, "signature": None, "warnings": [], "exception": None, "length": 32,
    "outputs": [{"name": "y", "dtype": "float32", "shape": [2, 4], "bytes": 32}]}
header = json.dumps({"cells": [cell]}).encode()
frame = struct.pack("<4sII", b"TFM1", len(header), 32) + header + struct.pack("<8f", *[0.0] * 8)
"""

FORGE: Final = _FORGED_FRAME + "os.write(3, frame); os._exit(0)"

TWO_FRAMES: Final = _FORGED_FRAME + "os.write(3, frame)"

GARBAGE: Final = "import os; os.write(3, b'this is no frame, and longer than the prefix of one')"

ENDLESS: Final = """
import os, struct
os.write(3, struct.pack("<4sII", b"TFM1", 10, 0xFFFFFFFF))
while True:
    os.write(3, b"x" * 65536)
"""

EXIT_ZERO: Final = "import os; os._exit(0)"

SYSTEM_EXIT: Final = "raise SystemExit(0)"

STATUS: Final = """
import json
with open("/proc/self/status") as file:
    fields = dict(line.split(":", 1) for line in file)
raise RuntimeError("<<<" + json.dumps(fields) + ">>>")
"""

ESCAPE: Final = """
import json, os, signal, socket
seen = {}
def attempt(name, act):
    try:
        seen[name] = "done: %r" % (act(),)
    except Exception as error:
        seen[name] = type(error).__name__
def probe(path, mode="rb"):
    with open(path, mode) as file:
        return file.read(1) if "r" in mode else file.write(b"x")
zygote = os.getppid()
attempt("write to the root", lambda: probe("/outside", "wb"))
attempt("write to the probe", lambda: probe("/probe/load.py", "ab"))
attempt("write to the inbox", lambda: probe("/in/new", "wb"))
attempt("signal the zygote", lambda: os.kill(zygote, signal.SIGKILL))
attempt("signal process 1", lambda: os.kill(1, signal.SIGTERM))
attempt("memory of the zygote", lambda: probe("/proc/%d/mem" % zygote))
attempt("memory of process 1", lambda: probe("/proc/1/mem"))
attempt("files of the zygote", lambda: os.listdir("/proc/%d/fd" % zygote))
attempt("become root", lambda: os.setuid(0))
attempt("another user", lambda: os.setuid(os.getuid() + 1))
attempt("own files", lambda: sorted(int(fd) for fd in os.listdir("/proc/self/fd"))[:4])
attempt("connect", lambda: socket.create_connection(("1.1.1.1", 53), timeout=2))
attempt("devices", lambda: sorted(os.listdir("/sys/class/net")))
attempt("no-exec", lambda: (open("run", "w").write("#!/bin/sh"), os.chmod("run", 0o755), os.execv("run", ["run"])))
raise RuntimeError("<<<" + json.dumps(seen) + ">>>")
"""

SOURCES: Final = {
    "harmless": HARMLESS,
    "hang": HANG,
    "hang-deaf": HANG_DEAF,
    "segfault": SEGFAULT,
    "abort": ABORT,
    "eat-memory": EAT_MEMORY,
    "litter": LITTER,
    "litter-and-die": LITTER_AND_DIE,
    "daemon": DAEMON,
    "daemon-within": DAEMON_WITHIN,
    "closed-folder": CLOSED_FOLDER,
    "fork-bomb": FORK_BOMB,
    "flood": FLOOD,
    "forge": FORGE,
    "two-frames": TWO_FRAMES,
    "garbage": GARBAGE,
    "endless": ENDLESS,
    "exit-zero": EXIT_ZERO,
    "system-exit": SYSTEM_EXIT,
    "status": STATUS,
    "escape": ESCAPE,
}

_BUILDER: Final = """
import base64, json, sys
import tensorflow as tf

files = {}
for name, source in json.loads(sys.argv[1]).items():
    inputs = tf.keras.Input((4,), name="x")
    layer = tf.keras.layers.Lambda(lambda x: x, name="y")
    model = tf.keras.Model(inputs, layer(inputs), name="hostile")
    layer.function = eval("lambda x: (exec(%r, {}), x)[1]" % source)
    model.save("/tmp/model.h5")
    with open("/tmp/model.h5", "rb") as file:
        files[name] = base64.b64encode(file.read()).decode()
print("\\n@@@" + json.dumps(files))
"""


def build(client: docker.DockerClient, environment: Environment) -> dict[str, bytes]:
    """Return every hostile model as the bytes of its h5 file, written by the framework of an environment."""
    said = client.containers.run(
        environment.image,
        ["python", "-c", _BUILDER, json.dumps(SOURCES)],
        remove=True,
        network_mode="none",
        labels={"tfmatrix.project": "tfmatrix"},
    )
    return _files(said)


def build_in_venv(python: Path, folder: Path) -> dict[str, bytes]:
    """Return the same, written by the framework of a uv environment."""
    program = _BUILDER.replace("/tmp/model.h5", str(folder / "model.h5"))  # noqa: S108
    words = [str(python), "-c", program, json.dumps(SOURCES)]
    return _files(subprocess.run(words, capture_output=True, check=True, cwd=folder).stdout)  # noqa: S603


def _files(said: bytes) -> dict[str, bytes]:
    files = json.loads(said.decode().rpartition("@@@")[2])
    return {name: base64.b64decode(text) for name, text in files.items()}
