"""The inspector in its container: who it is there, what it may, that it goes away; and real files, saved by real versions."""

from __future__ import annotations

import io
import json
import re
import tarfile
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import docker
import pytest

from images.inspector.outside import OUTSIDE
from images.inspector_image import INSPECTOR
from matrix import catalog
from matrix.blobs import Blobs
from matrix.engines import ChannelLostError, ChannelTimeoutError
from matrix.engines.docker import DockerEngine, inspecting
from matrix.engines.venv import VenvEngine
from matrix.errors import EngineError, UsageError
from matrix.model import Environment, Format
from matrix.plan import SaveTask
from matrix.results import Signature
from matrix.saving import Saves
from matrix.uploads.inspecting import Inspector
from matrix.uploads.inspection import Inspection
from matrix.uploads.model import Part, PartFile
from tests import handed_in
from tests.containers.conftest import LABEL, MINE, TESTED, MakeSession

pytestmark = pytest.mark.containers
LABELS = {LABEL: MINE}
LOOK = """
import json, os, socket
def tried(what):
    try:
        what()
    except OSError as error:
        return type(error).__name__
    return "done"
status = dict(line.split(":\\t", 1) for line in open("/proc/self/status").read().splitlines() if ":\\t" in line)
open("/tmp/x.sh", "w").write("#!/bin/sh\\n")
os.chmod("/tmp/x.sh", 0o700)
print(json.dumps({
    "user": os.getresuid() + os.getresgid(), "groups": os.getgroups(),
    "capabilities": [status[name] for name in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb")],
    "no_new_privileges": status["NoNewPrivs"], "seccomp": status["Seccomp"],
    "write root": tried(lambda: open("/opt/x", "w")), "write inbox": tried(lambda: open("/in/x", "w")),
    "run from tmp": tried(lambda: os.execv("/tmp/x.sh", ["x"])), "become root": tried(lambda: os.setuid(0)),
    "interfaces": os.listdir("/sys/class/net"),
    "connect": tried(lambda: socket.create_connection(("192.0.2.1", 80), 2)),
    "packages": sorted(name for name in os.listdir("/usr/local/lib/python3.11/site-packages") if "tensor" in name),
}))
"""


@pytest.fixture(scope="module")
def inspecting_engine(client: docker.DockerClient) -> DockerEngine:
    """An engine that knows the inspector's image; where that is not built, what it says tells what to run."""
    return DockerEngine(client, inspector=INSPECTOR.name())


@pytest.fixture(scope="module")
def inspector(inspecting_engine: DockerEngine, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Inspector]:
    """An inspector that keeps a container waiting."""
    folder = tmp_path_factory.mktemp("inspector")
    with Inspector(inspecting_engine, inboxes=folder / "inboxes", labels=LABELS) as opened:
        yield opened


def looked_into(inspector: Inspector, blobs: Blobs, **parts: bytes) -> Inspection:
    """What is said of an upload of these parts."""
    files = {
        Part(part): PartFile(name=f"my {part}", sha256=blobs.put(content), size=len(content))
        for part, content in parts.items()
    }
    return inspector.inspect(files, blobs)


def standing(client: docker.DockerClient) -> set[str]:
    """The inspectors of this test run that are there."""
    filters = {"label": f"{LABEL}={MINE}"}
    found = client.containers.list(all=True, filters=filters, ignore_removed=True)
    return {str(one.id) for one in found if "tfmatrix/inspector" in str(one.attrs["Config"]["Image"])}


def test_the_inspector_is_nobody_and_may_nothing(client: docker.DockerClient, tmp_path: Path) -> None:
    """No capability, no new privileges, seccomp, no network, nothing to write but a folder that nothing is run from."""
    tmp_path.chmod(0o755)
    options = inspecting(tmp_path) | {"command": ["python3", "-c", LOOK], "auto_remove": False, "stdin_open": False}
    options["log_config"] = {"type": "json-file"}
    container = client.containers.create(INSPECTOR.name(), **options, labels={"tfmatrix.project": "tfmatrix", **LABELS})
    try:
        container.start()
        code = container.wait(timeout=60)["StatusCode"]
        said = container.logs()
    finally:
        container.remove(force=True)
    assert code == 0, said
    found: dict[str, Any] = json.loads(said)
    assert found == {
        "user": [65534] * 6,
        "groups": [65534],
        "capabilities": ["0000000000000000"] * 5,
        "no_new_privileges": "1",
        "seccomp": "2",
        "write root": "OSError",
        "write inbox": "OSError",
        "run from tmp": "PermissionError",
        "become root": "PermissionError",
        "interfaces": ["lo"],
        "connect": "OSError",
        "packages": [],
    }


def test_its_limits_are_those_of_its_container(client: docker.DockerClient, tmp_path: Path) -> None:
    """What the engine was told, as the engine keeps it."""
    engine = DockerEngine(client, inspector=INSPECTOR.name())
    with engine.start_inspector(tmp_path, LABELS) as channel:
        told = channel._container.attrs["HostConfig"]
        channel._container.reload()
        host = channel._container.attrs["HostConfig"]
    assert told["NetworkMode"] == "none"
    assert (host["PidsLimit"], host["Memory"], host["MemorySwap"]) == (32, 1536 << 20, 1536 << 20)
    assert host["LogConfig"]["Type"] == "none"
    assert (host["ReadonlyRootfs"], host["CapAdd"], host["CapDrop"]) == (True, None, ["ALL"])
    assert "noexec" in host["Tmpfs"]["/tmp"]  # noqa: S108


def test_an_upload_is_looked_into_and_its_container_goes_away(
    client: docker.DockerClient, inspector: Inspector, blobs: Blobs
) -> None:
    """One upload, one container; the next one waits already."""
    before = standing(client)
    found = looked_into(inspector, blobs, model=handed_in.keras_zip(), inputs=handed_in.npz(x=[[0.0] * 4]))
    assert (found.kind, found.model.parameters, found.inputs_from) == ("keras", 15, "given")
    again = looked_into(inspector, blobs, model=handed_in.h5())
    assert again.kind == "h5"
    assert before.isdisjoint(standing(client)) or len(standing(client)) <= 2


def test_without_a_waiting_one_each_is_started(
    client: docker.DockerClient, inspecting_engine: DockerEngine, blobs: Blobs, tmp_path: Path
) -> None:
    """And what kills one twice is refused."""
    cold = Inspector(inspecting_engine, inboxes=tmp_path / "inboxes", labels={**LABELS, "tfmatrix.cold": "1"})
    assert looked_into(cold, blobs, model=handed_in.zip_of(handed_in.saved_model())).kind == "savedmodel"
    lost = Inspector(DockerEngine(client, inspector=other_image()), inboxes=tmp_path / "lost", labels=LABELS)
    found = looked_into(lost, blobs, model=b"x")
    assert found.refused is not None
    assert found.refused.code == "crashed"
    for one in (cold, lost):
        one.settle()
    assert [path for one in ("inboxes", "lost") for path in (tmp_path / one).iterdir()] == []


def other_image() -> str:
    """An image that has no inspector in it: its process ends at once."""
    return next(one.image for one in catalog.load_environments() if one.id == "tf2.15")


def test_one_that_does_not_answer_is_taken_down(
    client: docker.DockerClient, inspecting_engine: DockerEngine, tmp_path: Path
) -> None:
    """Its deadline is kept outside of it."""
    with inspecting_engine.start_inspector(tmp_path, LABELS) as channel:
        name = channel._container.id
        with pytest.raises(ChannelTimeoutError):
            channel.receive(0.5)
    with pytest.raises(docker.errors.NotFound):
        client.containers.get(name)


def test_one_that_gets_nonsense_ends(inspecting_engine: DockerEngine, tmp_path: Path) -> None:
    """A line that is no job is the host's mistake, and no upload's."""
    with inspecting_engine.start_inspector(tmp_path, LABELS) as channel:
        channel.send(b"nonsense\n")
        with pytest.raises(ChannelLostError):
            channel.receive(30)


def test_without_its_image_setup_is_named(client: docker.DockerClient, tmp_path: Path) -> None:
    """It is built by setup, and by up."""
    engine = DockerEngine(client, inspector="tfmatrix/inspector:none")
    with pytest.raises(EngineError, match="not built") as caught, engine.start_inspector(tmp_path, LABELS):
        pass
    assert "tfmatrix setup" in caught.value.next_step


def test_processes_without_isolation_look_into_nothing(tmp_path: Path, blobs: Blobs) -> None:
    """Uploads need containers."""
    inspector = Inspector(VenvEngine(tmp_path), inboxes=tmp_path / "inboxes", labels=LABELS)
    with pytest.raises(UsageError, match="in containers"):
        looked_into(inspector, blobs, model=b"x")


REGISTRY = """
import json
from tensorflow.core.framework import op_def_pb2
from tensorflow.python.client import pywrap_tf_session as session
ops = op_def_pb2.OpList.FromString(session.TF_GetBuffer(session.TF_GetAllOpList()))
print(json.dumps({op.name: [one.name for one in [*op.input_arg, *op.attr]] for op in ops.op}))
"""
BY_NAME = re.compile(
    "Abort|Cache|Checkpoint|Collective|Custom|Debug|Dump|Export|File|Heartbeat|Host|Import|Load|Network|Path|Print|PyFunc|Read|"
    "Record|Recv|Register|Remote|Restore|Rpc|Save|Send|Server|Service|Snapshot|Sql|Summary|Vocab|Write"
)
BY_ARGUMENT = re.compile(
    r"address|^call_target|debug_(ops|urls)|descriptor_source|(^|_|log)dir($|_)|file|memory_region|path|^token$|url|vocab_file"
)
HARMLESS = re.compile(
    "TPU|SparseCore|SparseDenseMatmul|BoostedTrees|Cudnn|Nccl|^_?Fused|^_(Fused)?Quantized"  # other processors, and their parts
    "|^TensorArray|ReadVariable|DisableCopyOnRead|CustomAggregator|RngReadAndSkip|MemoryCache$|^Snapshot$|^BarrierReadySize$"
    "|^LookupTable(Export|Import)|^CTCBeamSearch|^NegTrain$|^TensorSliceDataset$|^_?Host(Const|Cast)$|^Copy(Host)?$"  # memory
    "|^(Audio|Histogram|Image|Merge|Scalar|Tensor|Experimental.*|StatsAggregator)?Summary(V2)?$|^SummaryWriter$"
    "|^(Identity)?Reader(?!V2$)|^IdentityReaderV2$|^SnapshotNestedDatasetReader$|^Sharded(Filename|Filespec)$"
    "|^Debug(Gradient.*|NumericSummaryV2)$|^DeleteRpcFutureResource$|^Rpc(CheckStatus|GetValue)$"
)


def registry(client: docker.DockerClient, image: str) -> dict[str, list[str]]:
    """Every op that a TensorFlow knows, with the names of what it takes."""
    options: dict[str, Any] = {"remove": True, "network_mode": "none", "labels": LABELS}
    said: bytes = client.containers.run(image, ["python", "-c", REGISTRY], **options)
    return dict(json.loads(said.splitlines()[-1]))


@pytest.mark.everything
def test_every_op_that_reaches_outside_is_known(
    client: docker.DockerClient, environments: dict[str, Environment]
) -> None:
    """What is listed is there; what sounds as if it reached outside, in any version, is listed or known to be harmless."""
    ops: dict[str, list[str]] = {}
    for name in TESTED:  # which have all that there is in the versions between them
        ops |= registry(client, environments[name].image)
    assert set(OUTSIDE) - set(ops) == set()
    suspect = {op for op, taken in ops.items() if BY_NAME.search(op) or any(map(BY_ARGUMENT.search, taken))}
    assert {op for op in suspect - set(OUTSIDE) if not HARMLESS.search(op)} == set()
    assert {op for op in OUTSIDE if HARMLESS.search(op)} == set()


HOSTILE: dict[str, Callable[[], bytes]] = {
    "fork bomb of names": lambda: handed_in.zip_of({f"{number}.pb": b"" for number in range(20_000)}),
    "zip bomb": lambda: handed_in.zip_of({"config.json": bytes(60 << 20), "metadata.json": b"{}"}),
    "deep JSON": lambda: handed_in.zip_of({"config.json": b"[" * (4 << 20), "metadata.json": b"{}"}, packed=False),
    "terabytes": lambda: handed_in.hdf5_declaring((1 << 42,)),
    "wide JSON": lambda: handed_in.zip_of(
        {"config.json": b"[" + b"{}," * (9 << 20) + b"{}]", "metadata.json": b"{}"}, packed=False
    ),
    "deep Python": lambda: b"(" * (1 << 20),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_files_end_in_a_refusal(inspector: Inspector, blobs: Blobs, name: str) -> None:
    """Whatever they cost, they cost it in their own container, for so long at most; the next one is served."""
    part = "builder" if name == "deep Python" else "model"
    found = looked_into(inspector, blobs, **{part: HOSTILE[name]()})
    assert found.refused is not None
    assert looked_into(inspector, blobs, model=handed_in.keras_zip()).refused is None


Check = Callable[[str, Iterable[str]], None]


@pytest.fixture
def check(make_session: MakeSession, environments: dict[str, Environment], inspector: Inspector, blobs: Blobs) -> Check:
    """Save models in an environment in all formats, and look into each file."""

    def checked(name: str, models: Iterable[str]) -> None:
        seen, wrong = 0, []
        tasks = [SaveTask(model=model, formats=tuple(Format)) for model in models]
        with make_session(name) as session:
            for saved in Saves(session, blobs, defaultdict(float)).run(tasks):
                if saved.artifact is not None:
                    seen += 1
                    format_ = saved.key.format
                    found = looked_into(inspector, blobs, **parts_of(format_, blobs.get(saved.artifact.sha256)))
                    complaints = complaints_of(found, format_, environments[name], saved.artifact.signature)
                    wrong += [f"{saved.key.model} as {format_}: {one}" for one in complaints]
        assert seen
        assert wrong == []

    return checked


@pytest.mark.everything  # kinds of uploads from the door to the row are in `make test`: test_upload_kinds.py
@pytest.mark.parametrize("name", [one.id for one in catalog.load_environments()])
def test_every_model_of_every_environment_is_told(name: str, check: Check) -> None:
    """All models, in all formats, overlays as well."""
    check(name, [model.id for model in catalog.load_models()])


def parts_of(format_: Format, data: bytes) -> dict[str, bytes]:
    """How a person would hand in what was saved."""
    if format_ is not Format.JSON_WEIGHTS:
        return {"model": data}
    with tarfile.open(fileobj=io.BytesIO(data)) as opened:
        members = {one.name: opened.extractfile(one) for one in opened if one.isfile()}
        files = {name: file.read() for name, file in members.items() if file is not None}
    return {"architecture" if name.endswith(".json") else "model": content for name, content in files.items()}


def complaints_of(found: Inspection, format_: Format, saver: Environment, signature: Signature) -> Iterator[str]:
    """What is said wrongly of a file."""
    alone = format_ in {Format.WEIGHTS_H5, Format.CHECKPOINT}
    if (found.refused is not None) is not alone:
        yield f"refused: {found.refused}"
    if found.kind != format_.value and not (format_ is Format.SAVEDMODEL and not found.model.layers):
        yield f"kind {found.kind}"
    oldest, newest = (_minor(one) for one in (found.saved_with.oldest, found.saved_with.newest))
    if (oldest and oldest > saver.minor) or (newest and newest < saver.minor):
        yield f"saved by {oldest} to {newest}"
    if format_ not in {Format.CHECKPOINT, Format.WEIGHTS_H5, Format.JSON_WEIGHTS} and oldest is None:
        yield "nobody knows who saved it"
    if not found.model.parameters and format_ is not Format.CHECKPOINT:
        yield "no parameters"
    unusual = any("sparse" in note for note in found.notes)
    if not signature.inputs or alone or unusual:
        return
    first = 1 if format_ is Format.EXPORT else 0  # which leaves the number of rows open, whatever the model says
    stated = sorted(((one.shape or ())[first:], one.dtype) for one in signature.inputs)
    given = found.signature.inputs if found.signature else ()
    read = sorted(((one.shape or ())[first:], one.dtype) for one in given)
    if str(stated) != str(read) or len(found.inputs) != len(stated):
        yield f"inputs {read}, the model says {stated}"


def _minor(text: str | None) -> tuple[int, ...] | None:
    return None if text is None else tuple(int(part) for part in text.split("."))
