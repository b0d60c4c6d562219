"""Operations on a store and a model of it in plain dicts; as a program, a process that dies in one.

An operation is a pair (name, words), both plain JSON, so that another process can do it.
``applied`` says what a store holds afterwards, ``perform`` does it, ``observed`` reads what is
there, ``answered`` compares a search with all the cosines computed by hand. No code of the product
is in the model.

As a program it imports everything once and is forked for each operation that is to be cut short:
one JSON line in (``store, operation, failpoint, variant``), one JSON line out (what it said, how it
ended).
"""

from __future__ import annotations

import hashlib
import json
import os
import sys
import tempfile
import traceback
from copy import deepcopy
from pathlib import Path
from typing import Any

import faiss  # noqa: F401 - imported once, before the forks
import numpy as np
import pandas as pd

import workbench
from tests.faults import failpoints, safeguards
from tests.faults.trial import Server
from workbench.config import WorkbenchConfig
from workbench.errors import WorkbenchError
from workbench.model import Appearance

START = pd.Timestamp("2026-01-12T08:00:00Z")
CAMERAS = ("c1", "c2", "c3")
DIMS = {"face": 6, "reid": 8}
# What a cosine may differ by from the one of the vectors as they were given: float32, int8.
ROUNDING = {"face": 2e-6, "reid": 0.03}

Operation = tuple[str, dict[str, Any]]
State = dict[str, dict[str, Any]]  # rows: id -> second, camera, face, reid; links; people
EMPTY: State = {"rows": {}, "links": {}, "people": {}}


def vector(seed: int, space: str) -> np.ndarray:
    """Return the vector of a seed, of any length."""
    key = hashlib.sha256(f"{space} {seed}".encode()).digest()
    return np.random.default_rng(int.from_bytes(key[:8], "big")).normal(size=DIMS[space])


def opened(folder: Path, *, create: bool = False, wait_s: float = 30.0) -> workbench.Workbench:
    """Return a store whose faces are kept as they are given, and whose bodies are rounded."""
    config = WorkbenchConfig.model_validate(
        {"writer_wait_s": wait_s, "faiss": {"face": {"precision": "float32"}}}
    )
    return workbench.open(folder, config=config, create=create)


# ------------------------------------------------------------------ the model
def applied(state: State, operation: Operation) -> State:
    """Return what a store holds after an operation."""
    name, words = operation
    new = deepcopy(state)
    if name in ("one", "batch"):
        new["rows"] |= {one: dict(row) for one, row in words["rows"].items()}
        new["links"] |= words.get("links", {})
    elif name == "again":
        for one, changes in words["rows"].items():
            new["rows"][one] = new["rows"][one] | changes
    elif name == "link":
        new["links"] |= dict.fromkeys(words["ids"], words["who"])
    elif name in ("unlink", "delete"):
        for one in words["ids"]:
            new["links"].pop(one, None)
            if name == "delete":
                del new["rows"][one]
    elif name == "create":
        new["people"][words["who"]] = None
    elif name == "forget":
        del new["people"][words["who"]]
        new["links"] = {a: who for a, who in new["links"].items() if who != words["who"]}
    else:
        assert name in ("compact", "sweep"), name
    return new


def eligible(state: State, words: dict[str, Any]) -> list[str]:
    """Return the ids that filters let through, in order of time, ties by id."""
    links = state["links"]
    found = [
        one
        for one, row in state["rows"].items()
        if words.get("start") is None or words["start"] <= row["second"]
        if words.get("end") is None or row["second"] < words["end"]
        if words.get("camera") is None or row["camera"] in words["camera"]
        if words.get("identity") is None or links.get(one) in words["identity"]
        if words.get("unidentified") is None or (one not in links) == words["unidentified"]
    ]
    return sorted(found, key=lambda one: (state["rows"][one]["second"], one))


# ------------------------------------------------------------------ the store
def perform(bench: workbench.Workbench, operation: Operation) -> None:
    """Do an operation."""
    name, words = operation
    if name == "one":
        _store_one(bench, words)
    elif name == "batch":
        links = words.get("links", {})
        frame = _frame(words["rows"]).assign(
            identity_id=pd.Series([links.get(one) for one in words["rows"]], dtype="str")
        )
        bench.appearances.add(frame, **_vectors(words["rows"]))
    elif name == "again":
        _change(bench, words)
    elif name == "link":
        bench.identities.link(words["ids"], words["who"])
    elif name == "unlink":
        bench.identities.unlink(words["ids"])
    elif name == "delete":
        bench.appearances.delete(words["ids"])
    elif name == "create":
        bench.identities.create(words["who"])
    elif name == "forget":
        bench.identities.delete(words["who"])
    else:
        {"compact": bench.store.compact, "sweep": bench.store.sweep}[name]()


def _store_one(bench: workbench.Workbench, words: dict[str, Any]) -> None:
    ((one, row),) = words["rows"].items()
    bench.manager.store_appearance_with_embeddings(
        Appearance(
            id=one,
            timestamp=moment(row["second"]).to_pydatetime(),
            camera_id=row["camera"],
            identity_id=words.get("links", {}).get(one),
        ),
        *(None if row[space] is None else vector(row[space], space) for space in DIMS),
    )


def _change(bench: workbench.Workbench, words: dict[str, Any]) -> None:
    rows = words["rows"]
    frame = pd.DataFrame({"id": list(rows)})
    if any("camera" in changes for changes in rows.values()):
        frame["camera_id"] = [changes.get("camera") for changes in rows.values()]
    whole = {one: {"face": None, "reid": None} | changes for one, changes in rows.items()}
    bench.appearances.update(frame, **_vectors(whole))


def moment(second: int) -> pd.Timestamp:
    """Return the instant that the model calls so many seconds."""
    return START + pd.Timedelta(seconds=second)


def _frame(rows: dict[str, dict[str, Any]]) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "id": list(rows),
            "camera_id": [row["camera"] for row in rows.values()],
            "timestamp": pd.to_datetime([moment(row["second"]) for row in rows.values()], utc=True),
        }
    )


def _vectors(rows: dict[str, dict[str, Any]]) -> dict[str, list[np.ndarray | None]]:
    seeds = {space: [row[space] for row in rows.values()] for space in DIMS}
    return {s: [None if n is None else vector(n, s) for n in found] for s, found in seeds.items()}


def differences(bench: workbench.Workbench, expected: State) -> list[str]:
    """Return in words how a store differs from the model; nothing if it does not."""
    with bench.manager.graph.snapshot():
        seen = bench.appearances.find()
        people = bench.identities.all()
        named = {space: _named(bench, space) for space in bench.manager.vector.spaces()}
    wrong = []
    if seen["id"].tolist() != eligible(expected, {}):
        wrong.append(f"there are {seen['id'].tolist()}, not {eligible(expected, {})}")
    seconds = ((seen["timestamp"] - START) // pd.Timedelta(seconds=1)).tolist()
    for one, second, camera in zip(seen["id"], seconds, seen["camera_id"], strict=True):
        row = expected["rows"].get(one, {})
        if (second, camera) != (row.get("second"), row.get("camera")):
            wrong.append(f"{one} is at {camera} in second {second}, not as in {row}")
    linked = seen[seen["identity_id"].notna()]
    links = dict(zip(linked["id"], linked["identity_id"], strict=True))
    if links != expected["links"]:
        wrong.append(f"links are {links}, not {expected['links']}")
    wrong += _people_differ(people, expected)
    for space in DIMS:
        wrong += _vectors_differ(space, named.get(space, {}), expected)
    return wrong


def _named(bench: workbench.Workbench, space: str) -> dict[str, np.ndarray]:
    rows = bench.manager.graph.vectors_of(space)
    matrix = bench.manager.vector.get(space, rows["vid"].to_numpy())
    return dict(zip(rows["appearance_id"], matrix, strict=True))


def _people_differ(people: pd.DataFrame, expected: State) -> list[str]:
    """Compare who is there, and what is said of them, with what follows from the links."""
    wrong = []
    if people["id"].tolist() != sorted(expected["people"]):
        wrong.append(f"people are {people['id'].tolist()}, not {sorted(expected['people'])}")
    rows, links = expected["rows"], expected["links"]
    for who in people.to_dict("records"):
        mine = [rows[one] for one, name in links.items() if name == who["id"]]
        seconds = [row["second"] for row in mine]
        said = (
            who["num_appearances"],
            who["num_cameras"],
            *(None if pd.isna(who[n]) else who[n] for n in ("first_seen", "last_seen")),
            bool(who["has_face"]),
        )
        true = (
            len(mine),
            len({row["camera"] for row in mine}),
            moment(min(seconds)) if seconds else None,
            moment(max(seconds)) if seconds else None,
            any(row["face"] is not None for row in mine),
        )
        if said != true:
            wrong.append(f"statistics of {who['id']} are {said}, not {true}")
    return wrong


def _vectors_differ(space: str, stored: dict[str, np.ndarray], expected: State) -> list[str]:
    wrong = []
    seeds = {one: row[space] for one, row in expected["rows"].items() if row[space] is not None}
    if stored.keys() != seeds.keys():
        wrong.append(f"{space}: vectors of {sorted(stored)}, not of {sorted(seeds)}")
    for one in stored.keys() & seeds.keys():
        given = vector(seeds[one], space)
        off = float(np.abs(stored[one] - given / np.linalg.norm(given)).max())
        if not off <= ROUNDING[space]:
            wrong.append(f"{space}: the vector of {one} is {off:.3g} off")
    return wrong


# ------------------------------------------------------------------ searches
def like(bench: workbench.Workbench, words: dict[str, Any]) -> pd.DataFrame:
    """Return the hits of a search for a seed, an appearance or an identity, with filters."""
    asked = {name: words[name] for name in ("appearance", "of") if words.get(name) is not None}
    if "of" in asked:
        asked = {"identity": asked["of"]}
    if not asked:
        asked = {"vector": vector(words["seed"], words["space"])}
    times = {
        name: moment(words[name]).to_pydatetime()
        for name in ("start", "end")
        if words.get(name) is not None
    }
    return bench.similarity.like(
        **asked, **times, camera=words.get("camera"), space=words["space"], k=words["k"],
        min_similarity=words.get("min_similarity"), by=words["by"],
    ).hits  # fmt: skip


def cosines(state: State, words: dict[str, Any]) -> dict[str, float]:
    """Return the cosine of every appearance that a search may find with what it looks for."""
    space, rows, links = words["space"], state["rows"], state["links"]
    units = {
        one: (v := vector(row[space], space)) / np.linalg.norm(v)
        for one, row in rows.items()
        if row[space] is not None
    }
    own: list[str] = []
    target = vector(words["seed"], space)
    if words.get("appearance") is not None:
        own = [words["appearance"]]
    elif words.get("of") is not None:
        own = [one for one in units if links.get(one) == words["of"]]
    if own:
        target = np.mean([units[one] for one in own], axis=0)
    target = target / np.linalg.norm(target)
    allowed = set(eligible(state, {n: words.get(n) for n in ("start", "end", "camera")}))
    return {one: float(u @ target) for one, u in units.items() if one in allowed - set(own)}


def answered(state: State, words: dict[str, Any], hits: pd.DataFrame) -> list[str]:
    """Return what is wrong with the hits of a search; nothing if they are the nearest in order.

    Cosines may be off by the rounding of the space; what is nearer than that allows is there, and
    what is stored with the same bytes comes in order of id.
    """
    rounding = ROUNDING[words["space"]]
    near = cosines(state, words)
    owner = state["links"] if words["by"] == "identity" else {one: one for one in near}
    best: dict[str, float] = {}
    for one, cosine in near.items():
        if one in owner:
            best[owner[one]] = max(cosine, best.get(owner[one], -2.0))
    ids, said = hits["appearance_id"].tolist(), hits["similarity"].tolist()
    keys = [owner.get(one, f"{one}, which is not to be found") for one in ids]
    wrong = [f"{key} is no answer" for key in keys if key not in best]
    wrong += [f"{key} twice" for key in set(keys) if keys.count(key) > 1]
    if wrong:
        return wrong
    for one, key, value in zip(ids, keys, said, strict=True):
        if abs(near[one] - value) > rounding or best[key] - near[one] > rounding:
            wrong.append(f"{one} has {near[one]:.6f} (best {best[key]:.6f}), not {value:.6f}")
    pairs = list(zip(said, ids, strict=True))
    if pairs != sorted(pairs, key=lambda pair: (-pair[0], pair[1])):
        wrong.append(f"not in order: {pairs}")
    return wrong + _left_out(state, words, best, keys, said)


def _left_out(
    state: State, words: dict[str, Any], best: dict[str, float], keys: list[str], said: list[float]
) -> list[str]:
    """Return what should be among the hits and is not."""
    rounding, k = ROUNDING[words["space"]], words["k"]
    least = -2.0 if words.get("min_similarity") is None else words["min_similarity"]
    wrong = []
    if any(value < least for value in said) or len(keys) > k:
        wrong.append(f"{len(keys)} hits down to {min(said)}, asked for {k} down to {least}")
    floor = max(least, said[-1]) if len(keys) == k else least
    last = keys[-1] if keys else ""
    for key in best.keys() - set(keys):
        if best[key] > floor + rounding:
            wrong.append(f"{key} with {best[key]:.6f} is left out, the last is {floor:.6f}")
        if words["by"] == "appearance" and len(keys) == k and key < last:
            one, other = (state["rows"][name][words["space"]] for name in (key, last))
            if one == other:
                wrong.append(f"{key} has the vector of {last} and comes before it")
    return wrong


# ------------------------------------------------------------------ the process that dies
class Dying(Server):
    """Runs operations in a process that may be cut short in them."""

    def __init__(self) -> None:
        super().__init__("tests.faults.machine")

    def do(self, folder: Path, operation: Operation, **how: Any) -> tuple[int, list[str]]:
        """Return how the process ended (minus the signal) and the lines that it said."""
        self.ask({"store": str(folder), "operation": operation, **how})
        status, said = json.loads(self.line())
        return status, said


def _warm_up() -> None:
    """Do everything once, so that no child has to import anything."""
    with tempfile.TemporaryDirectory() as folder, opened(Path(folder) / "s", create=True) as bench:
        bench.cameras.add(pd.DataFrame({"id": ["c1"]}))
        row = {"second": 1, "camera": "c1", "face": 1, "reid": 1}
        perform(bench, ("create", {"who": "ann"}))
        perform(bench, ("batch", {"rows": {"a": row, "b": row}, "links": {"a": "ann"}}))
        perform(bench, ("one", {"rows": {"c": row}}))
        perform(bench, ("again", {"rows": {"a": {"face": 2}}}))
        perform(bench, ("link", {"ids": ["b"], "who": "ann"}))
        perform(bench, ("unlink", {"ids": ["b"]}))
        perform(bench, ("delete", {"ids": ["b"]}))
        perform(bench, ("compact", {}))


def serve() -> None:
    """Answer orders until the input ends."""
    _warm_up()
    for line in sys.stdin:
        reading, writing = os.pipe()
        pid = os.fork()
        if pid == 0:
            _die(json.loads(line), writing)
        os.close(writing)
        with os.fdopen(reading) as pipe:
            said = pipe.read().splitlines()
        _, status = os.waitpid(pid, 0)
        print(json.dumps([os.waitstatus_to_exitcode(status), said]), flush=True)  # noqa: T201


def _die(order: dict[str, Any], writing: int) -> None:
    def say(text: str) -> None:
        os.write(writing, f"{text}\n".encode())

    try:
        if order.get("variant"):
            safeguards.remove(order["variant"])
        if order.get("failpoint"):
            failpoints.arm(*order["failpoint"], say=say)
        with opened(Path(order["store"])) as bench:
            try:
                perform(bench, order["operation"])
                say("done")
            except WorkbenchError as error:
                say(f"refused {type(error).__name__}: {error.message}")
    except BaseException:
        say(f"crash {traceback.format_exc()!r}")
    os._exit(0)


if __name__ == "__main__":
    serve()
