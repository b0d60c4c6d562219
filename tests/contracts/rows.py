"""Checked rows for the contracts: by hand, or one of every label and kind with odd values."""

from __future__ import annotations

from functools import cache
from typing import Any

import pandas as pd

from workbench import schema
from workbench.schema import Column, Table
from workbench.stores.graph.base import GraphStore

WRITTEN = [t for t in (*schema.NODES.values(), *schema.EDGES.values()) if not t.derived]
DERIVED = [t for t in schema.EDGES.values() if t.derived]

# In code point order, which differs from UTF-16 order in the last two, and from any locale's.
IDS = ["0002", "1", "A b", "a", "zz", "é", "\uffff", "😀" + "x" * 199]
_ODD: dict[str, list[Any]] = {
    "text": ["a", "two\nlines\tand 'quotes' \"\"; DROP TABLE x --", "<b>é</b>", "😀\uffff", " "],
    "time": [
        "1969-12-31T23:59:59.999999Z",
        "1000-01-01T00:00:00.000001Z",
        "8999-12-31T23:59:59.999999Z",
        "1970-01-01T00:00:00Z",
        "2026-03-29T01:30:00.000001+02:00",
    ],
    "int": [0, 2**53, -(2**53), 1, 7],
    "float": [-0.0, 5e-324, 1.7976931348623157e308, -1.7976931348623157e308, 0.1],
    "bool": [True, False, None],
    "json": ['{"b":[1,{"c":"😀"}],"a":null}', "[]", '["x"]', "{}"],
    "blob": [b"\x00\xff\x89PNG", b"x" * 5000, b"\n"],
}


def table_of(label: str) -> Table:
    return schema.NODES.get(label) or schema.EDGES[label]


def rows(label: str, *records: dict[str, Any]) -> pd.DataFrame:
    """Return checked rows of a label or kind."""
    return _checked(label, tuple(tuple(record.items()) for record in records))


@cache
def _checked(label: str, records: tuple[tuple[tuple[str, Any], ...], ...]) -> pd.DataFrame:
    return table_of(label).check(pd.DataFrame([dict(record) for record in records]))


def put(store: GraphStore, label: str, *records: dict[str, Any]) -> int:
    """Write rows in a unit of work of their own."""
    with store.transaction():
        return put_frame(store, label, rows(label, *records))


def put_frame(store: GraphStore, label: str, frame: pd.DataFrame) -> int:
    """Write checked rows inside a unit of work."""
    write = store.upsert_nodes if label in schema.NODES else store.upsert_edges
    return write(label, frame)


def read(store: GraphStore, label: str) -> pd.DataFrame:
    return store.nodes(label) if label in schema.NODES else store.edges(label)


@cache
def odd_rows(table: Table) -> pd.DataFrame:
    """Return one row for each of IDS: odd values everywhere, the last row nothing but the key."""
    records = [
        {c.name: _odd(table, c, n) for c in table.columns if c.required or n < len(IDS) - 1}
        for n in range(len(IDS))
    ]
    return table.check(pd.DataFrame(records))


def _odd(table: Table, column: Column, n: int) -> Any:
    if column.name == "id" or (column.references and column.name == table.key[0]):
        return IDS[n]
    if column.references:
        return IDS[(n + 1) % len(IDS)]
    if column.name in table.key:
        return {"time": _ODD["time"][n % 5], "int": n, "json": f"[{n}]"}.get(column.kind, f"{n}😀")
    if column.kind == "id":
        return IDS[-1 - n]
    value = _ODD[column.kind][n % len(_ODD[column.kind])]
    if value is None and column.required:
        value = True
    if column.minimum is not None or column.above is not None:
        value = abs(value) or 1
    return value if column.maximum is None else min(value, column.maximum)


def in_order(frame: pd.DataFrame, by: list[str]) -> pd.DataFrame:
    """Return the rows sorted as Python sorts text: by code point."""
    key = list(zip(*(frame[name] for name in by), strict=True))
    order = sorted(range(len(frame)), key=key.__getitem__)
    return frame.iloc[order].reset_index(drop=True)


def equal(got: pd.DataFrame, wanted: pd.DataFrame) -> None:
    """Assert equal rows, columns, dtypes and index, to the last bit."""
    pd.testing.assert_frame_equal(got, wanted, check_exact=True)


def dump(store: GraphStore) -> dict[str, pd.DataFrame]:
    """Return everything a graph store holds."""
    tables = [*WRITTEN, *DERIVED]
    held = {table.label: read(store, table.label) for table in tables}
    spaces = ("face", "reid")
    held |= {f"vectors {space}": store.vectors_of(space) for space in spaces}
    return held | {"sweep": store.to_sweep()}


def same(one: dict[str, pd.DataFrame], other: dict[str, pd.DataFrame]) -> None:
    """Assert that two dumps are equal."""
    assert one.keys() == other.keys()
    for label in one:
        pd.testing.assert_frame_equal(one[label], other[label], check_exact=True, obj=label)
