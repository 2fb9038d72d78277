"""Every error that ends a command, each with its exit code, what happened and the next step.

``service.cli.main`` alone catches them. A traceback that reaches a person is a bug.
"""

from __future__ import annotations

from enum import IntEnum


class ExitCode(IntEnum):
    """The one table of exit codes; docs/exit-codes.md lists it."""

    FINE = 0
    FINDINGS = 1
    USAGE = 2
    INCOMPLETE = 3
    ENGINE = 4
    BUILD = 5
    BUSY = 6
    DATABASE = 7
    DISK = 8
    CATALOG = 9
    INTERNAL = 70
    INTERRUPTED = 130


class TfmatrixError(Exception):
    """Something that ends a command: what happened, then the next step."""

    exit_code: ExitCode = ExitCode.INTERNAL

    def __init__(self, message: str, *, next_step: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.next_step = next_step


class UsageError(TfmatrixError):
    """The command's words name something that does not exist or does not fit."""

    exit_code = ExitCode.USAGE


class CatalogError(TfmatrixError):
    """environments.toml or a lock is malformed; carries every complaint at once."""

    exit_code = ExitCode.CATALOG


class EngineError(TfmatrixError):
    """No container engine answers, or it died in the middle."""

    exit_code = ExitCode.ENGINE


class NoEngineError(EngineError):
    """No container engine can be had on this machine: not by this user, or not at all."""


class BuildError(TfmatrixError):
    """An image or a lock could not be made."""

    exit_code = ExitCode.BUILD


class BusyError(TfmatrixError):
    """Another run holds this database."""

    exit_code = ExitCode.BUSY


class StoreError(TfmatrixError):
    """The database is newer than this code, damaged, not one of ours, or its server does not answer."""

    exit_code = ExitCode.DATABASE


class DiskFullError(TfmatrixError):
    """No room is left where results or artifacts are kept."""

    exit_code = ExitCode.DISK


class IncompleteError(TfmatrixError):
    """Some of what was asked for could not be measured, or is not known."""

    exit_code = ExitCode.INCOMPLETE
