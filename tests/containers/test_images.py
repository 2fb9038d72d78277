"""The images of 2.4, 2.15 and 2.21: ours, as the row says, ready to run locked down, and silent about this machine."""

from __future__ import annotations

import hashlib
import json
from typing import Any

import docker
import pytest

from images.bake import labels
from images.settings import host_settings
from matrix.catalog import IMAGES
from matrix.engines.docker import DockerEngine
from matrix.model import Environment
from tests.containers.conftest import often

pytestmark = [pytest.mark.containers, pytest.mark.parametrize("name", often("tf2.21"))]

ABOUT = """
import json, os, sys
import tensorflow as tf
tf.keras.models.load_model
try:
    from keras import __version__ as keras
except ImportError:
    keras = tf.keras.__version__
files = [module.__cached__ for module in sys.modules.values() if getattr(module, "__cached__", None)]
print(json.dumps({
    "tensorflow": tf.__version__,
    "keras": keras,
    "python": "%d.%d" % sys.version_info[:2],
    "compiled": sum(os.path.exists(file) for file in files) / len(files),
    "headers": os.path.exists(os.path.join(os.path.dirname(tf.__file__), "include")),
}))
"""
TRACES = """
import hashlib, json, os
found = []
for folder, folders, files in os.walk("/"):
    folders[:] = [one for one in folders if os.path.join(folder, one) not in ("/proc", "/sys", "/dev", "/recipe")]
    for name in files:
        path = os.path.join(folder, name)
        if os.path.islink(path):
            continue
        if name in ("pip.conf", "uv.toml", ".netrc", ".pypirc") or path.startswith(("/run/secrets", "/root/.cache")):
            found.append([path, ""])
        elif os.path.getsize(path) == int(os.environ["SIZE"]):
            with open(path, "rb") as file:
                found.append([path, hashlib.sha256(file.read()).hexdigest()])
print(json.dumps(found))
"""


def run(client: docker.DockerClient, row: Environment, words: list[str], **options: Any) -> str:
    """What a program prints in a container as locked down as a probe's."""
    said: bytes = client.containers.run(
        row.image,
        words,
        remove=True,
        read_only=True,
        network_mode="none",
        cap_drop=["ALL"],
        security_opt=["no-new-privileges"],
        tmpfs={"/tmp": "rw,size=128m"},  # noqa: S108
        labels={"tfmatrix.test-image": "1"},  # not the label whose containers another test run sweeps up at its end
        **options,
    )
    return said.decode().strip().splitlines()[-1]


def test_labels_make_an_image_ours(
    engine: DockerEngine, client: docker.DockerClient, environments: dict[str, Environment], name: str
) -> None:
    """Project, environment and recipe stand on the image; only what carries them is ever removed."""
    del engine  # its fixture has seen that the images are there
    found = client.images.get(environments[name].image).labels
    assert labels(environments[name]).items() <= found.items()


def test_it_imports_locked_down_with_its_bytecode(
    engine: DockerEngine, client: docker.DockerClient, environments: dict[str, Environment], name: str
) -> None:
    """Without network, writable root or capability TensorFlow imports, is what the row says, and compiles nothing."""
    del engine
    row = environments[name]
    found = json.loads(run(client, row, ["python3", "-c", ABOUT]))
    assert (found["tensorflow"], found["keras"], found["python"]) == (row.tensorflow, row.keras, row.python)
    assert found["compiled"] > 0.99
    assert not found["headers"]


@pytest.mark.everything
def test_its_canary_works_locked_down(
    engine: DockerEngine, client: docker.DockerClient, environments: dict[str, Environment], name: str
) -> None:
    """What was proved inside the build holds where cells run: every format saves, loads and answers the same."""
    del engine
    volumes = {str(IMAGES / "canary.py"): {"bind": "/recipe/canary.py", "mode": "ro"}}
    assert "works" in run(client, environments[name], ["python3", "/recipe/canary.py"], volumes=volumes)


def test_it_keeps_nothing_of_this_machine(
    engine: DockerEngine, client: docker.DockerClient, environments: dict[str, Environment], name: str
) -> None:
    """No file, variable or build step holds a package setting, a certificate of the host's, a proxy or a cache."""
    del engine
    settings, image = host_settings(), client.images.get(environments[name].image)
    bundle = settings.certificates.read_bytes() if settings.certificates else b""
    traces = json.loads(
        run(client, environments[name], ["python3", "-c", TRACES], environment={"SIZE": len(bundle) or -1})
    )
    ours = hashlib.sha256(bundle).hexdigest()
    assert [path for path, digest in traces if digest in {"", ours} and not path.startswith("/etc/ssl/")] == []
    told = json.dumps([image.attrs["Config"], [step["CreatedBy"] for step in image.history()]])
    assert [value for value in settings.as_environment().values() if value in told] == []
