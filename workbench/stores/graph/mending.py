"""What is wrong with the tables of a store in SQLite, and taking out what is lost of them.

Every row is read as it lies in its table, without the help of an index: an index may be what is
damaged.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from workbench.errors import StoreDamagedError
from workbench.stores.database import ROW_HASH, SqliteDatabase, row_hash
from workbench.stores.graph import tables
from workbench.stores.graph.base import Finding, Removal

_EMBEDDING = ("vid", "appearance_no", "space_no")
_MOST = 10_000  # findings of SQLite's own check that are asked for
_INDEX = re.compile(r"(row \d+ missing from index|wrong # of entries in index|non-unique entry in)")
# What a row's checksum says as well, and names the row with it.
_CELL = re.compile(r"(NULL|non-\w+|TEXT|NUMERIC) value in (\w+)\.")
_BLOCK = 4096
# Rows that nothing but themselves needs: these can be taken out.
_REMOVABLE = {t.name for t in tables.WRITTEN if t.edge} | {
    "embedding",
    "outage",
    "appearance",
    "identity",
    "tag",
}


@dataclass(frozen=True, slots=True)
class _Layout:
    """A table with checksums: the columns they cover, and those that name a row to people."""

    name: str
    columns: tuple[str, ...]
    key: tuple[str, ...]


def _layouts() -> Iterator[_Layout]:
    for table in tables.WRITTEN:
        key = tuple(tables.physical(table.column(name)) for name in table.key)
        yield _Layout(table.name, tuple(tables.hashed(table)), key)
    yield _Layout("embedding", _EMBEDDING, ("vid",))


_LAYOUT = {layout.name: layout for layout in _layouts()}


def findings(database: SqliteDatabase) -> list[Finding]:
    """Return what is wrong with the tables; nothing else where pages cannot be read."""
    try:
        with database.lenient():
            found = list(_checked_by_sqlite(database))
            if any(one.kind == "database" for one in found):
                return found
            found += [one for layout in _LAYOUT.values() for one in _wrong(database, layout)]
            found += _dangling(database, {(one.table, one.no) for one in found})
            return found + list(_counters(database))
    except StoreDamagedError as error:
        return [Finding("database", error.message)]


def _checked_by_sqlite(database: SqliteDatabase) -> Iterator[Finding]:
    for (text,) in database.rows(f"PRAGMA integrity_check({_MOST})"):
        cell = _CELL.search(text)
        if text == "ok" or (cell and cell.group(2) in _LAYOUT):
            continue
        for line in text.replace("*** in database main ***\n", "").splitlines():
            yield Finding("index" if _INDEX.search(line) else "database", line)


def _wrong(database: SqliteDatabase, layout: _Layout) -> Iterator[Finding]:
    """Yield the rows whose cells are not those of their checksum."""
    number = "vid" if layout.name == "embedding" else "no"
    at = [layout.columns.index(name) for name in layout.key]
    columns = ", ".join(layout.columns)
    statement = f"SELECT {number}, {ROW_HASH}, {columns} FROM {layout.name} NOT INDEXED"
    with database.translated():
        for no, known, *cells in database.stream(statement):
            if known != row_hash(*cells):
                key = " ".join(str(cells[n]) for n in at)
                removable = layout.name in _REMOVABLE
                yield Finding("row", f"{layout.name} {key}", layout.name, no, removable)


def _dangling(database: SqliteDatabase, known: set[tuple[str, int]]) -> Iterator[Finding]:
    for name, no, parent, _ in database.rows("PRAGMA foreign_key_check"):
        if (name, no) not in known and no is not None:
            known.add((name, no))
            text = f"{name} row {no} refers to nothing in {parent}"
            yield Finding("dangling", text, name, no, name in _REMOVABLE)


def _counters(database: SqliteDatabase) -> Iterator[Finding]:
    """Yield the numbers that the store counts with and that cannot be."""
    sequence = database.sequence()
    last = database.value("SELECT max(sequence) FROM operation") or 0
    if sequence != last:
        text = f"the store counts {sequence} commits, its last operation is number {last}"
        yield Finding("counter", text, "store", 1)


# ------------------------------------------------------------------ taking out
def removals(database: SqliteDatabase, found: Sequence[Finding]) -> list[Removal]:
    """Return the rows that mending would take out, with those that go with them."""
    with database.lenient():
        picked = _picked(found)
        out = [one for name, numbers in picked.items() for one in _rows(database, name, numbers)]
        lost = picked.get("appearance", [])
        out += _rows(database, "embedding", _referring(database, "embedding", lost))
        for table in tables.WRITTEN:
            for column in table.columns if table.edge else ():
                gone = picked.get(column.references or "", [])
                numbers = _referring(database, table.name, gone, tables.physical(column))
                out += _rows(database, table.name, numbers)
        linked = _referring(database, "appearance", picked.get("identity", []), "identity_no")
        out += _rows(database, "appearance", linked, ("id", *tables.LINK), "has_appearance")
        out += _rows(database, "appearance", _unknown_people(found), ("id", *tables.LINK),
                     "has_appearance")  # fmt: skip
    return list({(one.table, one.key): one for one in out}.values())


def mend(database: SqliteDatabase, found: Sequence[Finding]) -> None:
    """Take out the rows that are lost, inside a unit of work."""
    picked = _picked(found)
    for no in _referring(database, "appearance", picked.get("identity", []), "identity_no"):
        _unlink(database, no)
    for no in _unknown_people(found):
        _unlink(database, no)
    lost = _referring(database, "embedding", picked.get("appearance", []))
    _unname(database, {*picked.pop("embedding", []), *lost})
    # Edges first: what they refer to takes the rest of them along.
    for name in sorted(picked, key=lambda name: (name in ("identity", "tag"), name)):
        database.executemany(f"DELETE FROM {name} WHERE no = ?", ((no,) for no in picked[name]))
    if any(one.kind == "counter" for one in found):
        _count_again(database)


def _picked(found: Iterable[Finding]) -> dict[str, list[int]]:
    picked: dict[str, list[int]] = {}
    for one in found:
        if one.removable and not _unlinkable(one):
            picked.setdefault(one.table, []).append(one.no)
    return picked


def _unlinkable(one: Finding) -> bool:
    """Return whether it is an appearance that is sound but for an identity that is not there."""
    return one.kind == "dangling" and one.table == "appearance" and one.text.endswith("identity")


def _unknown_people(found: Iterable[Finding]) -> list[int]:
    return [one.no for one in found if _unlinkable(one)]


def _referring(
    database: SqliteDatabase, name: str, numbers: Sequence[int], column: str = "appearance_no"
) -> list[int]:
    key = "vid" if name == "embedding" else "no"
    statement = f"SELECT {key} FROM {name} NOT INDEXED WHERE {column} = ?"
    return [row[0] for no in numbers for row in database.rows(statement, (no,))]


def _rows(
    database: SqliteDatabase,
    name: str,
    numbers: Sequence[int],
    columns: Sequence[str] = (),
    shown: str = "",
) -> list[Removal]:
    layout = _LAYOUT[name]
    wanted = tuple(columns) or (*layout.columns, ROW_HASH)
    number = "vid" if name == "embedding" else "no"
    statement = f"SELECT {', '.join((*wanted, *layout.key))} FROM {name} WHERE {number} = ?"
    out = []
    for no in numbers:
        for row in database.rows(statement, (no,)):
            cells: dict[str, Any] = dict(zip(wanted, row, strict=False))
            key = " ".join(str(part) for part in row[len(wanted) :])
            out.append(Removal(shown or name, key, {"no": no} | cells))
    return out


def _unlink(database: SqliteDatabase, no: int) -> None:
    database.execute(f"{tables.unlinked()} WHERE no = ?", (no,))


def _unname(database: SqliteDatabase, vids: Iterable[int]) -> None:
    wanted = [(vid,) for vid in sorted(vids)]
    database.executemany(
        "INSERT OR IGNORE INTO sweep SELECT e.vid, s.name FROM embedding e "
        "JOIN named_space s ON s.no = e.space_no WHERE e.vid = ?",
        wanted,
    )
    database.executemany("DELETE FROM embedding WHERE vid = ?", wanted)


def _count_again(database: SqliteDatabase) -> None:
    """Let the store count on from the highest number it has ever used."""
    database.execute(
        "UPDATE store SET sequence = max(sequence, (SELECT coalesce(max(sequence), 0) "
        "FROM operation))"
    )
