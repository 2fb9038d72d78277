"""Hostile uploads from the door to their row, by the worker itself: looked into, loaded, over; the next one is served."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import docker
import pytest

from matrix.blobs import Blobs
from matrix.config import Settings
from matrix.engines.docker import DockerEngine
from matrix.model import Method, Verdict
from matrix.store import Store, open_store
from matrix.uploads.door import Ticket, new_id
from matrix.uploads.inspecting import Inspector
from matrix.uploads.model import Options, Part, PartFile, Upload, UploadCell, UploadState, hashed
from matrix.uploads.work import LABEL as OF_UPLOADS
from matrix.uploads.work import UploadWork
from service import wiring
from service.uploads.working import upload_work
from tests.containers.conftest import LABEL, MINE
from tests.hostile.archives import ARCHIVES
from tests.hostile.case import Case
from tests.hostile.conftest import SECRET, Canary, Files
from tests.hostile.files import FILES

pytestmark = pytest.mark.containers

AsBefore = Callable[[str], None]
PATIENCE_SECONDS = 180
ATTACKS = ("forge", "two-frames", "daemon", "fork-bomb", "exit-zero", "forged-line")
"""Of code: what would harm the worker if it believed what it hears."""


@dataclass(frozen=True, kw_only=True)
class Service:
    """The worker of a home folder, as a runner has it."""

    work: UploadWork
    store: Store
    home: Path

    def serve(self, name: str, content: bytes, **parts: bytes) -> Upload:
        """Hand in an upload and wait until nothing more will be found."""
        ticket = Ticket(
            id=new_id(),
            names={Part.MODEL: name} | {Part(part): f"{part}.py" for part in parts},
            options=Options(environments=("tf2.15",), save_again=False),
            owner="somebody",
            deletion=hashed("token"),
            handed_in_at=datetime.now(UTC),
        )
        with self.work.door.handing_in(ticket.id) as folder:
            for part, data in {"model": content, **parts}.items():
                (folder / part).write_bytes(data)
            self.work.door.hand_in(ticket)
        deadline = time.monotonic() + PATIENCE_SECONDS
        while time.monotonic() < deadline:
            self.work.look()
            upload = self.store.uploads.get(ticket.id)
            if upload is not None and upload.state.is_over:
                return upload
            time.sleep(0.05)
        raise AssertionError(f"it is not over: {self.store.uploads.get(ticket.id)}")

    def cells(self, upload: Upload) -> Sequence[UploadCell]:
        """What was found, by all ways that were tried."""
        return self.store.uploads.cells(upload.content)

    def verdicts(self, upload: Upload) -> set[Verdict]:
        """What was found, over all ways that were tried."""
        return {cell.result.verdict for cell in self.cells(upload)}


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory, hostile_models: dict[str, bytes]) -> Iterator[Service]:
    """A worker that has served an honest upload."""
    home = tmp_path_factory.mktemp("home")
    settings = Settings(home=home, warm=0, lanes=1, load_seconds=10)
    with open_store(home / "matrix.db") as store:
        work = upload_work(settings, store, lambda _: None)
        with work.running():
            opened = Service(work=work, store=store, home=home)
            _assert_served(opened, hostile_models, b"first")
            yield opened
    shutil.rmtree(home, ignore_errors=True)


def _assert_served(service: Service, models: dict[str, bytes], salt: bytes) -> None:
    """An honest upload, which nobody handed in before, gets its row."""
    upload = service.serve("honest.h5", models["harmless"] + salt)
    assert upload.state is UploadState.DONE, upload.message
    assert service.verdicts(upload) <= {Verdict.LOADS, Verdict.PASS}
    assert service.verdicts(upload)


@pytest.fixture
def assert_as_before(
    service: Service, hostile_models: dict[str, bytes], canary: Canary, client: docker.DockerClient
) -> AsBefore:
    """Hold, after an attack, that nothing of it is left and that an honest upload is served; each has a name of its own."""

    def check(name: str) -> None:
        _assert_nothing_left(service, client, canary)
        _assert_served(service, hostile_models, name.encode())

    return check


@pytest.mark.parametrize(
    "name", [pytest.param("forge"), *(pytest.param(n, marks=pytest.mark.everything) for n in ATTACKS[1:])]
)
def test_code_in_an_upload_ends_with_its_row(
    service: Service, hostile_models: dict[str, bytes], assert_as_before: AsBefore, name: str
) -> None:
    """Its row is complete, whatever it did; the next upload is served; no container stays."""
    upload = service.serve(f"{name}.h5", hostile_models[name])
    assert upload.state in {UploadState.DONE, UploadState.REFUSED, UploadState.FAILED}, upload
    assert_as_before(name)


LATER = {"zip-bomb-that-lies", "only-text-inside"}
"""Archives whose fault only who unpacks them, or loads them, finds out."""

ARCHIVES_OFTEN = [
    pytest.param(one, id=one.name, marks=[] if one.name == "zip-slip" else [pytest.mark.everything])
    for one in ARCHIVES.all
]


@pytest.mark.parametrize("case", ARCHIVES_OFTEN)
def test_an_archive_in_an_upload_is_refused_by_a_sentence(
    service: Service, hostile_files: Files, canary: Canary, assert_as_before: AsBefore, case: Case
) -> None:
    """Before any TensorFlow sees it, or by the child; never does it load. The next upload is served."""
    content = case.act(_savedmodel(hostile_files), str(canary.path))
    upload = service.serve("model.tar.gz" if "tar" in case.options["packing"] else "model.zip", content)
    assert upload.state in {UploadState.DONE, UploadState.REFUSED}, upload
    assert upload.message or not service.verdicts(upload) & {Verdict.LOADS, Verdict.PASS}
    assert_as_before(case.name)


@pytest.mark.everything
@pytest.mark.parametrize("case", FILES.parameters())
def test_a_file_in_an_upload_ends_with_its_row(
    service: Service, hostile_files: Files, assert_as_before: AsBefore, case: Case
) -> None:
    """Looked into and loaded, or refused; what came of it is what may come of it; the next upload is served."""
    parts = hostile_files(case)
    suffix = {"savedmodel": ".tar", "checkpoint": ".tar", "keras": ".keras"}.get(case.options["format"], ".h5")
    others = {part: data for part, data in parts.items() if part != "model"}
    upload = service.serve(case.name + suffix, parts["model"], **others)
    assert upload.state in {UploadState.DONE, UploadState.REFUSED}, upload
    _assert_ended_as_it_may(service, upload, case)
    assert_as_before(case.name)


def _assert_ended_as_it_may(service: Service, upload: Upload, case: Case) -> None:
    """By the way that the attack is meant for; what is loaded another way, or as what it really is, may load or fail.

    What loads and is compared with itself passes, or drifts where it answers differently each time.
    """
    meant = (case.options["format"], case.options.get("method", Method.DEFAULT))
    for cell in service.cells(upload):
        found = cell.result.verdict
        loaded = Verdict.LOADS if found in {Verdict.PASS, Verdict.DRIFT} else found
        otherwise = {Verdict.FAIL, Verdict.LOADS} if (cell.format, cell.result.key.method) != meant else set()
        assert loaded in case.ends | otherwise, cell.result


def _assert_nothing_left(service: Service, client: docker.DockerClient, canary: Canary) -> None:
    """No container, no folder of one, no part at the door; nothing of the host's is in the database."""
    label = {"label": f"{OF_UPLOADS}={service.home}"}
    deadline = time.monotonic() + 30
    while client.containers.list(all=True, filters=label, ignore_removed=True) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert not client.containers.list(all=True, filters=label, ignore_removed=True)
    for folder in ("door", "inbox", "inspect"):
        assert list((service.home / "uploads" / folder).glob("*")) == []
    texts = [path.read_bytes() for path in service.home.glob("matrix.db*")]
    canary.assert_untouched(*texts)


def _savedmodel(files: Files) -> dict[str, bytes]:
    import io  # noqa: PLC0415
    import tarfile  # noqa: PLC0415

    with tarfile.open(fileobj=io.BytesIO(files(FILES["reads-the-image"])["model"])) as archive:
        opened = {one.name: archive.extractfile(one) for one in archive if one.isfile()}
        return {name: file.read() for name, file in opened.items() if file}


@pytest.fixture(scope="module")
def inspecting(engine: DockerEngine) -> DockerEngine:
    """The engine with the image that looks into uploads, as a runner has it."""
    del engine  # its fixture has seen that it answers
    found = wiring.engine(Settings())
    assert isinstance(found, DockerEngine)
    return found


def test_the_inspector_is_nobody_and_may_nothing(
    inspecting: DockerEngine, client: docker.DockerClient, tmp_path: Path
) -> None:
    """/proc/self/status of the process that reads uploads: nobody, no capability, no new privileges, seccomp."""
    (tmp_path / "in").mkdir()
    with inspecting.start_inspector(tmp_path / "in", {LABEL: MINE}) as channel:
        container = client.containers.get(channel._container.id)
        said = container.exec_run(["sh", "-c", "cat /proc/[0-9]*/status"]).output.decode()
        host = container.attrs["HostConfig"]
    processes = [
        dict(line.split(":\t", 1) for line in text.splitlines() if ":\t" in line) for text in said.split("Name:")[1:]
    ]
    assert len(processes) >= 2, said
    for status in processes:
        assert set(status["Uid"].split()) == set(status["Gid"].split()) == {"65534"}
        assert {int(status[name], 16) for name in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb")} == {0}
        assert (status["NoNewPrivs"], status["Seccomp"]) == ("1", "2")
    assert (host["ReadonlyRootfs"], host["NetworkMode"], host["Privileged"]) == (True, "none", False)
    assert [bind.rpartition(":")[2] for bind in host["Binds"]] == ["ro"]


@pytest.mark.everything
def test_the_inspector_answers_to_every_file_and_archive(
    inspecting: DockerEngine, hostile_files: Files, canary: Canary, tmp_path: Path
) -> None:
    """In time, with an answer or a refusal in a sentence; it reaches nothing of the host."""
    blobs, inspector = (
        Blobs(tmp_path / "blobs"),
        Inspector(inspecting, inboxes=tmp_path / "inspect", labels={LABEL: MINE}),
    )
    savedmodel = _savedmodel(hostile_files)
    files = [(one, hostile_files(one)["model"]) for one in FILES.all]
    files += [(one, one.act(savedmodel, str(canary.path))) for one in ARCHIVES.all]
    for case, content in files:
        began = time.monotonic()
        part = PartFile(name=f"{case.name}.bin", sha256=blobs.put(content), size=len(content))
        found = inspector.inspect({Part.MODEL: part}, blobs)
        assert time.monotonic() - began < 45, case.name
        assert found.kind or found.refused, case.name
        if case in ARCHIVES.all and case.name not in LATER:
            assert found.refused, case.name
        canary.assert_untouched(repr(found).encode())
    inspector.settle()
    assert list((tmp_path / "inspect").glob("*")) == []
    assert SECRET not in repr(files).encode()
