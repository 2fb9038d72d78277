"""Has hostile models made for real: code as a Lambda layer whose marshalled code runs in ``load_model``, files by their makers.

A framework writes them, in one container run, or in a uv environment.
"""

from __future__ import annotations

import base64
import json
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import docker

from matrix.model import Environment
from tests.hostile import kit
from tests.hostile.case import Case
from tests.hostile.code import CODE
from tests.hostile.looks import FAREWELL, LOOKS, PRELUDE

LITTER: Final = """
with open("litter", "wb") as file:
    file.write(b"x" * (5 << 20))
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

OTHERS: Final = {
    "harmless": "pass",
    "litter": LITTER,
    "litter-and-die": LITTER + "import os; os._exit(9)",
    "daemon-within": DAEMON_WITHIN,
}
"""Models that are no attacks by themselves."""

_BUILDER: Final = """
import base64, json, sys
import tensorflow as tf

files = {}
for name, source in json.loads(sys.stdin.readline()).items():
    inputs = tf.keras.Input((4,), name="x")
    layer = tf.keras.layers.Lambda(lambda x: x, name="y")
    model = tf.keras.Model(inputs, layer(inputs), name="hostile")
    layer.function = eval("lambda x: (exec(%r, {}), x)[1]" % source)
    model.save("/tmp/model.h5")
    with open("/tmp/model.h5", "rb") as file:
        files[name] = base64.b64encode(file.read()).decode()
print("\\n@@@" + json.dumps(files))
"""

_MAKER: Final = """
import traceback
import tensorflow as tf
made, work = {}, json.loads(sys.stdin.readline())
for name, source in work["programs"].items():
    space = {}
    try:
        exec(source, space)
        parts = space[name](Kit(tf, work["canary"]))
        parts = parts if isinstance(parts, dict) else {"model": parts}
        made[name] = {part: base64.b64encode(data).decode() for part, data in parts.items()}
    except Exception:
        made[name] = {"error": traceback.format_exc()[-2000:]}
print("\\n@@@" + json.dumps(made))
"""


def sources(canary: str) -> dict[str, str]:
    """The source of every model of code, by name."""
    looking = f"{PRELUDE}CANARY = {canary!r}\n"
    return (
        OTHERS
        | {one.name: _run(one) for one in CODE.all}
        | {one.name: looking + _run(one) + FAREWELL for one in LOOKS.all}
    )


def build_in_venv(python: Path, folder: Path) -> dict[str, bytes]:
    """Return the same, written by the framework of a uv environment."""
    program = _BUILDER.replace("/tmp/model.h5", str(folder / "model.h5"))  # noqa: S108
    words, given = [str(python), "-c", program], json.dumps(sources("/no/canary")).encode() + b"\n"
    said = subprocess.run(words, capture_output=True, check=True, cwd=folder, input=given).stdout  # noqa: S603
    return {name: base64.b64decode(text) for name, text in _answer(said).items()}


def make(
    client: docker.DockerClient, environment: Environment, canary: str, cases: list[Case] | None = None
) -> dict[str, dict[str, bytes]]:
    """Return hostile files as their parts, by name; without cases every model of code.

    Raises:
        AssertionError: The framework refused to make one.
    """
    if cases is None:
        said = _inside(client, environment, _BUILDER, sources(canary))
        return {name: {"model": base64.b64decode(text)} for name, text in said.items()}
    programs = {one.act.__name__: one.program for one in cases}
    source = Path(kit.__file__).read_text(encoding="utf-8") + "\nimport base64, sys\n" + _MAKER
    made = _inside(client, environment, source, {"programs": programs, "canary": canary})
    failed = {name: parts["error"] for name, parts in made.items() if "error" in parts}
    assert not failed, "\n".join(f"{name}: {text}" for name, text in failed.items())
    return {
        name.replace("_", "-"): {part: base64.b64decode(text) for part, text in parts.items()}
        for name, parts in made.items()
    }


def _run(case: Case) -> str:
    return f"{case.program}\n{case.act.__name__}()\n"


def _inside(
    client: docker.DockerClient, environment: Environment, program: str, given: Mapping[str, Any]
) -> dict[str, Any]:
    """Run a program in an environment, without a network; give it an object and return the one that it prints last."""
    container = client.containers.create(
        environment.image,
        ["python", "-c", program],
        stdin_open=True,
        network_mode="none",
        labels={"tfmatrix.project": "tfmatrix"},
    )
    try:
        attached = container.attach_socket(params={"stdin": 1, "stream": 1})
        container.start()
        attached._sock.sendall(json.dumps(given).encode() + b"\n")
        attached._sock.close()
        attached.close()
        assert container.wait(timeout=300)["StatusCode"] == 0, container.logs()[-3000:].decode(errors="replace")
        return _answer(container.logs(stdout=True, stderr=False))
    finally:
        container.remove(force=True)


def _answer(said: bytes) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(said.decode().rpartition("@@@")[2])
    return found
