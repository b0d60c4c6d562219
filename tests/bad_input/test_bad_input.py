"""Five hundred generated bad inputs: the right code, an error that helps, an unchanged store."""

from __future__ import annotations

import shutil
import sqlite3
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from random import Random

import pandas as pd
import pytest

import workbench
from tests.bad_input import mutated, rooms, sides, tables, vectors
from tests.bad_input.case import Case, filled, met

SEED = 20260112
MUTATED = 100
DIM = 16  # of the small site's faces
KINDS = {
    "csv bytes": tables.csv_bytes,
    "csv rows": tables.csv_rows,
    "csv cells": tables.csv_cells,
    "parquet": tables.parquet,
    "vectors": lambda random: vectors.vectors(random, DIM),
    "side tables": sides.tables,
    "floor plans": sides.floor_plans,
    "options": sides.options,
    "API": lambda random: rooms.frames(random, DIM),
    "API changes": rooms.changes,
    "questions": rooms.questions,
}


def cases(kind: str) -> list[Case]:
    """Return the cases of a kind; the same ones each time."""
    return list(KINDS[kind](Random(f"{SEED} {kind}")))


@pytest.fixture(scope="session")
def store(tmp_path_factory: pytest.TempPathFactory, tiny_site: Path) -> Path:
    """Return the store of the small site."""
    return filled(tmp_path_factory.mktemp("bad-input") / "store", tiny_site)


@pytest.fixture(scope="session")
def bench(store: Path) -> Iterator[workbench.Workbench]:
    """Return the store, open for all cases."""
    with workbench.open(store) as found:
        yield found


@pytest.mark.parametrize("kind", KINDS)
def test_bad_input_is_refused(
    kind: str, bench: workbench.Workbench, store: Path, tmp_path: Path
) -> None:
    wrong = met(cases(kind), bench, store, tmp_path)
    assert not wrong, f"{len(wrong)} of {len(cases(kind))}:\n" + "\n".join(wrong)


def test_stores_that_are_none(bench: workbench.Workbench, store: Path, tmp_path: Path) -> None:
    made = tmp_path / "stores"
    made.mkdir()
    assert not met(list(rooms.stores(Random(SEED), made)), bench, store, tmp_path)


def test_broken_stores(store: Path, bench: workbench.Workbench, tmp_path: Path) -> None:
    def broken(name: str) -> Path:
        bench.manager.graph.checkpoint()
        return Path(shutil.copytree(store, tmp_path / name))

    newer = broken("newer")
    with sqlite3.connect(newer / "store.sqlite") as connection:
        connection.execute("PRAGMA user_version = 99")
    connection.close()
    torn = broken("torn")
    content = (torn / "store.sqlite").read_bytes()
    (torn / "store.sqlite").write_bytes(content[: len(content) // 2])
    gone = broken("gone")
    shutil.rmtree(gone / "vectors")
    short = broken("short")
    for segment in (short / "vectors").glob("*.seg"):
        segment.write_bytes(segment.read_bytes()[:70])
    find = ["find", "--appearance", "a01"]
    asked = [
        Case("stores", "newer", ["stats", "--store", str(newer)], codes=(4,)),
        Case("stores", "newer, written", ["unload", "x", "--store", str(newer)], codes=(4,)),
        Case("stores", "torn", ["stats", "--store", str(torn)], codes=(4,)),
        Case("stores", "torn, verified", ["verify", "--store", str(torn)], codes=(1, 4)),
        Case("stores", "no vectors", [*find, "--store", str(gone)], codes=(4,)),
        Case("stores", "no vectors, verified", ["verify", "--store", str(gone)], codes=(1,)),
        Case("stores", "short vectors", [*find, "--store", str(short)], codes=(4,)),
        Case("stores", "short, verified", ["verify", "--store", str(short)], codes=(1,)),
    ]
    assert not met(asked, bench, store, tmp_path)


def test_good_rows_among_bad_ones_are_loaded(
    store: Path, bench: workbench.Workbench, tmp_path: Path
) -> None:
    """Each mixed file goes into a copy: good rows in it, bad ones in the rejects with a reason."""
    bench.manager.graph.checkpoint()
    random = Random(SEED)
    for number in range(8):
        copy = Path(shutil.copytree(store, tmp_path / f"copy{number}"))
        cells = random.sample(tables.BAD_CELLS, 12)
        rows = [tables.row(id=f"good{n}") for n in range(20)]
        rows += [tables.row(**({"id": f"bad{n}"} | {k: v})) for n, (k, v) in enumerate(cells)]
        random.shuffle(rows)
        file = tmp_path / f"mixed{number}.csv"
        file.write_bytes(tables.csv(*rows))
        report = workbench.ingest(copy, file, quiet=True)
        assert (report.rows, report.added, report.rejected) == (32, 20, 12)
        assert report.rejects_file is not None
        rejects = pd.read_csv(report.rejects_file, dtype="str", keep_default_na=False)
        lines = [n for n, row in enumerate(rows, start=2) if '"good' not in row.split(",")[0]]
        assert rejects["line"].astype(int).tolist() == lines
        assert (rejects["reason"] != "").all()
        with workbench.open(copy) as loaded:
            ids = set(loaded.appearances.find()["id"])
            assert {f"good{n}" for n in range(20)} <= ids
            assert not any(name.startswith("bad") for name in ids)
            assert loaded.store.verify().ok


def test_good_files_changed_at_random(
    store: Path, bench: workbench.Workbench, tmp_path: Path, tally: list[str]
) -> None:
    refused, wrong = mutated.met(Random(SEED), MUTATED, bench, store, tmp_path)
    tally.append(f"{len(refused)} mutated files refused, {len(wrong)} wrongly")
    assert not wrong, "\n".join(wrong)
    assert len(refused) == MUTATED


def test_how_many_there_are(tmp_path: Path, tally: list[str]) -> None:
    counts = Counter({kind: len(cases(kind)) for kind in KINDS})
    counts["stores"] = len(list(rooms.stores(Random(SEED), tmp_path))) + 8
    counts["mixed files"] = 8
    counts["mutated files"] = MUTATED
    tally.append(f"{sum(counts.values())} bad inputs (seed {SEED}): {dict(counts)}")
    assert sum(counts.values()) >= 500
