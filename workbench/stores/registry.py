"""Backends by name, imported only when one is asked for."""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module
from typing import Any

from workbench.errors import ConfigurationError, MissingExtraError


@dataclass(frozen=True, slots=True)
class Backend:
    """Where a backend lives and what has to be installed for it."""

    home: str
    pip: str = ""


BACKENDS: dict[str, dict[str, Backend]] = {
    "graph": {
        "sqlite": Backend("workbench.stores.graph.sqlite:SqliteGraphStore"),
        "memory": Backend("workbench.stores.graph.memory:MemoryGraphStore"),
        "neo4j": Backend(
            "workbench.stores.graph.neo4j:Neo4jGraphStore",
            "pip install 'identity-workbench[neo4j]'",
        ),
    },
    "vector": {
        "faiss": Backend("workbench.stores.vectors.faiss:FAISSVectorStore"),
        "memory": Backend("workbench.stores.vectors.memory:MemoryVectorStore"),
    },
}


def backend(family: str, name: str) -> Any:
    """Return the class of a backend.

    Raises
    ------
    ConfigurationError
        When the family has no backend of that name.
    MissingExtraError
        When its driver is not installed; ``next`` is the pip line.

    Examples
    --------
    >>> backend("graph", "memory").__name__
    'MemoryGraphStore'
    """
    known = BACKENDS[family]
    if name not in known:
        raise ConfigurationError(
            f"There is no {family} store called {name!r}.",
            where=f"{family}.backend",
            next=f"Use one of: {', '.join(sorted(known))}.",
        )
    module, _, attribute = known[name].home.partition(":")
    try:
        return getattr(import_module(module), attribute)
    except ImportError as error:
        raise MissingExtraError(
            f"The {family} store {name!r} needs a package that is not installed ({error}).",
            where=f"{family}.backend",
            next=known[name].pip or "Install this package again: its core is incomplete.",
        ) from error
