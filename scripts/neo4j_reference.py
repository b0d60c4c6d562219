"""The generated parts of docs/reference/neo4j.md: labels, relationships, definitions."""

from __future__ import annotations

from workbench import schema
from workbench.schema import Column, Table
from workbench.stores.graph import cypher

_TYPES = {
    "id": "STRING",
    "text": "STRING",
    "json": "STRING (JSON)",
    "int": "INTEGER",
    "float": "FLOAT",
    "bool": "BOOLEAN",
    "blob": "BYTES",
}
_HEAD = ["| property | type | meaning | unit |", "|---|---|---|---|"]
# What the statements of workbench.stores.graph.cypher write beside the columns of a table.
_BESIDE = {
    "Appearance": [
        ("ts_us", "INTEGER", "The corrected time (as recorded, plus the camera's clock offset): "
         "what to order and to compute with.", "µs"),
        *(
            (f"{space}_embedding_idx", "INTEGER", f"Row id of its vector in `{space}`; -1 without "
             "one.", "")
            for space in cypher.INDEXED_SPACES
        ),
    ],
    "HAS_APPEARANCE": [
        ("key", "STRING", "The appearance's id: it is unique, so an appearance has one identity.",
         ""),
    ],
}  # fmt: skip


def nodes() -> str:
    """Return a section for each label: its properties, what they mean, its key."""
    return "\n".join(_section(table) for table in schema.NODES.values())


def relationships() -> str:
    """Return a section for each type of relationship, and which labels it joins."""
    return "\n".join(_section(table) for table in schema.EDGES.values())


def definitions() -> str:
    """Return the table of constraints and indexes."""
    rows = [f"| `{one.name}` | {one.kind} | `{_what(one)}` |" for one in cypher.definitions()]
    return "\n".join(["| name | kind | of |", "|---|---|---|", *rows, ""])


def properties(table: Table) -> list[tuple[str, str, str, str]]:
    """Return name, type, meaning and unit of every property that a row has there."""
    ends = table.columns[:2] if table.edge else ()
    found = [one for column in table.columns if column not in ends for one in _of(column)]
    return [*found, *_BESIDE.get(table.label, [])]


def _of(column: Column) -> list[tuple[str, str, str, str]]:
    if column.kind != "time":
        return [(column.name, _TYPES[column.kind], column.doc, column.unit)]
    computed = cypher.physical(column)
    return [
        (computed, "INTEGER", column.doc, "µs"),
        (column.name, "ZONED DATETIME", f"`{computed}`, for people.", ""),
    ]


def _section(table: Table) -> str:
    joined = ""
    if table.edge:
        first, second = (cypher.referred(column).label for column in table.columns[:2])
        joined = f" `(:{first})-[:{table.label}]->(:{second})`."
    if table.derived:
        joined += " It follows from the rest, and is kept equal to it by every write."
    key = ", ".join(cypher.physical(table.column(name)) for name in table.key)
    unique = "" if table.edge else f" Key: `{key}`."
    rows = [f"| `{n}` | {kind} | {said} | {unit} |" for n, kind, said, unit in properties(table)]
    return "\n".join([f"### {table.label}", "", f"{table.doc}{joined}{unique}", "", *_HEAD,
                      *rows, ""])  # fmt: skip


def _what(one: cypher.Definition) -> str:
    """Return the part of a statement that says of what it is."""
    return one.text.split(" FOR ", 1)[1].replace("REQUIRE ", "").replace("ON ", "")
