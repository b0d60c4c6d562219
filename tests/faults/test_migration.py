"""A store of an older version is brought up to a later one wholly, or stays what it was."""

from __future__ import annotations

import sqlite3
import time
from pathlib import Path

import pytest

import workbench
from tests.faults import safeguards, trial
from workbench.errors import StoreVersionError


def version_of(store: Path) -> tuple[int, int]:
    """Return the version of a store, and the rows of the table that version 2 has."""
    connection = sqlite3.connect(store / "store.sqlite")
    try:
        version = connection.execute("PRAGMA user_version").fetchone()[0]
        tables = connection.execute("SELECT count(*) FROM sqlite_schema WHERE name = 'invented'")
        if not tables.fetchone()[0]:
            return version, -1
        return version, connection.execute("SELECT count(*) FROM invented").fetchone()[0]
    finally:
        connection.close()


POINTS = [
    (name, number, deed)
    for name, numbers in (("BEGIN", 2), ("INSERT", 6), ("COMMIT", 2), ("PRAGMA user_version", 3))
    for number in range(1, numbers + 1)
    for deed in ("before", "after", "EIO")
]


def test_killed_or_refused_anywhere_it_is_the_old_version_or_the_new(
    writer: trial.Writer, bases: list[trial.Base], place: Path, tally: list[str]
) -> None:
    base = bases[0]
    with workbench.open(base.folder) as bench:
        rows, content = len(bench.appearances.find()), bench.store.content_hash()
    found, results, began = set(), [], time.monotonic()
    for n, point in enumerate(POINTS):
        folder = place / str(n)
        outcome = trial.run(writer, base, folder, failpoint=point, variant="version 2")
        found.add(version_of(folder))
        with safeguards.removed("version 2"):
            wrong = trial.check(base, folder, outcome)
        results.append(trial.Result(str(point), bool(outcome.struck), tuple(wrong)))
        assert version_of(folder)[0] == 2
    tally.append(trial.tallied("struck in a migration", results, time.monotonic() - began))
    assert not [one for one in results if one.wrong], tally[-1]
    assert len([one for one in results if one.struck]) >= 20
    assert {(1, -1), (2, rows)} <= found and {version for version, _ in found} == {1, 2}
    assert content  # the base itself was never touched
    assert version_of(base.folder) == (1, -1)


def test_what_it_says_stays_the_same_and_the_older_version_is_refused(
    bases: list[trial.Base], place: Path
) -> None:
    folder = place / "store"
    trial.copied(bases[0], folder)
    with workbench.open(folder) as old:
        before = old.store.content_hash()
        with safeguards.removed("version 2"), workbench.open(folder) as new:
            assert new.store.content_hash() == before
        with pytest.raises(StoreVersionError, match="format 2"):
            old.identities.create("late")
        assert old.store.content_hash() == before
    with pytest.raises(StoreVersionError, match="format 2"):
        workbench.open(folder)
