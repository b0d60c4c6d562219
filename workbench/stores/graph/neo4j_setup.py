"""Setting a database of a Neo4j server up as a store, and binding it to its vectors."""

from __future__ import annotations

import uuid

from workbench.errors import ConflictError, StoreError
from workbench.stores.graph import cypher
from workbench.stores.neo4j.database import VERSION, Neo4jDatabase

_STORE = (
    "MERGE (s:WorkbenchStore {no: 1}) ON CREATE SET s.store_id = $store_id, "
    "s.version = $version, s.sequence = 0, s.next_vid = 1 "
    "SET s.store_id = CASE WHEN $wanted IS NULL OR EXISTS { (:Appearance) } "
    "THEN s.store_id ELSE $wanted END RETURN s.store_id"
)
_PAIR = (
    "MATCH (s:WorkbenchStore {no: 1}) SET s.vectors_id = CASE WHEN s.vectors_id IS NULL "
    "OR ($claim AND NOT EXISTS { (:Appearance) }) THEN $id ELSE s.vectors_id END "
    "RETURN s.vectors_id"
)
_PAIRED = "MATCH (s:WorkbenchStore {no: 1}) RETURN s.vectors_id"
_NAMES = ("Label", "RelationshipType", "Property")


def apply_schema(database: Neo4jDatabase, *, store_id: str | None = None) -> list[str]:
    """Create what is missing of the schema and the store's own node; say what was made.

    Constraints and indexes are awaited and compared with what was asked for. With `store_id` the
    store gets this id while nothing is in it.

    Raises
    ------
    StoreError
        When one is not there or not online at the end.
    """
    made = [one.name for one in missing(database)]
    for one in missing(database):
        database.define(one.text)
    # Names that the server has never seen make it warn of a mistake in every statement.
    for what, known in zip(_NAMES, cypher.names(), strict=True):
        _create_names(database, what, known)
    database.rows("await", "CALL db.awaitIndexes(300)")
    left = missing(database)
    if left:
        raise StoreError(
            f"The server did not make {left[0].name}"
            + (f" and {len(left) - 1} more." if left[1:] else "."),
            where=database.where,
            next="See what the server says with: SHOW CONSTRAINTS, SHOW INDEXES",
        )
    fresh = {"store_id": uuid.uuid4().hex, "version": VERSION, "wanted": store_id}
    database.write("store", lambda run: run(_STORE, fresh))
    return made


def pair_with(database: Neo4jDatabase, vectors_id: str, *, claim: bool) -> None:
    """Bind the graph to the vectors of this id, or see that it is bound to them.

    Parameters
    ----------
    database : Neo4jDatabase
    vectors_id : str
        Of the catalogue of vectors.
    claim : bool
        Take the place of others: only while nobody has appeared in the graph.

    Raises
    ------
    ConflictError
        When it belongs to others.
    """
    said = {"id": vectors_id, "claim": claim}
    # Asked first: whoever opens a store does not wait for who is writing to it.
    bound = database.value("pair", _PAIRED)
    if bound is None or (claim and bound != vectors_id):
        bound = database.write("pair", lambda run: run(_PAIR, said), waits=True)[0][0]
    if bound != vectors_id:
        raise ConflictError(
            "The graph on this server belongs to the vectors of another folder.",
            where=database.where,
            next="Give that folder with --store, or the address of an empty database: workbench "
            "server neo4j --dir NEW starts one to try things out.",
        )


def missing(database: Neo4jDatabase) -> list[cypher.Definition]:
    """Return the definitions that are not there, or not online."""
    constraints = database.rows("schema", "SHOW CONSTRAINTS YIELD name RETURN name")
    indexes = database.rows(
        "schema", "SHOW INDEXES YIELD name, state WHERE state = 'ONLINE' RETURN name"
    )
    there = {name for (name,) in (*constraints, *indexes)}
    online = {name for (name,) in indexes}  # also that of a constraint
    return [one for one in cypher.definitions() if one.name not in there & online]


def _create_names(database: Neo4jDatabase, what: str, names: list[str]) -> None:
    text = f"UNWIND $names AS name CALL db.create{what}(name) RETURN count(*)"
    database.write("names", lambda run: run(text, {"names": names}))
