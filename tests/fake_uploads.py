"""Uploads without an engine: environments that answer by a rule, a door in a folder, a store in a file."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import numpy as np
import pytest

from images.probe import wire
from matrix import catalog
from matrix.blobs import Blobs
from matrix.config import Settings
from matrix.errors import EngineError
from matrix.messages import AgainJob, Ending, EndKind, Job, LoadJob, SaveJob
from matrix.model import Environment, Method
from matrix.session import HarnessBrokenError
from matrix.store import Store, open_store
from matrix.uploads.door import Door, Ticket, new_id
from matrix.uploads.means import Means
from matrix.uploads.model import ITSELF, Options, Part, Parts, Upload, UploadCell, hashed
from matrix.uploads.work import UploadWork
from tests.fake_session import ENDED

BASES: Final = tuple(one for one in catalog.load_environments() if one.base is None)
IDS: Final = {one.recipe_digest: one.id for one in BASES}
TOKEN: Final = "token"  # noqa: S105
SECONDS: Final = 60.0
TOO_LARGE: Final = (
    "Its answers have 500 bytes; no more than 400 are taken out of a sandbox, so they cannot be compared."
)

Rule = Callable[[Environment, str], float | str]
"""Of an environment and a method: the number that the model answers, or the message that it fails with."""


def everywhere(_environment: Environment, _method: str) -> float:
    """Every environment answers one."""
    return 1.0


def before_2_16(environment: Environment, method: str) -> float | str:
    """Keras 2 reads it; in 2.4 only without its compile settings; 2.13 answers something else."""
    if environment.minor >= (2, 16):
        return "File format not supported"
    if environment.minor == (2, 4) and method == Method.DEFAULT:
        return "Unknown optimizer"
    return 3.0 if environment.minor == (2, 13) else 1.0


@dataclass
class World:
    """What the environments do, and what was asked of them."""

    rule: Rule = everywhere
    inspection: dict[str, Any] = field(default_factory=dict)
    broken: frozenset[str] = frozenset()
    asked: list[tuple[str, str]] = field(default_factory=list)
    inputs: set[str] = field(default_factory=set)
    built_with: set[str] = field(default_factory=set)
    inspected: int = 0
    faults: list[Exception] = field(default_factory=list)
    fit: int = 99
    """So many formats fit into one answer; others are left out of it."""
    too_large: frozenset[str] = frozenset()
    most_bytes: int = 1 << 40
    silent: bool = False
    """Whether answers are too large to be told."""
    made: Callable[[], float] | None = None
    """What a child makes up where nobody gave inputs; the model then answers that."""
    stopped: threading.Event = field(default_factory=threading.Event)

    def __call__(self, _parts: Parts) -> dict[str, Any]:
        """Answer as an inspector would that found a whole h5 model of 2.9."""
        self.inspected += 1
        if self.faults:
            raise self.faults.pop()
        found = {"refused": None, "kind": "h5", "packing": "file", "root": "", "unpacked": 5, "inputs": None}
        return found | {"saved_with": {"tensorflow": "2.9.3"}} | self.inspection

    def missing(self, _line: object) -> None:
        """Nothing is kept warm."""

    def stop(self) -> None:
        """Take down what works, as real containers are."""
        self.stopped.set()

    def settle(self) -> None: ...

    @contextmanager
    def session(self, environment: Environment, _unpacked: int) -> Iterator[FakeSeat]:
        """Give an environment that answers by the rule."""
        if environment.id in self.broken:
            raise HarnessBrokenError(f"{environment.id} did not prove itself", next_step="Rebuild it.")
        yield FakeSeat(self, environment)


class FakeSeat:
    """An environment's session."""

    def __init__(self, world: World, environment: Environment) -> None:
        self._world = world
        self.environment = environment
        self.placed: set[str] = set()

    @property
    def is_aborted(self) -> bool:
        """Whether all was stopped."""
        return self._world.stopped.is_set()

    def reach(self) -> None:
        """It is there."""

    def place_files(self, blobs: Blobs, digests: Iterable[str]) -> None:
        """Note what was placed; it must be there."""
        for digest in digests:
            blobs.get(digest)
            self.placed.add(digest)

    def run(self, job: Job, *, fresh: bool = False) -> tuple[Ending, bytes]:
        """Answer by the rule."""
        match job:
            case LoadJob(cells=(cell,)):
                assert {cell.artifact, *filter(None, [cell.inputs])} <= self.placed
                self._world.asked.append((self.environment.id, cell.method))
                self._world.inputs.add(cell.inputs)
                return self._made() if self._world.made and not cell.inputs else self._load(cell.method, fresh=fresh)
            case AgainJob(cell=cell, formats=formats):
                self._world.asked.append((self.environment.id, "again"))
                return ENDED, self._saved(self._world.rule(self.environment, cell.method), formats)
            case SaveJob(formats=formats):
                assert set(filter(None, [job.inputs])) <= self.placed
                self._world.built_with.add(job.inputs)
                self._world.asked.append((self.environment.id, "build"))
                return ENDED, self._saved(self._world.rule(self.environment, "build"), formats)
            case _:
                raise AssertionError(job)

    def _made(self) -> tuple[Ending, bytes]:
        assert self._world.made is not None
        specs, body = wire.encode_arrays([("x", np.full(2, self._world.made(), "float32"))])
        outputs, answer = wire.encode_arrays([("y", np.ones(2, "float32"))])
        made = {"arrays": specs, "structure": "single", "notes": ["0 and 1 were made."], "from": "model"}
        cell = {"reached": "called", "outputs": outputs, "made": made, "length": len(body + answer)}
        return ENDED, wire.pack({"cells": [cell]}, body + answer)

    def _load(self, method: str, *, fresh: bool) -> tuple[Ending, bytes]:
        said = self._world.rule(self.environment, method)
        if said == "die" or (said == "die once" and not fresh):
            return replace(ENDED, kind=EndKind.SIGNAL, code=11), b""
        if isinstance(said, str) and said != "die once":
            raised = {"class": "ValueError", "message": said, "traceback": "", "frames": []}
            return ENDED, wire.pack({"cells": [{"reached": "opened", "exception": raised, "length": 0}]}, b"")
        if self._world.silent:
            return ENDED, wire.pack({"cells": [{"reached": "called", "notes": [TOO_LARGE], "length": 0}]}, b"")
        specs, body = wire.encode_arrays([("y", np.full(2, said if isinstance(said, float) else 1.0, "float32"))])
        return ENDED, wire.pack({"cells": [{"reached": "called", "outputs": specs, "length": len(body)}]}, body)

    def _saved(self, said: float | str, formats: tuple[str, ...]) -> bytes:
        if isinstance(said, str):
            raised = {"class": "ValueError", "message": said, "traceback": "", "frames": []}
            return wire.pack({"exception": raised, "saves": []}, b"")
        inputs, raw_inputs = wire.encode_arrays([("x", np.zeros(2, "float32"))])
        outputs, raw_outputs = wire.encode_arrays([("y", np.full(2, said, "float32"))])
        name = self.environment.id.encode()
        large = [
            {"format": one, "outcome": "too-large", "reason": "500"} for one in formats if one in self._world.too_large
        ]
        fit = [one for one in formats if one not in self._world.too_large][: self._world.fit]
        saves = [{"format": one, "outcome": "saved", "is_tar": False, "length": len(name)} for one in fit]
        header = {"inputs": inputs, "outputs": outputs, "structure": "single", "saves": saves + large, "steps": {}}
        header["made"] = {"from": "sample_inputs", "notes": []}
        return wire.pack(header, raw_inputs + raw_outputs + name * len(fit))


class FakeEngine:
    """An engine that has every image."""

    isolates = True

    def __init__(self, missing: frozenset[str] = frozenset()) -> None:
        self._missing = missing

    def missing(self, environments: tuple[Environment, ...]) -> dict[str, str]:
        """Some may lack."""
        return {one.id: "its image is not built" for one in environments if one.id in self._missing}

    def reap(self, _label: str) -> int:
        """There is nothing to remove."""
        return 0


def work_on(  # noqa: PLR0913  what a test may want otherwise
    home: Path,
    store: Store,
    world: World,
    *,
    lanes: int = 2,
    missing: frozenset[str] = frozenset(),
    environments: Sequence[Environment] = BASES,
    **settings: Any,
) -> UploadWork:
    """Return what does uploads, with made-up environments."""
    engine: Any = FakeEngine(missing)
    said: list[str] = []
    work = UploadWork(
        Settings(home=home, lanes=lanes, warm=0, **settings),
        engine=engine,
        uploads=store.uploads,
        environments=environments,
        say=said.append,
    )
    fake: Any = world
    work._containers = work._inspector = fake  # all that needs an engine
    work._inspect = world
    work._means = Means(uploads=store.uploads, blobs=work._blobs, containers=fake)
    return work


def hand_in(
    door: Door,
    content: bytes = b"model",
    *,
    named: Mapping[Part, tuple[str, bytes]] | None = None,
    options: Options | None = None,
    owner: str = "me",
) -> str:
    """Hand in one file, or files by what they are for, each with its name; return the upload's id."""
    parts = named or {Part.MODEL: ("model.h5", content)}
    ticket = Ticket(
        id=new_id(),
        names={part: name for part, (name, _) in parts.items()},
        options=options or Options(save_again=False),
        owner=owner,
        deletion=hashed(TOKEN),
        handed_in_at=datetime.now(UTC),
    )
    with door.handing_in(ticket.id) as folder:
        for part, (_, data) in parts.items():
            (folder / part.value).write_bytes(data)
        door.hand_in(ticket)
    return ticket.id


def until(
    work: UploadWork, store: Store, upload_id: str, reached: Callable[[Upload], bool], seconds: float = SECONDS
) -> Upload:
    """Let the work go on until an upload has reached something."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        work.look()
        upload = store.uploads.get(upload_id)
        if upload is not None and reached(upload):
            return upload
        time.sleep(0.01)
    raise AssertionError(f"after {seconds} s it is {store.uploads.get(upload_id)}")


def engine_died() -> EngineError:
    """What an engine raises that is gone."""
    return EngineError("The engine is gone.", next_step="Start it.")


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    """An empty database."""
    with open_store(tmp_path / "matrix.db") as opened:
        yield opened


def is_over(upload: Upload) -> bool:
    """Whether nothing more will come."""
    return upload.state.is_over


def row(store: Store, upload: Upload) -> dict[str, UploadCell]:
    """What came last of each environment that tried the file itself."""
    return {IDS[cell.result.key.loader]: cell for cell in store.uploads.cells(upload.content) if cell.saver == ITSELF}
