"""``tfmatrix bench-upload``: an upload's row with containers kept warm, with none, and the plain way, in one run."""

from __future__ import annotations

import json
import math
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, Self

import typer
from rich.console import Console
from rich.table import Table

from images.bootstrap.engine import connect
from matrix.blobs import Blobs
from matrix.catalog import load_environments
from matrix.config import WARM_BYTES, Settings
from matrix.engines.docker import PROBE, DockerEngine
from matrix.errors import EngineError, ExitCode
from matrix.lane import Finding, Lanes
from matrix.model import Environment, Format
from matrix.plan import SaveBatch, SaveTask
from matrix.processors import processors
from matrix.repeat import NEVER
from matrix.results import Artifact, SaveResult
from matrix.store import Store, open_store
from matrix.uploads.door import Ticket, new_id
from matrix.uploads.model import Options, Part, Upload
from matrix.uploads.work import LABEL, UploadWork
from service.bench import BENCH, bench_sandboxes
from service.options import Json
from service.uploads.working import upload_work

SAVER: Final = "tf2.15"
MODEL: Final = "dense"
MANY: Final = 10
FIRST_SECONDS: Final = 2.0
WARM_SECONDS: Final = 12.0
COLD_SECONDS: Final = 60.0
WARM_TO_PLAIN: Final = 5.0
SAMPLE_SECONDS: Final = 0.5
_PATIENCE_SECONDS: Final = 900.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Measured:
    """Seconds of one way: until the first verdict stood, and until the whole row did."""

    first: float | None
    row: float


@dataclass(frozen=True, kw_only=True, slots=True)
class Findings:
    """The ways side by side. ``many`` is the last row of ten uploads at once; ``warming`` what it took to have all warm.

    ``peak`` is the most bytes that all containers took together with all warm and ten uploads at once, ``memory`` the setting.
    """

    environments: int
    warming: float
    warm: Measured
    cold: Measured
    plain: Measured
    many: Measured
    peak: int
    memory: int

    @property
    def complaints(self) -> list[str]:
        """What is not reached."""
        checks = {
            f"first verdict within {FIRST_SECONDS:.0f} s, warm": (self.warm.first or math.inf) < FIRST_SECONDS,
            f"the row within {WARM_SECONDS:.0f} s, warm": self.warm.row < WARM_SECONDS,
            f"the row within {COLD_SECONDS:.0f} s, with nothing warm": self.cold.row < COLD_SECONDS,
            f"{WARM_TO_PLAIN:.0f} times as fast as the plain way, warm": self.plain.row / self.warm.row > WARM_TO_PLAIN,
            f"all containers within {_gib(self.memory)}, which is the setting": 0 < self.peak <= self.memory,
        }
        return [what for what, reached in checks.items() if not reached]


def bench_upload(*, as_json: Json = False) -> None:
    """Measure an upload's row: warm, cold, and the plain way, which is a container for each version, started for the file."""
    out = Console(highlight=False)
    say: Callable[[str], None] = (lambda _: None) if as_json else (lambda text: out.print(text, soft_wrap=True))
    engine = DockerEngine(connect())
    bases = tuple(one for one in load_environments() if one.base is None)
    missing = engine.missing(bases)
    if missing:
        raise EngineError(f"Not built: {', '.join(missing)}.", next_step="`tfmatrix setup` builds them.")
    with tempfile.TemporaryDirectory(prefix="tfmatrix-bench-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        findings = _Bench(folder, engine, bases, say).findings()
    if as_json:
        sys.stdout.write(json.dumps({"schema": 1, **asdict(findings), "complaints": findings.complaints}) + "\n")
    else:
        _print(out, findings)
    if findings.complaints:
        raise typer.Exit(ExitCode.FINDINGS)


class Peak:
    """The most that containers with a label take together while the context lasts: looked at again and again, in a thread."""

    def __init__(self, take: Callable[[], int], seconds: float = SAMPLE_SECONDS) -> None:
        self.bytes = 0
        self._take = take
        self._seconds = seconds
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._sample, name="memory", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def _sample(self) -> None:
        while True:
            with suppress(
                EngineError
            ):  # the next look may succeed; where none does, nothing was measured, and that is said
                self.bytes = max(self.bytes, self._take())
            if self._over.wait(self._seconds):
                return


class _Bench:
    """One small model, saved here by 2.15 as HDF5, handed in again and again under homes that know nothing."""

    def __init__(
        self, folder: Path, engine: DockerEngine, bases: tuple[Environment, ...], say: Callable[[str], None]
    ) -> None:
        self._folder = folder
        self._engine = engine
        self._bases = bases
        self._say = say
        self._blobs = Blobs(folder / "blobs")
        self._artifact = self._saved()

    def findings(self) -> Findings:
        """Measure all ways, one after the other."""
        self._say("the plain way …")
        plain = self._plain()
        self._say("nothing warm …")
        with self._working("cold", warm=0) as (work, store):
            cold = self._row(work, store, 0)
        self._say("warming up …")
        began = time.monotonic()
        peak = Peak(lambda: self._engine.memory(f"{LABEL}={self._folder / 'warm'}"))
        with peak, self._working("warm", warm=len(self._bases)) as (work, store):
            self._until_warm(work)
            warming = time.monotonic() - began
            self._say("warm …")
            warm = self._row(work, store, 1)
            self._say(f"{MANY} at once …")
            many = self._many(work, store)
        return Findings(
            environments=len(self._bases),
            warming=warming,
            warm=warm,
            cold=cold,
            plain=plain,
            many=many,
            peak=peak.bytes,
            memory=Settings().memory,
        )

    def _saved(self) -> Artifact:
        sandboxes = bench_sandboxes(self._engine, self._folder, Settings())
        lanes = Lanes(sandboxes, self._blobs, processors=processors(), repeats=NEVER)
        saver = next(one for one in self._bases if one.id == SAVER)
        found: list[Finding] = []
        lanes.work(SaveBatch(environment=saver, tasks=(SaveTask(model=MODEL, formats=(Format.H5,)),)), 0, found.append)
        artifact = next((one.artifact for one in found if isinstance(one, SaveResult)), None)
        if artifact is None:
            raise EngineError(f"{SAVER} did not save {MODEL}.", next_step="`tfmatrix doctor`.")
        return artifact

    def _plain(self) -> Measured:
        """A container for each version, as many side by side as we have lanes."""
        file = self._blobs.link_into(self._artifact.sha256, self._folder, "model.h5")
        inputs = self._blobs.link_into(self._artifact.inputs, self._folder, "inputs")
        words = [f"/bench/{file.name}", "h5", MODEL, "compile=False", f"/bench/{inputs.name}"]
        folders = {PROBE: "/probe", BENCH: "/scripts", self._folder: "/bench"}
        ended: list[float] = []
        began = time.monotonic()

        def run(environment: Environment) -> None:
            self._engine.run(environment, ["python", "/scripts/plain.py", *words], folders, None)
            ended.append(time.monotonic() - began)

        with ThreadPoolExecutor(Settings().lanes_in_memory) as pool:
            list(pool.map(run, self._bases))
        return Measured(first=min(ended), row=time.monotonic() - began)

    @contextmanager
    def _working(self, name: str, *, warm: int) -> Iterator[tuple[UploadWork, Store]]:
        home = self._folder / name
        given = Settings()
        room = given.lanes_in_memory * given.container_memory + warm * WARM_BYTES  # all are to be warm, whatever is set
        settings = given.model_copy(update={"home": home, "warm": warm, "memory": max(given.memory, room)})
        with open_store(home / "matrix.db") as store:
            work = upload_work(settings, store, lambda _: None)
            with work.running():
                yield work, store

    def _until_warm(self, work: UploadWork) -> None:
        deadline = time.monotonic() + _PATIENCE_SECONDS
        while work.warm() < len(self._bases):
            if time.monotonic() > deadline:
                raise EngineError("Not all containers became warm.", next_step="`tfmatrix doctor`.")
            time.sleep(0.1)

    def _hand_in(self, work: UploadWork, number: int) -> str:
        """Hand the model in; a number behind its last byte, which no reader looks at, makes it another file."""
        ticket = Ticket(
            id=new_id(),
            names={Part.MODEL: "model.h5"},
            options=Options(save_again=False),
            owner=f"owner {number}",
            deletion="",
            handed_in_at=datetime.now(UTC),
        )
        with work.door.handing_in(ticket.id) as folder:
            content = self._blobs.get(self._artifact.sha256) + b"%03d" % number
            (folder / Part.MODEL.value).write_bytes(content)
            work.door.hand_in(ticket)
        return ticket.id

    def _row(self, work: UploadWork, store: Store, number: int) -> Measured:
        began, first = time.monotonic(), None
        upload_id = self._hand_in(work, number)
        while True:
            work.look()
            upload = store.uploads.get(upload_id)
            if upload is not None and first is None and store.uploads.cells(upload.content):
                first = time.monotonic() - began
            if upload is not None and upload.state.is_over:
                self._check(store, upload)
                return Measured(first=first, row=time.monotonic() - began)
            time.sleep(0.02)

    def _many(self, work: UploadWork, store: Store) -> Measured:
        began = time.monotonic()
        waiting = {self._hand_in(work, number) for number in range(100, 100 + MANY)}
        first = None
        while waiting:
            work.look()
            for upload in (store.uploads.get(one) for one in tuple(waiting)):
                if upload is not None and upload.state.is_over:
                    self._check(store, upload)
                    waiting.discard(upload.id)
                    first = first or time.monotonic() - began
            time.sleep(0.05)
        return Measured(first=first, row=time.monotonic() - began)

    def _check(self, store: Store, upload: Upload) -> None:
        """See that what was measured is what was asked for."""
        loaders = {cell.result.key.loader for cell in store.uploads.cells(upload.content)}
        if upload.reference != SAVER or len(loaders) != len(self._bases):
            raise EngineError(
                f"The row is not whole: {len(loaders)} of {len(self._bases)}, {upload.state}, {upload.message}.",
                next_step="`tfmatrix doctor`.",
            )


def _gib(size: int) -> str:
    return f"{size / (1 << 30):.1f} GiB"


def _print(out: Console, findings: Findings) -> None:
    table = Table("seconds", "first verdict", f"all {findings.environments}", "plain / this")
    ways = {"warm": findings.warm, "nothing warm": findings.cold, "the plain way": findings.plain}
    for name, way in ways.items():
        first = "" if way.first is None else f"{way.first:.2f}"
        table.add_row(name, first, f"{way.row:.1f}", f"{findings.plain.row / way.row:.1f}")
    out.print(table)
    out.print(
        f"The plain way: a container for each version, started for the file. All {findings.environments} were warm after"
        f" {findings.warming:.0f} s. Of {MANY} uploads at once, the first row stood after"
        f" {findings.many.first or 0:.0f} s, the last after {findings.many.row:.0f} s. All containers together took"
        f" {_gib(findings.peak)} at the most; {_gib(findings.memory)} is the setting.",
        soft_wrap=True,
    )
    for complaint in findings.complaints:
        out.print(f"[bold red]Not reached:[/] {complaint}")
