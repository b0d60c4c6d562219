"""Any history of writes, questions, crashes and compactions says what a model in dicts says.

In `make test` a fixed set of histories. WORKBENCH_SOAK=N takes N of them, new ones every time.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, Phase, assume, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from tests.faults import machine, safeguards
from workbench.errors import ConflictError, InvalidInputError, NotFoundError, WorkbenchError
from workbench.stores.graph.sqlite import SqliteGraphStore
from workbench.stores.vectors import faiss, segment_files
from workbench.stores.vectors.faiss import FAISSVectorStore
from workbench.stores.vectors.segments import SegmentRows

RULE = "hypothesis_stateful_rule"  # how Hypothesis marks a rule
SOAK = os.environ.get("WORKBENCH_SOAK", "")
EXAMPLES = (int(SOAK) if SOAK.isdigit() and int(SOAK) > 1 else 300) if SOAK else 12
STEPS = 60 if SOAK else 22
IDS = [f"a{n:02d}" for n in range(24)]
PEOPLE = ["ann", "bob", "cy"]

_id = st.sampled_from(IDS)
_seed = st.integers(1, 12)  # few: many appearances have the very same vector
_row = st.fixed_dictionaries(
    {
        "second": st.integers(0, 30),
        "camera": st.sampled_from(machine.CAMERAS),
        "face": st.none() | _seed,
        "reid": st.none() | _seed,
    }
)
_filters = st.fixed_dictionaries(
    {
        "start": st.none() | st.integers(0, 15),
        "end": st.none() | st.integers(15, 31),
        "camera": st.none() | st.lists(st.sampled_from(machine.CAMERAS), min_size=1, max_size=2),
    }
)
_written = ["pwrite", "fdatasync", "BEGIN", "COMMIT", "COMMIT", "INSERT", "UPDATE", "DELETE"]
_STRIKES = {
    "write": _written,
    "give back": [*_written, "fsync", "open", "unlink", "VACUUM", "PRAGMA wal_checkpoint"],
}
_number = st.sampled_from([1, 1, 2, 3])
_deed = st.sampled_from(["before", "after", "torn", "ENOSPC", "EIO"])


class StoreMachine(RuleBasedStateMachine):
    """A store with one handle or two, and what it should hold."""

    base: Path
    dying: machine.Dying
    seen: ClassVar[Counter[str]] = Counter()
    variant: str | None = None

    def __init__(self) -> None:
        super().__init__()
        self.place = Path(tempfile.mkdtemp(prefix="machine-"))
        self.store = self.place / "store"
        shutil.copytree(self.base, self.store)
        self.state = machine.EMPTY
        self.handles = [machine.opened(self.store)]
        self.turn = 0

    @property
    def bench(self) -> Any:
        """Return the handle whose turn it is."""
        self.turn += 1
        return self.handles[self.turn % len(self.handles)]

    def write(self, name: str, **words: Any) -> None:
        """Do an operation in the store and in the model."""
        operation = (name, words)
        self.seen[name] += 1
        machine.perform(self.bench, operation)
        self.state = machine.applied(self.state, operation)

    # ------------------------------------------------------------------ writing
    @initialize(rows=st.dictionaries(_id, _row, min_size=3, max_size=12), few=st.booleans())
    def begin(self, rows: dict[str, Any], few: bool) -> None:
        faiss._DIRECT = 2 if few else 128  # through the index, or row by row
        for who in PEOPLE[:2]:
            self.write("create", who=who)
        links = {one: PEOPLE[n % 2] for n, one in enumerate(rows) if n % 3}
        self.write("batch", rows=rows, links=links)

    @rule(one=_id, row=_row, data=st.data())
    def store_one(self, one: str, row: dict[str, Any], data: st.DataObject) -> None:
        assume(one not in self.state["rows"])
        who = data.draw(self._maybe_somebody())
        self.write("one", rows={one: row}, links={one: who} if who else {})

    @rule(rows=st.dictionaries(_id, _row, min_size=1, max_size=6), data=st.data())
    def store_batch(self, rows: dict[str, Any], data: st.DataObject) -> None:
        new = {one: row for one, row in rows.items() if one not in self.state["rows"]}
        assume(new)
        who = data.draw(self._maybe_somebody())
        self.write("batch", rows=new, links=dict.fromkeys(new, who) if who else {})

    @precondition(lambda self: self.state["rows"])
    @rule(data=st.data(), again=st.booleans())
    def the_same_again(self, data: st.DataObject, again: bool) -> None:
        ids = data.draw(self._some())
        rows = {one: self.state["rows"][one] for one in ids}
        self.write("batch", rows=rows)

    @precondition(lambda self: self.state["rows"])
    @rule(data=st.data(), face=_seed, reid=_seed, camera=st.sampled_from(machine.CAMERAS))
    def change(self, data: st.DataObject, face: int, reid: int, camera: str) -> None:
        what = data.draw(st.sampled_from([{"face": face}, {"reid": reid}, {"camera": camera}]))
        self.write("again", rows={one: dict(what) for one in data.draw(self._some())})

    @precondition(lambda self: self.state["rows"] and self.state["people"])
    @rule(data=st.data())
    def link_or_move(self, data: st.DataObject) -> None:
        self.write("link", ids=data.draw(self._some()), who=data.draw(self._somebody()))

    @precondition(lambda self: self.state["rows"])
    @rule(data=st.data(), name=st.sampled_from(["unlink", "delete", "delete"]))
    def unlink_or_delete(self, data: st.DataObject, name: str) -> None:
        self.write(name, ids=data.draw(self._some()))

    @rule(who=st.sampled_from(["cy", "cy", *PEOPLE]))
    def create_or_forget(self, who: str) -> None:
        self.write("forget" if who in self.state["people"] else "create", who=who)

    @rule(name=st.sampled_from(["compact", "sweep"]))
    def give_back(self, name: str) -> None:
        self.write(name)
        counted = self.bench.manager.vector.counts()
        for space, count in counted.items():
            seeds = [row[space] for row in self.state["rows"].values()]
            assert count == len(seeds) - seeds.count(None), "rows that nobody names are left"

    # ------------------------------------------------------------------ questions
    @rule(words=_filters, k=st.integers(1, 12), space=st.sampled_from(["face", "reid"]),
          least=st.none() | st.sampled_from([-1.0, 0.0, 0.4, 0.9]), seed=_seed,
          by=st.sampled_from(["appearance", "appearance", "identity"]), data=st.data())  # fmt: skip
    def search(self, words: dict[str, Any], k: int, space: str, least: float | None, seed: int,
               by: str, data: st.DataObject) -> None:  # fmt: skip
        rows = [one for one, row in self.state["rows"].items() if row[space] is not None]
        assume(rows)
        words = words | {"k": k, "space": space, "min_similarity": least, "seed": seed, "by": by}
        asked = data.draw(st.sampled_from(["vector", "appearance", "of"]))
        if asked == "appearance":
            words["appearance"] = data.draw(st.sampled_from(sorted(rows)))
        people = {self.state["links"].get(one) for one in rows} - {None}
        if asked == "of" and people:
            words["of"] = data.draw(st.sampled_from(sorted(people)))
        self.seen["search"] += 1
        bench = self.bench
        wrong = machine.answered(self.state, words, machine.like(bench, words))
        assert not wrong, (words, wrong)

    @rule(words=_filters, data=st.data(), limit=st.none() | st.integers(0, 5))
    def find(self, words: dict[str, Any], data: st.DataObject, limit: int | None) -> None:
        chosen = data.draw(st.sampled_from(["everybody", "identity", "True", "False"]))
        words["unidentified"] = {"True": True, "False": False}.get(chosen)
        if chosen == "identity" and self.state["people"]:
            words["identity"] = [data.draw(self._somebody())]
        expected = machine.eligible(self.state, words)
        after = data.draw(st.sampled_from(expected)) if expected and limit is not None else None
        if after is not None:
            expected = expected[expected.index(after) + 1 :][:limit]
        asked = {n: v for n, v in words.items() if n not in ("start", "end")}
        for name in ("start", "end"):
            if words[name] is not None:
                asked[name] = machine.moment(words[name]).to_pydatetime()
        self.seen["find"] += 1
        limit = limit if after is not None else None
        found = self.bench.appearances.find(**asked, limit=limit, after=after)
        assert found["id"].tolist() == expected

    # ------------------------------------------------------------------ handles and crashes
    @rule(what=st.sampled_from(["reopen", "another"]))
    def open_and_close(self, what: str) -> None:
        """Open the store again; or a second handle, which then takes turns; or close that."""
        self.seen[what] += 1
        before = self.handles[-1].store.content_hash()
        if what == "reopen":
            self.handles[0].close()
            self.handles[0] = machine.opened(self.store)
        elif len(self.handles) > 1:
            self.handles.pop().close()
        else:
            self.handles.append(machine.opened(self.store))
        assert self.handles[-1].store.content_hash() == before

    @rule(data=st.data(), number=_number, deed=_deed, row=_row)
    def crash(self, data: st.DataObject, number: int, deed: str, row: dict[str, Any]) -> None:
        self._struck("write", data, number, deed, row)

    @rule(data=st.data(), number=_number, deed=_deed, row=_row)
    def crash_again(self, data: st.DataObject, number: int, deed: str, row: dict[str, Any]) -> None:
        self._struck("write", data, number, deed, row)

    @rule(data=st.data(), number=_number, deed=_deed, row=_row)
    def crash_in_compaction(
        self, data: st.DataObject, number: int, deed: str, row: dict[str, Any]
    ) -> None:
        self._struck("give back", data, number, deed, row)

    def _struck(
        self, what: str, data: st.DataObject, number: int, deed: str, row: dict[str, Any]
    ) -> None:
        """Let another process do something, and be struck in it: it is done, or it is not."""
        operation = self._operation(what, data, row)
        failpoint = data.draw(st.sampled_from(_STRIKES[what])), number, deed
        status, said = self.dying.do(
            self.store, operation, failpoint=failpoint, variant=self.variant
        )
        assert not [line for line in said if line.startswith("crash")], (operation, said)
        new = machine.applied(self.state, operation)
        struck = any(line.startswith("struck") for line in said)
        self.seen["killed" if status == -9 else "error" if struck else "not struck"] += 1
        assert status in (0, -9) and (status == 0 or struck), (status, said)
        done = "done" in said
        if done or self._is(new):
            refused = [line for line in said if line.startswith("refused")]
            assert not refused or new == self.state, ("refused and done", operation, said)
            self.state = new
        self.agrees()

    def _operation(self, what: str, data: st.DataObject, row: dict[str, Any]) -> machine.Operation:
        if what == "give back":
            return data.draw(st.sampled_from(["compact", "compact", "sweep"])), {}
        free = [one for one in IDS if one not in self.state["rows"]]
        names = ["batch", "one"] * 2 if free else []
        names += ["link"] if self.state["rows"] and self.state["people"] else []
        names += ["delete", "unlink", "again"] if self.state["rows"] else []
        name = data.draw(st.sampled_from(names))
        if name in ("batch", "one"):
            new = data.draw(st.lists(st.sampled_from(free), min_size=1, max_size=4, unique=True))
            new = new[:1] if name == "one" else new
            who = data.draw(self._maybe_somebody())
            links = dict.fromkeys(new, who) if who else {}
            return name, {"rows": {one: row for one in new}, "links": links}
        ids = data.draw(self._some())
        if name == "again":
            return name, {"rows": {one: {"face": row["face"] or 1, "reid": 3} for one in ids}}
        return name, {
            "ids": ids,
            **({"who": data.draw(self._somebody())} if name == "link" else {}),
        }

    def _is(self, state: machine.State) -> bool:
        return not machine.differences(self.handles[0], state)

    # ------------------------------------------------------------------ what is refused
    @precondition(lambda self: self.state["rows"])
    @rule(data=st.data(), number=st.integers(0, 8), row=_row)
    def refused(self, data: st.DataObject, number: int, row: dict[str, Any]) -> None:
        """Whatever is refused leaves the content hash as it was."""
        one = data.draw(st.sampled_from(sorted(self.state["rows"])))
        kind, wrong = self._refusals(one, row)[number]
        self.seen["refused"] += 1
        before = self.handles[-1].store.content_hash()
        with pytest.raises(kind):
            wrong(self.bench)
        assert self.handles[-1].store.content_hash() == before

    def _refusals(self, one: str, row: dict[str, Any]) -> list[tuple[type[Exception], Any]]:
        here = self.state["rows"][one]
        other = here | {"second": here["second"] + 1}
        new = {"fresh": row | {"face": 1}}

        def perform(name: str, **words: Any) -> Callable[[Any], None]:
            return lambda bench: machine.perform(bench, (name, words))

        def not_a_number(bench: Any) -> None:
            face = np.full((2, machine.DIMS["face"]), 1.0)
            face[1, 2] = np.nan
            bench.appearances.add(_two(), face=face)

        return [
            (NotFoundError, perform("link", ids=[one, "nobody"], who=PEOPLE[0])),
            (NotFoundError, perform("link", ids=[one], who="nobody")),
            (NotFoundError, perform("delete", ids=[one, "nobody"])),
            (NotFoundError, perform("unlink", ids=["nobody", one])),
            (NotFoundError, perform("forget", who="nobody")),
            (NotFoundError, perform("batch", rows=new, links={"fresh": "nobody"})),
            (ConflictError, perform("batch", rows=new | {one: other})),
            (InvalidInputError, not_a_number),
            (
                NotFoundError,
                perform("one", rows={"fresh": row | {"camera": "nowhere", "reid": 1}}),
            ),
        ]

    # ------------------------------------------------------------------ always
    @invariant()
    def agrees(self) -> None:
        """What it holds is what the model holds."""
        wrong = machine.differences(self.bench, self.state)
        assert not wrong, wrong

    def teardown(self) -> None:
        try:
            hashes = {bench.store.content_hash() for bench in self.handles}
            with machine.opened(self.store) as again:
                hashes.add(again.store.content_hash())
                assert len(hashes) == 1, "two handles say different things"
                for bench in [*self.handles, again]:
                    assert not machine.differences(bench, self.state)
                    assert bench.store.verify().ok, bench.store.verify()
        finally:
            for bench in self.handles:
                bench.close()
            shutil.rmtree(self.place)

    # ------------------------------------------------------------------ choices
    def _some(self) -> st.SearchStrategy[list[str]]:
        ids = st.sampled_from(sorted(self.state["rows"]))
        return st.lists(ids, min_size=1, max_size=4, unique=True)

    def _somebody(self) -> st.SearchStrategy[str]:
        return st.sampled_from(sorted(self.state["people"]))

    def _maybe_somebody(self) -> st.SearchStrategy[str | None]:
        return st.sampled_from([None, *sorted(self.state["people"])])


def _two() -> pd.DataFrame:
    return pd.DataFrame(
        {"id": ["f1", "f2"], "camera_id": "c1", "timestamp": [machine.START, machine.START]}
    )


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Make the store that every history begins with, and the process that dies in its stead."""
    folder = tmp_path_factory.mktemp("machine") / "base"
    with machine.opened(folder, create=True) as bench:
        bench.cameras.add(pd.DataFrame({"id": list(machine.CAMERAS)}))
    StoreMachine.base, StoreMachine.dying = folder, machine.Dying()
    direct = faiss._DIRECT
    yield
    faiss._DIRECT = direct
    StoreMachine.dying.close()


def histories(count: int, what: type[StoreMachine] = StoreMachine, **more: Any) -> None:
    """Let so many histories happen."""
    StoreMachine.seen.clear()
    how = settings(
        max_examples=count, stateful_step_count=STEPS, deadline=None, database=None,
        suppress_health_check=list(HealthCheck), **more,
    )  # fmt: skip
    run_state_machine_as_test(what, settings=how)


def test_any_history_says_what_the_model_says(prepared: None, tally: list[str]) -> None:
    histories(EXAMPLES, derandomize=not SOAK)
    tally.append(f"{EXAMPLES} histories: {dict(StoreMachine.seen)}")
    for name in ("killed", "error", "compact", "search", "refused"):
        assert StoreMachine.seen[name], f"no history with {name}"


# ------------------------------------------------------------------ planted
def _removals_are_not_counted(patch: pytest.MonkeyPatch) -> None:
    real = SegmentRows.remove

    def remove(self: SegmentRows, space: str, vids: np.ndarray) -> int:
        with self.database.transaction():
            before = self.progress(space)[0]
            gone = real(self, space, vids)
            self.database.execute("UPDATE space SET removals = ? WHERE name = ?", (before, space))
        return gone

    patch.setattr(SegmentRows, "remove", remove)


def _an_index_goes_on_after_a_compaction(patch: pytest.MonkeyPatch) -> None:
    real = FAISSVectorStore._fresh

    def fresh(self: FAISSVectorStore, space: Any) -> Any:
        index = self._indexes.get(space.name)
        rows = self.rows.progress(space.name)[1]
        if index is not None and not index.rows.keys() <= rows.keys():
            index.rows = rows
        return real(self, space)

    patch.setattr(FAISSVectorStore, "_fresh", fresh)


def _numbers_of_segments_are_used_again(patch: pytest.MonkeyPatch) -> None:
    def new_segment(self: SegmentRows, space: Any) -> int:
        used = {no for (no,) in self.database.rows("SELECT no FROM segment")}
        number = min(set(range(1, 99)) - used)
        self.database.execute(
            "INSERT INTO segment (no, space_no, rows) SELECT ?, no, 0 FROM space WHERE name = ?",
            (number, space.name),
        )
        return number

    patch.setattr(SegmentRows, "_new_segment", new_segment)


def _rows_are_appended_at_the_end(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(segment_files, "_pwrite", segment_files._pwrite)  # put back afterwards
    safeguards.remove("append at the end of the file")
    patch.setattr(StoreMachine, "variant", "append at the end of the file")


def _committed_before_synced(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(StoreMachine, "variant", "commit before sync")


def _statistics_wait_for_the_next_unit(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(SqliteGraphStore, "refresh_statistics", lambda self, ids: None)


# Each with the rules that it takes to see it: with all of them it only takes longer.
_CHANGES = {"store_batch", "unlink_or_delete", "give_back"}
PLANTED = {
    _statistics_wait_for_the_next_unit: _CHANGES,
    _removals_are_not_counted: _CHANGES,
    _committed_before_synced: {"crash", "crash_again"},
    _rows_are_appended_at_the_end: {"crash", "crash_again", "store_batch"},
}
if SOAK:  # these take minutes to meet by chance
    PLANTED |= {
        _an_index_goes_on_after_a_compaction: _CHANGES | {"search"},
        _numbers_of_segments_are_used_again: _CHANGES | {"search", "open_and_close"},
    }


def only(names: set[str]) -> type[StoreMachine]:
    """Return the machine with these rules alone."""
    rules = {name for name in vars(StoreMachine) if hasattr(getattr(StoreMachine, name), RULE)}
    assert names <= rules, names - rules
    return type("Fewer", (StoreMachine,), dict.fromkeys(rules - names))


@pytest.mark.parametrize(
    "plant", PLANTED, ids=lambda plant: plant.__name__.strip("_").replace("_", " ")
)
def test_a_planted_bug_is_found(
    prepared: None, monkeypatch: pytest.MonkeyPatch, plant: Callable[[pytest.MonkeyPatch], None]
) -> None:
    plant(monkeypatch)
    rules = only(PLANTED[plant])
    with pytest.raises((AssertionError, WorkbenchError)) as found:
        histories(200, rules, derandomize=True, phases=[Phase.generate], report_multiple_bugs=False)
    print(found.value)  # noqa: T201 - shown where the test fails, and with -s
