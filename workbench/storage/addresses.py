"""Stores by address and folder, as the constructors of the requirement document name them."""

from __future__ import annotations

from typing import Any

from pydantic import ValidationError

from workbench.config import Neo4jConfig
from workbench.errors import InvalidInputError
from workbench.stores.graph.base import GraphStore
from workbench.stores.registry import backend
from workbench.stores.vectors.base import VectorStore
from workbench.stores.vectors.faiss import FAISSVectorStore


def stores_of(*given: Any, **named: Any) -> tuple[GraphStore, VectorStore]:
    """Return the two stores, made where an address and a folder were given."""
    ours = ("graph", "vector")
    document = ("neo4j_uri", "neo4j_user", "neo4j_password", "faiss_index_path")
    text = isinstance(given[0], str) if given else "neo4j_uri" in named
    names = document if text else ours
    said = dict(zip(names, given, strict=False)) | named
    if len(given) > len(names) or set(said) != set(names):
        raise TypeError(
            f"HybridStorageManager takes {' and '.join(ours)}, or {', '.join(document)}"
        )
    if not text:
        return said["graph"], said["vector"]
    graph = graph_on_server(said["neo4j_uri"], said["neo4j_user"], said["neo4j_password"])
    try:
        vector = FAISSVectorStore(said["faiss_index_path"])
        graph.pair_with(vector.store_id, claim=True)
    except BaseException:
        graph.close()
        raise
    return graph, vector


def graph_on_server(uri: str, user: str, password: str | None, database: str = "neo4j") -> Any:
    """Return the graph store in a database of a Neo4j server, made ready where it is not."""
    try:
        config = Neo4jConfig.model_validate(
            {"uri": uri, "user": user, "password": password, "database": database}
        )
    except ValidationError as error:
        raise InvalidInputError(
            f"This is no address of a Neo4j server: {error.errors()[0]['msg']}.",
            where="uri",
            next="Give one such as bolt://localhost:7687.",
        ) from None
    return backend("graph", "neo4j").prepared(config)[0]
