"""Runs probes in uv environments of this machine, one per row. It isolates nothing: what it loads runs as you.

For where no container engine can be had. The same probe, the same protocol; what a container would limit and this does
not is listed in docs/method.md.
"""

from __future__ import annotations

import contextlib
import os
import resource
import select
import shutil
import subprocess
import tempfile
import time
import uuid
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import IO

from matrix.config import ROOT
from matrix.engines import Allowance, ChannelLostError
from matrix.engines.frames import FramedChannel
from matrix.engines.processes import end_marked, end_tree
from matrix.errors import EngineError, UsageError
from matrix.model import Environment, Flavour

PROBE = ROOT / "images" / "probe"
NAME = "venv (no isolation)"
MARK = "TFMATRIX_STARTED_BY"
OVERLAY = "overlay"
"""The folder in a uv environment that holds an overlay's own packages."""

NOISE_LIMIT = 32 << 10
SEND_SECONDS = 60


def folder(home: Path, environment: Environment) -> Path:
    """Return where a row's uv environment is; like an image's tag, its name ends in the recipe digest."""
    return home / "venvs" / f"{environment.id}-{environment.recipe_digest[:16]}"


def python(home: Path, environment: Environment) -> Path:
    """Return the interpreter of a row's environment."""
    return folder(home, environment) / "bin" / "python"


def reason_file(home: Path, environment: Environment) -> Path:
    """Return the file that says why a row's environment cannot be had here."""
    place = folder(home, environment)
    return place.with_name(f"{place.name}.unavailable")


class VenvEngine:
    """An engine of plain processes."""

    isolates = False

    def __init__(self, home: Path) -> None:
        self._home = home.resolve()
        self._scratch = self._home / "scratch"

    def name(self) -> str:
        """Return what it is, with what it lacks."""
        return NAME

    def missing(self, environments: tuple[Environment, ...]) -> dict[str, str]:
        """Return the environments that are not made, each with the reason."""
        return {one.id: self._why_missing(one) for one in environments if self.image_id(one) is None}

    def image_id(self, environment: Environment) -> str | None:
        """Return which uv environment runs, or nothing when it is not made."""
        return f"venv:{environment.recipe_digest}" if python(self._home, environment).exists() else None

    def reap(self, label: str) -> int:
        """End what a killed run left, and remove its folders."""
        ended = end_marked(f"{MARK}={label}")
        for left in self._scratch.glob("*/label"):
            if left.read_text(encoding="utf-8") == label:
                _remove(left.parent)
        return ended

    @contextlib.contextmanager
    def start(
        self, environment: Environment, inbox: Path, allowance: Allowance, labels: Mapping[str, str]
    ) -> Iterator[VenvChannel]:
        """Start the zygote as a process of this machine; it and what descends from it are gone when the context ends."""
        label = next((f"{name}={value}" for name, value in labels.items()), "")
        session = f"TFMATRIX_SESSION={uuid.uuid4().hex}"
        scratch = self._new_scratch(label)
        words = [str(python(self._home, environment)), "-u", str(PROBE / "zygote.py")]
        try:
            process = subprocess.Popen(  # noqa: S603
                words,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                bufsize=0,
                cwd=scratch / "tmp",
                env=_variables(inbox, scratch, label, session) | self._overlay(environment),
                start_new_session=True,
            )
        except OSError as error:
            _remove(scratch)
            raise EngineError(
                f"{words[0]} does not start: {error.strerror}.", next_step="Make it again: `tfmatrix setup`."
            ) from error
        channel = VenvChannel(process)
        try:
            _limit(process.pid, allowance)
            yield channel
        finally:
            channel.abort()
            end_marked(session)
            channel.close()
            _remove(scratch)

    def start_inspector(
        self,
        inbox: Path,  # noqa: ARG002  the Protocol's signature
        labels: Mapping[str, str],  # noqa: ARG002
    ) -> contextlib.AbstractContextManager[VenvChannel]:
        """Refuse: who looks into a file that somebody brought must not be somebody here."""
        raise UsageError(
            "Uploads are looked into and loaded in containers, and this engine has none: a model is a program.",
            next_step="Get a container engine (`tfmatrix doctor` says what is missing), or load the file by hand.",
        )

    def _overlay(self, environment: Environment) -> dict[str, str]:
        """Return what puts an overlay before its base's packages, as its image does."""
        if environment.base is None:
            return {}
        legacy = {"TF_USE_LEGACY_KERAS": "1"} if environment.flavour is Flavour.TF_KERAS else {}
        return {"PYTHONPATH": str(folder(self._home, environment) / OVERLAY), **legacy}

    def _why_missing(self, environment: Environment) -> str:
        try:
            return reason_file(self._home, environment).read_text(encoding="utf-8")
        except OSError:
            return "its uv environment is not made: `tfmatrix setup`"

    def _new_scratch(self, label: str) -> Path:
        self._scratch.mkdir(parents=True, exist_ok=True)
        made = Path(tempfile.mkdtemp(dir=self._scratch))
        (made / "label").write_text(label, encoding="utf-8")
        for name in ("tmp", "home"):
            (made / name).mkdir()
        return made


def _variables(inbox: Path, scratch: Path, label: str, session: str) -> dict[str, str]:
    """Return all that the probe gets to see of an environment: nothing of this process's own."""
    name, _, value = session.partition("=")
    return {
        "PATH": "/usr/local/bin:/usr/bin:/bin",
        "HOME": str(scratch / "home"),
        "TMPDIR": str(scratch / "tmp"),
        "OPENBLAS_NUM_THREADS": "1",
        "OMP_NUM_THREADS": "1",
        "TF_CPP_MIN_LOG_LEVEL": "1",
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTHONNOUSERSITE": "1",
        "TFMATRIX_ISOLATION": "none",
        "TFMATRIX_TMP": str(scratch / "tmp"),
        "TFMATRIX_INBOX": str(inbox.resolve()),
        MARK: label,
        name: value,
    }


def _limit(pid: int, allowance: Allowance) -> None:
    """Pin a process that has just begun, and bound the memory that each process below it may write to.

    Not the address space: TensorFlow reserves far more of it than it uses.
    """
    with contextlib.suppress(OSError):  # it ended already; whoever reads from it is told so
        if allowance.processor is not None:
            os.sched_setaffinity(pid, {allowance.processor})
        resource.prlimit(pid, resource.RLIMIT_DATA, (allowance.memory, allowance.memory))
        resource.prlimit(pid, resource.RLIMIT_CORE, (0, 0))


class VenvChannel(FramedChannel):
    """A zygote's standard streams."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self._process = process
        self._out, self._err = _stream(process.stdout), _stream(process.stderr)
        self._in = _stream(process.stdin)
        super().__init__()
        self.noise = b""
        os.set_blocking(self._in.fileno(), False)

    @property
    def pid(self) -> int:
        """The zygote's process."""
        return self._process.pid

    def send(self, line: bytes) -> None:
        """Write one job line."""
        deadline = time.monotonic() + SEND_SECONDS
        view = memoryview(line)
        try:
            while view:
                if not select.select([], [self._in], [], max(0.0, deadline - time.monotonic()))[1]:
                    raise self._lost()
                view = view[os.write(self._in.fileno(), view) :]
        except OSError as error:
            raise self._lost() from error

    def abort(self) -> None:
        """End the zygote and all that descends from it."""
        if self._process.poll() is None:
            end_tree(self._process.pid)

    def close(self) -> None:
        """See the zygote gone, and let go of its streams."""
        self._process.wait()
        for stream in (self._in, self._out, self._err):
            with contextlib.suppress(OSError):
                stream.close()

    def _read(self, seconds: float) -> None:
        ready = select.select([self._out, self._err], [], [], seconds)[0]
        if self._err in ready:
            chunk = os.read(self._err.fileno(), 1 << 16)
            self.noise = (self.noise + chunk)[-NOISE_LIMIT:]
            if not chunk:
                raise self._lost()
        if self._out in ready:
            data = os.read(self._out.fileno(), 1 << 20)
            if not data:
                raise self._lost()
            self._frames += data

    def _lost(self) -> ChannelLostError:
        """Say what its last words were, with what is still in the pipe."""
        while select.select([self._err], [], [], 0)[0] and (chunk := os.read(self._err.fileno(), 1 << 16)):
            self.noise = (self.noise + chunk)[-NOISE_LIMIT:]
        return ChannelLostError(self.noise.decode("utf-8", "replace")[-4000:].strip() or "it said nothing")


def _stream(stream: IO[bytes] | None) -> IO[bytes]:
    if stream is None:
        raise ValueError("a process that was started without pipes")
    return stream


def _remove(path: Path) -> None:
    """Remove a folder, also where what is in it was closed by whoever made it."""
    for inner, _, _ in os.walk(path):
        with contextlib.suppress(OSError):
            Path(inner).chmod(0o700)
    shutil.rmtree(path, ignore_errors=True)
