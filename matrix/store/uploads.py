"""What people handed in, and what was found of it: kept apart from the matrix, and removed with the last of its content."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import Connection, Select, Table, delete, func, insert, select, update
from sqlalchemy.dialects import postgresql, sqlite

from matrix.errors import UsageError
from matrix.model import LOAD_VERSION, SAVE_VERSION
from matrix.store import upload_rows
from matrix.store.rows import AnyRow, Columns
from matrix.store.shelf import Shelf
from matrix.store.tables import upload_cells, upload_saves, uploads
from matrix.uploads.model import ITSELF, Upload, UploadCell, UploadSave, UploadState
from matrix.uploads.waiting import Filled, Wait, Waiting, waits

_INSERT: Final[dict[str, Any]] = {"sqlite": sqlite.insert, "postgresql": postgresql.insert}
_UNDER_WAY: Final = tuple(state.value for state in UploadState if not state.is_over)
_WIPED: Final[Columns] = {
    "parts": {},
    "inspection": None,
    "message": None,
    "next_step": None,
    "note": None,
    "plan": [],
    "owner": "",
    "reference": None,
}


class Uploads(Shelf):
    """The uploads of a database, for web, which reads, and the runner, which writes."""

    def add(self, upload: Upload) -> None:
        """Keep an upload that was taken in."""
        with self._transaction() as connection:
            connection.execute(insert(uploads).values(**upload_rows.upload_columns(upload)))

    def get(self, upload_id: str) -> Upload | None:
        """An upload by its id, also one that is gone; nothing where there never was one."""
        found = self._rows(select(uploads).where(uploads.c.id == upload_id))
        return upload_rows.upload(found[0]) if found else None

    def revision(self, upload_id: str) -> int | None:
        """What to ask often: a number that every change of what a page shows raises."""
        found = self._rows(select(uploads.c.revision).where(uploads.c.id == upload_id))
        return int(found[0].revision) if found else None

    def change(self, upload_id: str, **fields: Any) -> Upload:  # noqa: ANN401  (an upload's)
        """Note where an upload stands; return it as it is now.

        Raises:
            UsageError: It is gone meanwhile.
        """
        values = {name: upload_rows.column(name, value) for name, value in fields.items()}
        is_it = (uploads.c.id == upload_id) & uploads.c.state.not_in(_GONE)
        with self._transaction() as connection:
            changed = update(uploads).where(is_it).values(**values, revision=uploads.c.revision + 1)
            if connection.execute(changed).rowcount != 1:
                raise UsageError(f"Upload {upload_id} is gone.", next_step="Hand the file in again.")
            return upload_rows.upload(connection.execute(select(uploads).where(is_it)).one())

    def under_way(self) -> tuple[Upload, ...]:
        """What is not over yet, in the order in which it was handed in."""
        wanted = select(uploads).where(uploads.c.state.in_(_UNDER_WAY))
        return self._uploads(wanted.order_by(uploads.c.handed_in_at, uploads.c.id))

    def waits(self, now: datetime) -> Mapping[str, Wait]:
        """How long each upload without a whole row may wait, by id, in the order in which they are served."""
        with self._explained(), self._reading.begin() as connection:
            line = list(connection.execute(select(*_IN_LINE).where(uploads.c.state.in_(_ROWLESS))))
            measured = connection.execute(
                select(upload_cells.c.content, upload_cells.c.loader, func.max(upload_cells.c.measured_at).label("at"))
                .where(upload_cells.c.content.in_({one.content for one in line}), upload_cells.c.saver == ITSELF)
                .where(upload_cells.c.version == LOAD_VERSION)
                .group_by(upload_cells.c.content, upload_cells.c.loader)
            ).all()
            whole = connection.execute(_RECENT.where(uploads.c.row_at >= now - RECENT)).all()
        tried: dict[str, list[datetime]] = {}
        for cell in measured:
            tried.setdefault(cell.content, []).append(cell.at)
        line.sort(key=lambda one: (one.turn is None, one.turn or 0, one.handed_in_at, one.id))
        recent = [
            Filled(seconds=(one.row_at - one.started_at).total_seconds(), environments=len(one.plan))
            for one in whole
            if one.plan
        ]
        return waits([_waiting(one, tried.get(one.content, [])) for one in line], recent, now)

    def expired(self, now: datetime) -> tuple[str, ...]:
        """Ids whose time is over."""
        wanted = select(uploads.c.id).where(uploads.c.expires_at <= now, uploads.c.state.not_in(_GONE))
        return tuple(row.id for row in self._rows(wanted))

    def weight(self) -> tuple[int, int]:
        """How many uploads are kept, and the bytes of their files, their answers and what they were saved again as."""
        kept = self._uploads(select(uploads).where(uploads.c.state.not_in(_GONE)))
        of_each = select(func.max(upload_cells.c.size).label("size")).group_by(upload_cells.c.outputs).subquery()
        answers = self._rows(select(func.coalesce(func.sum(of_each.c.size), 0)))[0][0]
        saves = [row.finding for row in self._rows(select(upload_saves.c.finding))]
        again = sum(one["size"] + one.get("beside", 0) for one in saves)
        return len(kept), sum(one.size for one in kept) + int(answers) + again

    def record_cells(self, content: str, found: Sequence[UploadCell]) -> None:
        """Keep what was found, in place of what was found before; whoever watches an upload of this content sees it.

        Of a content whose last upload was deleted meanwhile nothing is kept.
        """
        with self._transaction() as connection:
            if not _raise_revision(connection, content):
                return
            _put(connection, upload_cells, [upload_rows.cell_columns(content, one) for one in found])

    def record_saves(self, content: str, found: Sequence[UploadSave]) -> None:
        """Keep what came of saving an upload again, if there still is one of this content."""
        with self._transaction() as connection:
            if not _raise_revision(connection, content):
                return
            _put(connection, upload_saves, [upload_rows.save_columns(content, one, SAVE_VERSION) for one in found])

    def cells(self, content: str) -> tuple[UploadCell, ...]:
        """What is known of a content, by this version of what loads."""
        is_it = (upload_cells.c.content == content) & (upload_cells.c.version == LOAD_VERSION)
        return tuple(map(upload_rows.cell, self._rows(select(upload_cells).where(is_it).order_by(upload_cells.c.id))))

    def saves(self, content: str) -> tuple[UploadSave, ...]:
        """What came of saving a content again, by this version of what saves."""
        is_it = (upload_saves.c.content == content) & (upload_saves.c.version == SAVE_VERSION)
        return tuple(map(upload_rows.save, self._rows(select(upload_saves).where(is_it).order_by(upload_saves.c.id))))

    def inspected(self, upload: Upload) -> Upload | None:
        """An upload of the same content that was inspected, and not refused, already; one told the same, if there is."""
        answered = uploads.c.inspection.is_not(None) & uploads.c.state.not_in((*_GONE, UploadState.REFUSED.value))
        found = self._uploads(select(uploads).where(uploads.c.content == upload.content, answered))
        return next(filter(upload.is_inspected_like, found), found[0] if found else None)

    def unlearn(self, content: str) -> None:
        """Remove what was found of a content, whose uploads stay. What only that named is swept later."""
        with self._transaction() as connection:
            _remove_findings(connection, content)
            _raise_revision(connection, content)

    def forget(self, upload_id: str, state: UploadState, now: datetime) -> frozenset[str]:
        """Remove what is known of an upload, but that it was here; return the blobs that nothing names any more."""
        with self._transaction() as connection:
            row = connection.execute(select(uploads).where(uploads.c.id == upload_id)).one()
            gone = upload_rows.upload(row)
            wiped = {**_WIPED, "state": state.value, "content": "", "finished_at": now, "expires_at": now}
            is_it = uploads.c.id == upload_id
            connection.execute(update(uploads).where(is_it).values(**wiped, revision=uploads.c.revision + 1))
            named = _blobs_of_upload(row)
            others = connection.execute(select(uploads.c.id).where(uploads.c.content == gone.content)).first()
            if others is None:
                named |= _remove_findings(connection, gone.content)
            return frozenset(named - _still_named(connection))

    def named(self) -> frozenset[str]:
        """Every blob that some upload names."""
        with self._explained(), self._reading.begin() as connection:
            return frozenset(_still_named(connection))

    def _uploads(self, wanted: Select[Any]) -> tuple[Upload, ...]:
        return tuple(map(upload_rows.upload, self._rows(wanted)))


_GONE: Final = tuple(state.value for state in UploadState if state.is_gone)
_ROWLESS: Final = (UploadState.WAITING.value, UploadState.INSPECTING.value, UploadState.LOADING.value)
_IN_LINE: Final = tuple(uploads.c[name] for name in ("id", "content", "plan", "started_at", "turn", "handed_in_at"))
RECENT: Final = timedelta(days=7)
_RECENT: Final = (
    select(uploads.c.started_at, uploads.c.row_at, uploads.c.plan)
    .where(uploads.c.started_at.is_not(None), uploads.c.row_at > uploads.c.started_at)
    .where(uploads.c.state.not_in(_GONE))
    .order_by(uploads.c.row_at.desc())
    .limit(9)
)
"""Rows that were filled lately: what a row may take."""


def _waiting(row: AnyRow, tried: Sequence[datetime]) -> Waiting:
    since = row.started_at
    return Waiting(
        id=row.id,
        content=row.content,
        planned=len(row.plan),
        known=len(tried),
        tried=sum(since is not None and at >= since for at in tried),
        began=since,
    )


def _put(connection: Connection, table: Table, found: Sequence[Columns]) -> None:
    """Write rows in place of those of the same key, which is the table's one unique index."""
    if not found:
        return
    (key,) = (index for index in table.indexes if index.unique)
    put = _INSERT[connection.dialect.name](table)
    others = {name: put.excluded[name] for name in found[0] if name not in key.columns}
    connection.execute(put.on_conflict_do_update(index_elements=list(key.columns), set_=others), list(found))


def _raise_revision(connection: Connection, content: str) -> bool:
    """Show a change to whoever watches; false where there is no upload of this content."""
    raised = update(uploads).where(uploads.c.content == content).values(revision=uploads.c.revision + 1)
    return bool(connection.execute(raised).rowcount)


def _remove_findings(connection: Connection, content: str) -> set[str]:
    """Remove what was found of a content; return the blobs that it named."""
    named: set[str | None] = set()
    for row in connection.execute(select(upload_cells.c.outputs).where(upload_cells.c.content == content)):
        named.add(row.outputs)
    for row in connection.execute(select(upload_saves).where(upload_saves.c.content == content)):
        named |= _blobs_of(row)
    for table in (upload_cells, upload_saves):
        connection.execute(delete(table).where(table.c.content == content))
    return {one for one in named if one is not None}


def _still_named(connection: Connection) -> set[str]:
    """Every blob that some upload names."""
    kept = connection.execute(select(uploads.c.parts, uploads.c.inspection).where(uploads.c.state.not_in(_GONE)))
    named: set[str | None] = {one for row in kept for one in _blobs_of_upload(row)}
    named |= {row.outputs for row in connection.execute(select(upload_cells.c.outputs))}
    for row in connection.execute(select(upload_saves)):
        named |= _blobs_of(row)
    return {one for one in named if one is not None}


def _blobs_of_upload(row: AnyRow) -> set[str]:
    """Its parts, and the inputs that it is called with."""
    inputs = (row.inspection or {}).get("inputs")
    return {file["sha256"] for file in row.parts.values()} | ({inputs} if inputs else set())


def _blobs_of(save: AnyRow) -> set[str | None]:
    return {save.finding[name] for name in ("artifact", "inputs", "outputs")}
