"""A conversation with one container: who are you, prove it, then job by job. Survives the container's death.

The host keeps a deadline of its own behind the zygote's: a zygote that a job took down costs that job, not the batch.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterable, Mapping
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from matrix import protocol
from matrix.blobs import Blobs
from matrix.compare import compare
from matrix.engines import Allowance, Channel, ChannelLostError, ChannelTimeoutError, Engine
from matrix.errors import TfmatrixError
from matrix.messages import Ending, EndKind, Job, Limits, LoadCell, LoadJob, SaveJob
from matrix.model import Environment, Format, Method, Rung, SaveOutcome
from matrix.protocol import ProtocolError
from matrix.results import Artifact, Identity

CANARY = "canary"
UNKNOWN_FORMAT = "no-such-format"
FURTHER = 12
"""A further cell of the same process gets this part of a cell's time: 1 of 12 s."""

MARGIN = 30
"""Seconds that the host waits beyond what the zygote may need to end a child and clean up after it."""


class HarnessBrokenError(TfmatrixError):
    """An environment that could not prove itself: it accuses us, not TensorFlow."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Patience:
    """Seconds and bytes that sessions allow."""

    start: float
    load: Limits
    save: Limits
    fresh_seconds: float


class Session(AbstractContextManager["Session"]):
    """One environment, ready for jobs; restarts its container when a job took it down.

    Use it as a context manager. ``identity`` is what the environment said of itself.
    """

    def __init__(  # noqa: PLR0913  a session is where all of these meet
        self,
        engine: Engine,
        environment: Environment,
        *,
        inbox: Path,
        allowance: Allowance,
        labels: Mapping[str, str],
        patience: Patience,
    ) -> None:
        self._start_container = partial(engine.start, environment, inbox, allowance, labels)
        self._inbox = inbox
        self._patience = patience
        self._stack = ExitStack()
        self._channel: Channel | None = None
        self._aborted = False
        self._jobs = 0
        self.environment = environment
        self.identity = Identity(versions={}, facts={})

    def __enter__(self) -> Self:
        self._inbox.mkdir(parents=True)
        self._inbox.chmod(0o755)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._end()
        shutil.rmtree(self._inbox, ignore_errors=True)

    def place(self, blobs: Blobs, artifact: Artifact) -> None:
        """Put an artifact and its inputs where the container sees them."""
        self.place_files(blobs, (artifact.sha256, artifact.inputs))

    def place_files(self, blobs: Blobs, digests: Iterable[str]) -> None:
        """Put files where the container sees them, each under its digest; what is there already is left."""
        for digest in digests:
            if not (self._inbox / digest).exists():
                blobs.link_into(digest, self._inbox, digest)

    def empty(self) -> None:
        """Take everything out of the container's folder."""
        for path in self._inbox.iterdir():
            path.unlink()

    @property
    def is_aborted(self) -> bool:
        """Whether it was told to stop: what its jobs came to since says nothing of a model."""
        return self._aborted

    def abort(self) -> None:
        """Make the job that runs fail, and every later one; called from another thread."""
        self._aborted = True
        if self._channel is not None:
            self._channel.abort()

    def reach(self) -> None:
        """Have a container for the next job: one that died while it waited says nothing of that job, and is replaced.

        Raises:
            HarnessBrokenError: None can be had that says who it is.
        """
        if self._channel is not None and self._channel.is_lost():
            self._end()
        if self._channel is None:
            self.meet()

    def run(self, job: Job, *, fresh: bool = False) -> tuple[Ending, bytes]:
        """Run one job and return how its child ended and what it said."""
        limits = self._limits(job, fresh=fresh)
        self._jobs += 1
        try:
            channel = self._ready()
            channel.send(protocol.line(self._jobs, job, limits, fresh=fresh))
            ending, said = protocol.answer(channel.receive(limits.seconds + limits.grace + MARGIN), self._jobs)
        except (ChannelLostError, ChannelTimeoutError, ProtocolError) as error:
            ending = self._for_memory(_taken_down(error, limits))
            self._end()
            return ending, b""
        if not said:
            ending = self._for_memory(ending)
        if not ending.clean:  # the next cell must not find what this one left
            self._end()
        return ending, said

    def _for_memory(self, ending: Ending) -> Ending:
        """Tell a lack of memory from a crash where the zygote could not: it was taken down itself, or sees no counter."""
        crashed = ending.kind is EndKind.SIGNAL or (ending.kind is EndKind.EXIT and ending.code != 0)
        if crashed and self._channel is not None and self._channel.starved():
            return replace(ending, kind=EndKind.OUT_OF_MEMORY)
        return ending

    def _limits(self, job: Job, *, fresh: bool) -> Limits:
        """One cell may take all the time that a cell has; for each further one there is what an ordinary cell takes."""
        limits = self._patience.load if isinstance(job, LoadJob) else self._patience.save
        extra = self._patience.fresh_seconds if fresh else 0.0
        if isinstance(job, LoadJob):
            extra += (len(job.cells) - 1) * limits.seconds / FURTHER
        return replace(limits, seconds=limits.seconds + extra)

    def prove(self, blobs: Blobs) -> None:
        """Make the environment prove itself before its cells count.

        It must hold the versions of its row, refuse a format that does not exist, and load a canary that it saved itself.

        Raises:
            HarnessBrokenError: It did not, also not when asked again in a new container.
        """
        self._insist(lambda: self._is_another() or self._refuses_unknown() or self._loads_canary(blobs))

    def meet(self) -> None:
        """Make the environment say who it is: enough where the same image has proved itself before.

        Raises:
            HarnessBrokenError: It is another, or says nothing, also when asked again in a new container.
        """
        self._insist(self._is_another)

    def _insist(self, check: Callable[[], str | None]) -> None:
        complaint = self._complaint(check)
        if complaint is not None and not self._aborted:
            self._end()
            complaint = self._complaint(check)
        if complaint is not None:
            self._end()
            raise HarnessBrokenError(
                f"{self.environment.id} did not prove itself: {complaint}",
                next_step=f"Rebuild it with `tfmatrix images build --environments {self.environment.id} --again`.",
            )

    def _complaint(self, check: Callable[[], str | None]) -> str | None:
        try:
            self._ready()
            return check()
        except ChannelLostError as error:
            return f"its container ended: {error}"
        except ChannelTimeoutError:
            return f"its container did not answer within {self._patience.start:.0f} s"
        except ProtocolError as error:
            return f"its probe said what no probe says: {error}"

    def _is_another(self) -> str | None:
        """An image that holds something else than its row says would give wrong verdicts in silence."""
        row, inside = self.environment, self.identity.versions
        wanted = {"tensorflow": row.tensorflow, "keras": row.keras, "python": row.python}
        found = {name: inside.get(name, "nothing") for name in wanted}
        found["python"] = ".".join(found["python"].split(".")[:2])
        others = [f"{name} {found[name]} instead of {wanted[name]}" for name in wanted if found[name] != wanted[name]]
        return f"inside is {', '.join(others)}" if others else None

    def _refuses_unknown(self) -> str | None:
        ending, said = self.run(
            _one(model=CANARY, format=UNKNOWN_FORMAT, method=Method.DEFAULT, artifact="-", is_tar=False, inputs="-")
        )
        if ending.kind is EndKind.EXIT and said and protocol.load_report(said).unsupported is not None:
            return None
        return f"asked for a format that does not exist, it did not answer `unsupported`. {ending.noise[-2000:]}"

    def _loads_canary(self, blobs: Blobs) -> str | None:
        ending, said = self.run(SaveJob(model=CANARY, formats=(Format.H5,)))
        if not said:
            return f"it could not save its canary. {ending.noise[-2000:]}"
        report = protocol.save_report(said)
        if not report.saves or report.saves[0].outcome is not SaveOutcome.SAVED:
            return f"it could not save its canary: {report.raised or report.unsupported or report.saves}"
        artifact, inputs = blobs.put(report.saves[0].data), blobs.put(report.inputs)
        self.place_files(blobs, (artifact, inputs))
        job = _one(
            model=CANARY, format=Format.H5, method=Method.DEFAULT, artifact=artifact, is_tar=False, inputs=inputs
        )
        ending, said = self.run(job)
        if not said or (found := protocol.load_report(said)).reached is not Rung.CALLED:
            return f"it could not load the canary that it saved itself. {said[:2000]!r} {ending.noise[-2000:]}"
        differences = compare(found.outputs, protocol.arrays(report.outputs))
        return None if all(one.equal for one in differences) else f"its canary answers differently: {differences}"

    def _ready(self) -> Channel:
        if self._aborted:
            raise ChannelLostError("the run was stopped")
        if self._channel is None:
            channel = self._stack.enter_context(self._start_container())
            self._channel = channel
            self.identity = protocol.hello(channel.receive(self._patience.start))
        return self._channel

    def _end(self) -> None:
        self._channel = None
        self._stack.close()


def _one(**cell: Any) -> LoadJob:  # noqa: ANN401  the fields of a cell
    return LoadJob(cells=(LoadCell(**cell),))


def _taken_down(error: Exception, limits: Limits) -> Ending:
    """Say of a job that took the whole container with it what is known: that it did."""
    timeout = isinstance(error, ChannelTimeoutError)
    return Ending(
        kind=EndKind.TIMEOUT if timeout else EndKind.SIGNAL,
        code=2 if timeout else 9,
        wall_seconds=limits.seconds if timeout else 0.0,
        peak_memory=0,
        lane="fork",
        noise=f"the container ended with the job: {error}",
        tampered=False,
        clean=False,
    )
