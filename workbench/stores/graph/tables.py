"""How the tables of :mod:`workbench.schema` lie in SQLite; every statement is built from them.

A node with an ``id`` gets a whole number ``no`` beside it, and whoever refers to it stores that
number: text ids are stored once, and the counting questions read integers only. Times are whole
microseconds. The link of an appearance to its identity is four columns of the appearance's row,
which is what makes "at most one identity" true by construction.
"""

from __future__ import annotations

from workbench import schema
from workbench.errors import StoreDamagedError
from workbench.schema import Column, Table
from workbench.stores.database import ROW_HASH

_SQL = {"int": "INTEGER", "bool": "INTEGER", "float": "REAL", "blob": "BLOB", "time": "INTEGER"}
# No checksum is negative: what the checksum of a row becomes that was damaged before a change.
LOST = -1
LINK = ("identity_no", "confidence", "method", "linked_us")

_INDEXES = """
CREATE INDEX appearance_of_identity
  ON appearance (identity_no, timestamp_us, camera_no, place_no, confidence);
CREATE INDEX appearance_camera ON appearance (camera_no, timestamp_us);
CREATE INDEX appearance_timestamp ON appearance (timestamp_us);
CREATE INDEX appearance_place ON appearance (place_no) WHERE place_no IS NOT NULL;
CREATE INDEX appearance_tracking ON appearance (camera_no, tracking_id, timestamp_us)
  WHERE tracking_id IS NOT NULL;
CREATE INDEX identity_confidence ON identity (confidence_score);
CREATE INDEX identity_first_seen ON identity (first_seen_us);
CREATE TABLE named_space (no INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE) STRICT;
CREATE TABLE embedding (
  vid INTEGER PRIMARY KEY, appearance_no INTEGER NOT NULL REFERENCES appearance (no),
  space_no INTEGER NOT NULL REFERENCES named_space (no), row_hash INTEGER NOT NULL
) STRICT;
CREATE UNIQUE INDEX embedding_of_appearance ON embedding (appearance_no, space_no);
CREATE TABLE sweep (vid INTEGER PRIMARY KEY, space TEXT NOT NULL) STRICT;
"""

WRITTEN = tuple(
    table
    for table in (*schema.NODES.values(), *schema.EDGES.values())
    if not table.derived and table is not schema.HAS_APPEARANCE
)
"""What has a table of its own: a link is cells of its appearance's row, a derived one a view."""

# What the graph calls edges and the appearance's row already says, for people who read with SQL.
_VIEWS = """
CREATE VIEW has_appearance AS
  SELECT i.id AS identity_id, a.id AS appearance_id, a.confidence, a.method, a.linked_us
  FROM appearance a JOIN identity i ON i.no = a.identity_no;
CREATE VIEW captured_by AS
  SELECT a.id AS appearance_id, c.id AS camera_id, a.timestamp_us
  FROM appearance a JOIN camera c ON c.no = a.camera_no;
CREATE VIEW corrected AS
  SELECT a.no, a.id, a.identity_no, a.camera_no, a.tracking_id, a.timestamp_us
    + coalesce(CAST(round(c.clock_offset_s * 1000000) AS INTEGER), 0) AS time_us
  FROM appearance a LEFT JOIN camera c ON c.no = a.camera_no;
CREATE VIEW next AS
  SELECT from_appearance, to_appearance, (next_us - time_us) / 1000 AS time_delta, same_camera
  FROM (
    SELECT id AS from_appearance, time_us, lead(id) OVER chain AS to_appearance,
      lead(time_us) OVER chain AS next_us, coalesce(camera_no = lead(camera_no) OVER chain, 0)
      AS same_camera
    FROM corrected WHERE identity_no IS NOT NULL
    WINDOW chain AS (PARTITION BY identity_no ORDER BY time_us, id))
  WHERE to_appearance IS NOT NULL;
CREATE VIEW same_track AS
  SELECT from_appearance, to_appearance, 'deterministic' AS method, tracking_id
  FROM (
    SELECT id AS from_appearance, lead(id) OVER chain AS to_appearance, tracking_id
    FROM corrected WHERE tracking_id IS NOT NULL AND camera_no IS NOT NULL
    WINDOW chain AS (PARTITION BY camera_no, tracking_id ORDER BY time_us, id))
  WHERE to_appearance IS NOT NULL;
"""


def physical(column: Column) -> str:
    """Return the name of the column in SQLite.

    Examples
    --------
    >>> physical(schema.APPEARANCE.column("camera_id"))
    'camera_no'
    >>> physical(schema.APPEARANCE.column("timestamp"))
    'timestamp_us'
    """
    if column.references:
        return f"{column.name.removesuffix('_id')}_no"
    return f"{column.name.removesuffix('_at')}_us" if column.kind == "time" else column.name


def names(table: Table) -> list[str]:
    """Return the names of the table's columns in SQLite, in the schema's order."""
    return [physical(column) for column in table.columns]


def hashed(table: Table) -> list[str]:
    """Return the columns that the checksum of a row covers, in its order."""
    return [*names(table), *(LINK if table is schema.APPEARANCE else ())]


def ddl() -> str:
    """Return every definition, derived from the schema."""
    return "".join(map(_create, WRITTEN)) + _INDEXES.lstrip() + _VIEWS.lstrip()


def _create(table: Table) -> str:
    lines = ["no INTEGER PRIMARY KEY"]
    for column in table.columns:
        needed = " NOT NULL" if column.required else ""
        lines.append(
            f"{physical(column)} {_SQL.get(column.kind, 'TEXT')}{needed}{_fk(table, column)}"
        )
        if column.references:
            lines[-1] = lines[-1].replace(" TEXT", " INTEGER", 1)
    if table is schema.APPEARANCE:
        lines.append("identity_no INTEGER REFERENCES identity (no)")
        lines += ["confidence REAL", "method TEXT", "linked_us INTEGER"]
    lines.append(f"{ROW_HASH} INTEGER NOT NULL")
    key = ", ".join(physical(table.column(name)) for name in table.key)
    lines.append(f"UNIQUE ({key})")
    text = f"CREATE TABLE {table.name} (\n  " + ",\n  ".join(lines) + "\n) STRICT;\n"
    if table.edge:
        last = physical(table.column(table.key[-1]))
        text += f"CREATE INDEX {table.name}_{last} ON {table.name} ({last});\n"
    return text


def _fk(table: Table, column: Column) -> str:
    if not column.references:
        return ""
    cascade = " ON DELETE CASCADE" if table.edge and column.name in table.key else ""
    return f" REFERENCES {column.references} (no){cascade}"


def upsert(table: Table) -> str:
    """Return the statement that writes one row, overwriting the one with the same key.

    An appearance is written with its link; one that is there keeps its link where none is given.
    """
    columns = hashed(table)
    marks = ", ".join(f"?{n}" for n in range(1, len(columns) + 1))
    key = {physical(table.column(name)) for name in table.key}
    new = {name: f"excluded.{name}" for name in columns}
    if table is schema.APPEARANCE:
        for name in LINK:
            new[name] = f"iif(excluded.identity_no IS NULL, {name}, excluded.{name})"
    changes = [f"{name} = {value}" for name, value in new.items() if name not in key]
    fresh = f"{ROW_HASH}({', '.join(new.values())})"
    if table is schema.APPEARANCE:  # a kept link is not made to look sound
        fresh = f"iif(excluded.identity_no IS NULL AND NOT {sound(table)}, {LOST}, {fresh})"
    changes.append(f"{ROW_HASH} = {fresh}")
    return (
        f"INSERT INTO {table.name} ({', '.join(columns)}, {ROW_HASH}) "
        f"VALUES ({marks}, {ROW_HASH}({marks})) "
        f"ON CONFLICT ({', '.join(sorted(key))}) DO UPDATE SET {', '.join(changes)}"
    )


def sound(table: Table, alias: str = "") -> str:
    """Return the condition that a row's cells are those of its checksum."""
    dot = f"{alias}." if alias else ""
    cells = ", ".join(dot + name for name in hashed(table))
    return f"({dot}{ROW_HASH} IS {ROW_HASH}({cells}))"


def link_changed(*values: str) -> str:
    """Return the UPDATE of appearances that gives them this link (expressions as ``LINK``).

    The cells that are not written keep their say: a row that was damaged stays so.
    """
    cells = ", ".join([*names(schema.APPEARANCE), *values])
    changes = ", ".join(f"{name} = {value}" for name, value in zip(LINK, values, strict=True))
    return (
        f"UPDATE appearance SET {changes}, "
        f"{ROW_HASH} = iif({sound(schema.APPEARANCE)}, {ROW_HASH}({cells}), {LOST})"
    )


def unlinked() -> str:
    """Return the UPDATE of appearances that takes their link away."""
    return link_changed(*["NULL"] * len(LINK))


def select(table: Table, alias: str = "t") -> tuple[str, str]:
    """Return the column list (text ids instead of numbers) and the FROM part with its joins."""
    columns: list[str] = []
    source = f"{table.name} {alias}"
    for position, column in enumerate(table.columns):
        if column.references:
            other = f"{alias}r{position}"
            columns.append(f"{other}.id")
            source += (
                f" LEFT JOIN {column.references} {other} ON {other}.no = {alias}.{physical(column)}"
            )
        else:
            columns.append(f"{alias}.{physical(column)}")
    return ", ".join(columns), source


def numbers(table: Table, alias: str = "t") -> str:
    """Return the columns of numbers: checksum, the row's own, those of the rows it refers to."""
    refers = [f"{alias}.{physical(column)}" for column in table.columns if column.references]
    return ", ".join([f"{alias}.{ROW_HASH}", f"{alias}.no", *refers])


def damaged_index(name: str, where: str) -> StoreDamagedError:
    """Return the error of an index or a reference that leads to another row."""
    return StoreDamagedError(
        f"A row of the store is not what was written: {name}.",
        where=where,
        next="See what is affected with: workbench verify --store DIR",
    )
