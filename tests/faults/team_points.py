"""Places in the protocol of two stores where a trial can strike, by the name of the step.

- ``lease``: row ids leased, a commit of its own
- ``lock``: the unit of work begun
- ``space``: a space of vectors made
- ``put``: vectors written, durable
- ``write``: each statement that writes in the unit
- ``count``: its last statement, with the op id
- ``commit``: the commit
- ``remove``: swept, vectors taken out
- ``forget``: swept, their records forgotten
- ``compact``: files of vectors written anew

What happens at the n-th time from when it was armed: the process is killed ``before`` or ``after``
the step, or the step fails: nothing of it was done (``refused``), or it was done and the answer was
lost (``unheard``).
"""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from functools import partial
from typing import Any

import neo4j
from neo4j.exceptions import ServiceUnavailable

from workbench.errors import ServerAwayError, StoreError
from workbench.stores.graph.neo4j import Neo4jGraphStore
from workbench.stores.neo4j import database as neo4j_database
from workbench.stores.neo4j.database import Neo4jDatabase
from workbench.stores.vectors.faiss import FAISSVectorStore

KILLS = ("before", "after")
ERRORS = ("refused", "unheard")
DEEDS = (*KILLS, *ERRORS)
# At how many passes of each it is worth striking.
PASSES = {
    "lease": 1, "lock": 2, "space": 2, "put": 2, "write": 12, "count": 2, "commit": 3,
    "remove": 2, "forget": 2, "compact": 1,
}  # fmt: skip
_REFUSAL: dict[str, Callable[[], Exception]] = {
    "lease": lambda: ServerAwayError("The server went away (planted)."),
    **dict.fromkeys(
        ("lock", "write", "count", "commit", "forget"), lambda: ServiceUnavailable("planted")
    ),
    **dict.fromkeys(
        ("space", "put", "remove", "compact"), lambda: StoreError("The disk refused (planted).")
    ),
}


class Counter:
    """Counts steps by name; with a target, strikes at one of them."""

    def __init__(
        self, name: str | None, number: int, deed: str, say: Callable[[str], None]
    ) -> None:
        self.target = name, number
        self.deed = deed
        self.say = say
        self.struck = False
        self.seen: dict[str, int] = {}

    def call(self, name: str, function: Callable[[], Any]) -> Any:
        """Do a step, or what the trial wants instead."""
        self.seen[name] = self.seen.get(name, 0) + 1
        if self.target != (name, self.seen[name]):
            return function()
        self.struck = True
        self.say(f"struck {name} {self.seen[name]} {self.deed}")
        if self.deed in ("after", "unheard"):
            function()
        if self.deed in ERRORS:
            raise _REFUSAL[name]()
        os.kill(os.getpid(), signal.SIGKILL)
        raise AssertionError("still alive")


def deeds(name: str) -> tuple[str, ...]:
    """Return what can happen at a step."""
    # A lock whose answer is lost is one that the client still holds: only a kill ends that.
    return (*KILLS, "refused") if name == "lock" else DEEDS


def arm(name: str | None, number: int, deed: str, *, say: Callable[[str], None]) -> Counter:
    """Let this process be struck, for good."""
    counter = Counter(name, number, deed, say)

    def watch(owner: Any, method: str, named: Callable[..., str | None]) -> None:
        plain = getattr(owner, method)

        def call(self: Any, *args: Any, **words: Any) -> Any:
            step = named(*args)
            done = partial(plain, self, *args, **words)
            return done() if step is None else counter.call(step, done)

        setattr(owner, method, call)

    watch(Neo4jDatabase, "write", lambda op, *_: op if op == "lease" else None)
    watch(Neo4jDatabase, "_lock", lambda *_: "lock")
    watch(Neo4jDatabase, "execute", lambda *_: "write")
    watch(
        Neo4jDatabase, "_run", lambda text, *_: "count" if text is neo4j_database._COUNT else None
    )
    watch(neo4j.Transaction, "commit", lambda *_: "commit")
    watch(FAISSVectorStore, "create_space", lambda *_: "space")
    watch(FAISSVectorStore, "put", lambda *_: "put")
    watch(FAISSVectorStore, "remove", lambda *_: "remove")
    watch(FAISSVectorStore, "compact", lambda *_: "compact")
    watch(Neo4jGraphStore, "swept", lambda *_: "forget")
    return counter
