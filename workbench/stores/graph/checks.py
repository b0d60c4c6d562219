"""Is a store in Neo4j what it should be? What follows from other things, and what must not be.

The server checks the pages of its own files. What is looked for here is what another client may
have done to the graph: rows that refer to nothing, an appearance of two identities, and whatever
is written twice, once to compute with and once to be quick or readable. The latter can be made
anew from the rest and is called an ``index`` here, as in any database.
"""

from __future__ import annotations

from collections.abc import Iterator

from workbench import schema
from workbench.stores.graph import cypher
from workbench.stores.graph.base import Finding
from workbench.stores.neo4j.database import Neo4jDatabase

_AMONG = cypher.among_ids("a", "Appearance", "$ids")
_OFFSET = "coalesce(toInteger(round(c.clock_offset_s * 1000000, 0, 'HALF_UP')), 0)"

_NO_EDGE = (
    "MATCH (a:Appearance) WHERE a.camera_id IS NOT NULL "
    "AND COUNT { (a)-[r:CAPTURED_BY]->(:Camera {id: a.camera_id}) "
    "WHERE r.timestamp_us = a.timestamp_us } <> 1 "
    "OR COUNT { (a)-[:CAPTURED_BY]->() } > 1 "
    "OR (a.camera_id IS NULL AND EXISTS { (a)-[:CAPTURED_BY]->() }) "
)
_NO_TIME = (
    "MATCH (a:Appearance) OPTIONAL MATCH (c:Camera {id: a.camera_id}) "
    f"WITH a, a.timestamp_us + {_OFFSET} AS corrected "
    "WHERE a.ts_us IS NULL OR a.ts_us <> corrected "
)
_NO_MOMENT = (
    f"MATCH (a:Appearance) WITH a, {cypher.moment('a.timestamp_us')} AS moment "
    "WHERE a.timestamp IS NULL OR a.timestamp <> moment "
)
_NO_ROW_ID = {
    space: f"MATCH (a:Appearance) WITH a, coalesce([(a)-[r:EMBEDDED]->"
    f"(:VectorSpace {{name: '{space}'}}) | r.vid][0], -1) AS vid "
    f"WHERE vid <> coalesce(a.{space}_embedding_idx, -1) "
    for space in cypher.INDEXED_SPACES
}
# Sort of finding, in words with the id at its end: a statement that returns the ids.
_CHAINS = {
    "the next sighting is not that after appearance": (
        "MATCH (i:Identity)-[:HAS_APPEARANCE]->(a:Appearance) WITH i, a ORDER BY a.ts_us, a.id "
        "WITH i, collect(a) AS xs UNWIND range(0, size(xs) - 1) AS k "
        "WITH xs[k] AS x, xs[k + 1] AS y "
        "WHERE (y IS NULL AND EXISTS { (x)-[:NEXT]->() }) OR (y IS NOT NULL AND "
        "(COUNT { (x)-[:NEXT]->() } <> 1 OR NOT EXISTS { MATCH (x)-[n:NEXT]->(y) "
        "WHERE n.time_delta = (y.ts_us - x.ts_us) / 1000 "
        "AND n.same_camera = coalesce(x.camera_id = y.camera_id, false) })) RETURN x.id AS id"
    ),
    "it has a next sighting and no identity: appearance": (
        "MATCH (a:Appearance)-[:NEXT]->() WHERE NOT EXISTS { (:Identity)-[:HAS_APPEARANCE]->(a) } "
        "RETURN DISTINCT a.id AS id"
    ),
    "the next of its track is not that after appearance": (
        "MATCH (a:Appearance) WHERE a.camera_id IS NOT NULL AND a.tracking_id IS NOT NULL "
        "WITH a ORDER BY a.ts_us, a.id WITH a.camera_id AS c, a.tracking_id AS t, collect(a) AS xs "
        "UNWIND range(0, size(xs) - 1) AS k WITH xs[k] AS x, xs[k + 1] AS y "
        "WHERE (y IS NULL AND EXISTS { (x)-[:SAME_TRACK]->() }) OR (y IS NOT NULL AND "
        "(COUNT { (x)-[:SAME_TRACK]->() } <> 1 OR NOT EXISTS { (x)-[:SAME_TRACK]->(y) })) "
        "RETURN x.id AS id"
    ),
    "it is in a chain of a track and has none: appearance": (
        "MATCH (a:Appearance)-[:SAME_TRACK]->() WHERE a.camera_id IS NULL OR a.tracking_id IS NULL "
        "RETURN DISTINCT a.id AS id"
    ),
}
_DERIVED = {
    "the edge to its camera is not that of appearance": f"{_NO_EDGE}RETURN a.id AS id",
    "the corrected time is not that of appearance": f"{_NO_TIME}RETURN a.id AS id",
    "the time for people is not that of appearance": f"{_NO_MOMENT}RETURN a.id AS id",
    **_CHAINS,
    **{
        f"the row id of its {space} is not that of appearance": f"{text}RETURN a.id AS id"
        for space, text in _NO_ROW_ID.items()
    },
}
_WRONG = {
    "two identities have appearance": (
        "MATCH (a:Appearance) WHERE COUNT { (:Identity)-[:HAS_APPEARANCE]->(a) } > 1 "
        "RETURN a.id AS id"
    ),
    "a link has another key than that of appearance": (
        "MATCH (:Identity)-[r:HAS_APPEARANCE]->(a:Appearance) "
        "WHERE r.key IS NULL OR r.key <> a.id RETURN a.id AS id"
    ),
    "two vectors of one space have appearance": (
        "MATCH (a:Appearance)-[:EMBEDDED]->(s:VectorSpace) WITH a, s, count(*) AS n WHERE n > 1 "
        "RETURN a.id AS id"
    ),
}


def findings(database: Neo4jDatabase) -> list[Finding]:
    """Return what is not as it should be."""
    found = [*_asked(database, "index", _DERIVED), *_asked(database, "row", _WRONG)]
    found += _asked(database, "row", dict(_incomplete()))
    found += _asked(database, "dangling", dict(_dangling()))
    return [*found, *_counters(database)]


def _asked(database: Neo4jDatabase, kind: str, questions: dict[str, str]) -> Iterator[Finding]:
    for text, statement in questions.items():
        for (key,) in database.rows(f"check {kind}", f"{statement} ORDER BY id"):
            yield Finding(kind, f"{text} {key}")


def _incomplete() -> Iterator[tuple[str, str]]:
    """Yield the questions for rows without what they need: this edition has no rule for it."""
    for table in schema.NODES.values():
        needed = [cypher.physical(c) for c in table.columns if c.required]
        condition = " OR ".join(f"n.{name} IS NULL" for name in needed)
        key = cypher.physical(table.column(table.key[0]))
        yield (
            f"a value that it needs is missing: {table.name}",
            f"MATCH (n:{table.label}) WHERE {condition} RETURN toString(n.{key}) AS id",
        )


def _dangling() -> Iterator[tuple[str, str]]:
    for table in schema.NODES.values():
        key = cypher.physical(table.column(table.key[0]))
        for column in table.columns:
            if column.references:
                label = cypher.referred(column).label
                yield (
                    f"its {column.name} is that of nothing: {table.name}",
                    f"MATCH (n:{table.label}) WHERE n.{column.name} IS NOT NULL "
                    f"AND NOT EXISTS {{ MATCH (o:{label}) WHERE o.id = n.{column.name} }} "
                    f"RETURN toString(n.{key}) AS id",
                )


def _counters(database: Neo4jDatabase) -> Iterator[Finding]:
    """Yield the numbers that the store counts with and that cannot be."""
    sequence, last = database.rows(
        "check counters",
        "MATCH (s:WorkbenchStore {no: 1}) "
        "RETURN s.sequence, COLLECT { MATCH (o:WorkbenchOperation) RETURN max(o.sequence) }[0]",
    )[0]
    if sequence != (last or 0):
        text = f"the store counts {sequence} commits, its last operation is number {last or 0}"
        yield Finding("counter", text, "store", 1)


# ------------------------------------------------------------------ making anew
def mend_counters(database: Neo4jDatabase) -> None:
    """Count on from the highest numbers that were used, inside a unit of work."""
    database.execute(
        "MATCH (s:WorkbenchStore {no: 1}) SET "
        "s.sequence = coalesce(COLLECT { MATCH (o:WorkbenchOperation) RETURN max(o.sequence) }[0],"
        " s.sequence), s.next_vid = CASE WHEN coalesce(COLLECT { MATCH ()-[r:EMBEDDED]->() "
        "RETURN max(r.vid) }[0], 0) >= s.next_vid THEN COLLECT { MATCH ()-[r:EMBEDDED]->() "
        "RETURN max(r.vid) }[0] + 1 ELSE s.next_vid END RETURN 1"
    )


def mend_derived(database: Neo4jDatabase) -> list[str]:
    """Mend what follows from the rest, inside a unit of work; return who is wrong in a chain.

    Nothing but what is wrong is written: a server holds in memory what a unit of work changes.
    """
    database.execute(f"{_NO_TIME}SET a.ts_us = corrected")
    database.execute(f"{_NO_MOMENT}SET a.timestamp = moment")
    for space, wrong in _NO_ROW_ID.items():
        database.execute(f"{wrong}SET a.{space}_embedding_idx = vid")
    ids = [key for (key,) in database.execute(f"{_NO_EDGE}RETURN a.id")]
    database.execute(f"{_AMONG}MATCH (a)-[r:CAPTURED_BY]->() DELETE r", ids=ids)
    database.execute(
        f"{_AMONG}MATCH (c:Camera {{id: a.camera_id}}) CREATE (a)-[r:CAPTURED_BY]->(c) "
        "SET r.timestamp_us = a.timestamp_us, r.timestamp = a.timestamp",
        ids=ids,
    )
    found = [key for text in _CHAINS.values() for (key,) in database.execute(text)]
    return list(dict.fromkeys(found))
