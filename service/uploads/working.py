"""Who does uploads: a thread of the runner, or ``tfmatrix check`` itself where no runner is there."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

from matrix.blobs import Blobs
from matrix.catalog import load_environments
from matrix.config import Settings
from matrix.engines import Engine
from matrix.errors import BusyError, TfmatrixError, UsageError
from matrix.store import Store
from matrix.uploads.intake import Intake
from matrix.uploads.work import LOOK_SECONDS, UploadWork, alone
from service import wiring

RETRY_SECONDS: Final = 10.0
REMOVAL_SECONDS: Final = 2.0
JOIN_SECONDS: Final = 90.0


def upload_work(settings: Settings, opened: Store, say: Callable[[str], None]) -> UploadWork:
    """Return what does uploads on this machine.

    Raises:
        EngineError: No engine answers.
        UsageError: The engine isolates nothing, and uploads are programs.
    """
    engine = wiring.engine(settings)
    refuse_without_containers(engine)
    return UploadWork(settings, engine=engine, uploads=opened.uploads, environments=load_environments(), say=say)


def refuse_without_containers(engine: Engine) -> None:
    """Refuse what nothing would hold.

    Raises:
        UsageError: The engine isolates nothing.
    """
    if not engine.isolates:
        raise UsageError(
            f"{engine.name()}: an upload is a program, and this engine would run it as you, with your files and network.",
            next_step="Get a container engine (`tfmatrix doctor` says how), then try again.",
        )


@contextmanager
def attending(settings: Settings, opened: Store, say: Callable[[str], None]) -> Iterator[None]:
    """Do uploads in a thread while the context lasts; where they are switched off, only remove what is to go."""
    stop = threading.Event()
    attend = _remove_only if settings.uploads == "off" else _attend
    thread = threading.Thread(target=attend, args=(settings, opened, say, stop), name="uploads", daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join(JOIN_SECONDS)


def _remove_only(settings: Settings, opened: Store, say: Callable[[str], None], stop: threading.Event) -> None:
    """Delete what is to be deleted until told to stop; the rest lies where it is."""
    remover = _Remover(settings, opened, say)
    while not stop.wait(REMOVAL_SECONDS):
        remover.look()


class _Remover:
    """Deletes what is to be deleted where nothing else is done for uploads."""

    def __init__(self, settings: Settings, opened: Store, say: Callable[[str], None]) -> None:
        self._settings = settings
        self._say = say
        self._said = ""
        self._intake = Intake(
            settings,
            uploads=opened.uploads,
            blobs=Blobs(settings.home / "uploads" / "files"),
            say=say,
            begin=lambda _: None,
            forget=lambda _: None,
        )

    def look(self) -> None:
        """Delete what is to be deleted now; who works on uploads does it themselves."""
        words = ""
        try:
            with alone(self._settings):
                self._intake.tidy()
        except BusyError:
            pass
        except TfmatrixError as error:
            words = f"uploads are not deleted: {error.message} {error.next_step}"
        except Exception as error:  # noqa: BLE001  this thread is the only one that deletes them
            words = f"uploads are not deleted: a fault in tfmatrix: {error!r}"
        if words not in {"", self._said}:
            self._say(words)
        self._said = words


def _attend(settings: Settings, opened: Store, say: Callable[[str], None], stop: threading.Event) -> None:
    """Do uploads until told to stop; where the machine is in the way, try again later, and say so once."""
    said = ""
    remover = _Remover(settings, opened, say)
    while not stop.is_set():
        try:
            work = upload_work(settings, opened, say)
            with work.running():
                said = ""
                while not stop.wait(LOOK_SECONDS):
                    work.look()
        except Exception as error:  # noqa: BLE001  this thread is the only one that takes uploads in
            words = f"uploads wait: a fault in tfmatrix: {error!r}"
            if isinstance(error, TfmatrixError):
                words = f"uploads wait: {error.message} {error.next_step}"
            if words != said:
                say(words)
            said = words
            remover.look()
            stop.wait(RETRY_SECONDS)
