"""How the tables of :mod:`workbench.schema` lie in Neo4j; every statement is built from them.

A node is a node of its label, with the columns of its table as properties; an edge a relationship
from its first column's node to its second one's. A time is a whole number of microseconds
(``timestamp_us``) to compute with, and a DATETIME under the column's own name for people. Batches
go as one list a column, which says every name once. Nothing that anybody wrote is part of a
statement: labels, types and properties come from the schema, all else is a parameter.

Beside the columns an appearance has ``ts_us``, its corrected time, which orders and selects; and
``face_embedding_idx``, ``reid_embedding_idx``, the row ids of its vectors (-1: none). The names of
vectors are the relationships ``EMBEDDED`` to the nodes of their space, each with its ``vid``.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass

from workbench import schema
from workbench.schema import Column, Table

WRITTEN = tuple(t for t in (*schema.NODES.values(), *schema.EDGES.values()) if not t.derived)
INDEXED_SPACES = ("face", "reid")


@dataclass(frozen=True, slots=True)
class Definition:
    """A constraint or an index: its name, what it is for, and the statement that makes it."""

    name: str
    kind: str
    text: str


def physical(column: Column) -> str:
    """Return the name of the property that is computed with.

    Examples
    --------
    >>> physical(schema.APPEARANCE.column("timestamp"))
    'timestamp_us'
    >>> physical(schema.APPEARANCE.column("camera_id"))
    'camera_id'
    """
    return f"{column.name.removesuffix('_at')}_us" if column.kind == "time" else column.name


def definitions() -> Iterator[Definition]:
    """Yield every constraint and index of a store."""
    for table in schema.NODES.values():
        yield _unique_node(table.label, [physical(table.column(name)) for name in table.key])
    yield _unique_node("WorkbenchStore", ["no"])
    yield _unique_node("WorkbenchOperation", ["op_id"])
    yield _unique_node("WorkbenchSweep", ["vid"])
    yield _unique_node("VectorSpace", ["name"])
    yield _unique_edge("HAS_APPEARANCE", "key")
    yield _unique_edge("EMBEDDED", "vid")
    yield _index("WorkbenchOperation", ["sequence"])
    yield _index("Appearance", ["timestamp"])
    yield _index("Appearance", ["ts_us"])
    yield _index("Appearance", ["camera_id", "ts_us"])
    yield _index("Appearance", ["camera_id", "tracking_id"])
    yield _index("Appearance", ["place_id", "ts_us"])
    yield _index("Identity", ["confidence_score"])
    yield _index("Identity", ["first_seen"])
    for table in schema.NODES.values():
        for column in table.columns:
            if column.references == "load" and column.name not in table.key:
                yield _index(table.label, [column.name])


def _unique_node(label: str, names: list[str]) -> Definition:
    name = f"{_words(label)}_{'_'.join(names)}_unique"
    keys = ", ".join(f"n.{one}" for one in names)
    text = f"CREATE CONSTRAINT {name} IF NOT EXISTS FOR (n:{label}) REQUIRE ({keys}) IS UNIQUE"
    return Definition(name, "constraint", text)


def _unique_edge(kind: str, key: str) -> Definition:
    name = f"{_words(kind)}_{key}"
    text = f"CREATE CONSTRAINT {name} IF NOT EXISTS FOR ()-[r:{kind}]-() REQUIRE r.{key} IS UNIQUE"
    return Definition(name, "constraint", text)


def _index(label: str, names: list[str]) -> Definition:
    name = f"{_words(label)}_{'_'.join(names)}"
    keys = ", ".join(f"n.{one}" for one in names)
    return Definition(
        name, "index", f"CREATE INDEX {name} IF NOT EXISTS FOR (n:{label}) ON ({keys})"
    )


def _words(name: str) -> str:
    if name.isupper():
        return name.lower()
    return "".join(f"_{c.lower()}" if c.isupper() else c for c in name).lstrip("_")


def names() -> tuple[list[str], list[str], list[str]]:
    """Return every label, relationship type and property key that a store uses."""
    labels = [*schema.NODES, "WorkbenchStore", "WorkbenchOperation", "WorkbenchSweep"]
    kinds = [*schema.EDGES, "EMBEDDED"]
    keys = {"no", "store_id", "version", "sequence", "next_vid", "writer", "op_id", "vectors_id"}
    keys |= {"vid", "space", "ts_us", "key", "name"}
    keys |= {f"{space}_embedding_idx" for space in INDEXED_SPACES}
    for table in (*schema.NODES.values(), *schema.EDGES.values()):
        keys |= {one for c in table.columns for one in (c.name, physical(c))}
    return [*labels, "VectorSpace"], kinds, sorted(keys)


# ------------------------------------------------------------------ writing rows
def upsert_nodes(table: Table) -> str:
    """Return the statement that writes a batch of rows, overwriting those of the same key."""
    created = ""
    changes = _changes(table, "n", skip=table.key)
    if table is schema.APPEARANCE:
        created = f"ON CREATE SET {', '.join(f'n.{_idx(s)} = -1' for s in INDEXED_SPACES)} "
        changes.append("n.ts_us = $ts_us[k]")
    keys = ", ".join(f"{_key(table, name)}: ${_key(table, name)}[k]" for name in table.key)
    return (
        f"UNWIND range(0, $n - 1) AS k MERGE (n:{table.label} {{{keys}}}) {created}"
        f"SET {', '.join(changes)} RETURN count(*)"
    )


def create_appearances(given: Collection[str], *, linked: bool) -> str:
    """Return the statement that writes a batch of new appearances, each with its camera and link.

    Parameters
    ----------
    given : collection of str
        The lists that come with it: what nobody says is not part of the statement. Those of a
        link are called ``link_`` and their name.
    linked : bool
        Whether they have one.
    """
    said = [f"{_idx(space)}: -1" for space in INDEXED_SPACES] + ["ts_us: $ts_us[k]"]
    said += _said(schema.APPEARANCE, given)
    ends, edges = "", ""
    if "camera_id" in given:
        ends += by_id("c", "Camera", "$camera_id[k]")
        seen = f"timestamp_us: $timestamp_us[k], timestamp: {moment('$timestamp_us[k]')}"
        edges += f", (a)-[:CAPTURED_BY {{{seen}}}]->(c)"
    if linked:
        ends += by_id("i", "Identity", "$link_identity_id[k]")
        link = ["key: $id[k]", *_said(schema.HAS_APPEARANCE, given, prefix="link_")]
        edges += f", (i)-[:HAS_APPEARANCE {{{', '.join(link)}}}]->(a)"
    return (
        f"UNWIND range(0, $n - 1) AS k {ends}"
        f"CREATE (a:Appearance {{{', '.join(said)}}}){edges} RETURN count(*)"
    )


def _said(table: Table, given: Collection[str], *, prefix: str = "") -> list[str]:
    """Return what a row says about itself, but for the ends of an edge."""
    columns = table.columns[2:] if table.edge else table.columns
    said = []
    for column in columns:
        value = f"${prefix}{physical(column)}[k]"
        if f"{prefix}{physical(column)}" in given:
            said.append(f"{physical(column)}: {value}")
            if column.kind == "time":
                said.append(f"{column.name}: {moment(value)}")
    return said


def upsert_edges(table: Table, *, new: bool = False) -> str:
    """Return the statement that writes a batch of edges whose ends are there.

    With `new`, of edges that are known not to be there.
    """
    first, second = table.columns[:2]
    changes = _changes(table, "r", skip=(first.name, second.name))
    if table is schema.HAS_APPEARANCE:
        changes.append("r.key = $appearance_id[k]")
    return (
        f"UNWIND range(0, $n - 1) AS k "
        f"{by_id('x', referred(first).label, f'${first.name}[k]')}"
        f"{by_id('y', referred(second).label, f'${second.name}[k]')}"
        f"{'CREATE' if new else 'MERGE'} (x)-[r:{table.label}]->(y) "
        f"SET {', '.join(changes)} RETURN count(*)"
    )


def _changes(table: Table, who: str, *, skip: tuple[str, ...]) -> list[str]:
    changes = []
    for column in table.columns:
        value = f"${physical(column)}[k]"
        if column.name not in skip:
            changes.append(f"{who}.{physical(column)} = {value}")
        if column.kind == "time":  # also of a key: people read it
            changes.append(f"{who}.{column.name} = {moment(value)}")
    return changes


def _key(table: Table, name: str) -> str:
    return physical(table.column(name))


def _idx(space: str) -> str:
    return f"{space}_embedding_idx"


def moment(us: str) -> str:
    """Return the expression of the DATETIME of microseconds since the epoch, null for null."""
    # Whole division cuts towards zero: what is left over is taken off first, also before 1970.
    left = f"(({us} % 1000000 + 1000000) % 1000000)"
    parts = f"epochSeconds: ({us} - {left}) / 1000000, nanosecond: {left} * 1000"
    return f"CASE WHEN {us} IS NULL THEN null ELSE datetime({{{parts}}}) END"


def by_id(who: str, label: str, value: str) -> str:
    """Return the pattern of the node with an id, found by its index.

    The index is named, because the server plans by what it has counted: a plan made while little
    was there would look at everything for as long as it is kept.

    Examples
    --------
    >>> by_id("i", "Identity", "$id")
    'MATCH (i:Identity {id: $id}) USING INDEX SEEK i:Identity(id) '
    """
    return f"MATCH ({who}:{label} {{id: {value}}}) USING INDEX SEEK {who}:{label}(id) "


def among_ids(who: str, label: str, ids: str) -> str:
    """Return the pattern of the nodes with one of these ids, found as by :func:`by_id`."""
    return f"MATCH ({who}:{label}) USING INDEX SEEK {who}:{label}(id) WHERE {who}.id IN {ids} "


def referred(column: Column) -> Table:
    """Return the table that a column refers to."""
    return next(t for t in schema.NODES.values() if t.name == column.references)


# ------------------------------------------------------------------ reading rows
def columns(table: Table, who: str = "n") -> str:
    """Return the projection of a table's columns, in the schema's order."""
    return ", ".join(f"{who}.{physical(column)}" for column in table.columns)


def edge_columns(table: Table) -> str:
    """Return the projection of an edge's columns: its ends x and y, then what r says."""
    rest = [f"r.{physical(column)}" for column in table.columns[2:]]
    return ", ".join(["x.id", "y.id", *rest])


def order(table: Table, who: str = "n") -> str:
    """Return the order of a table's rows: by key."""
    return ", ".join(f"{who}.{_key(table, name)}" for name in table.key)
