"""Bad frames and bad questions, asked through Python and typed; folders that are no stores."""

from __future__ import annotations

import sqlite3
import tempfile
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import pandas as pd

from tests.bad_input.case import Call, Case

NEW = {"id": "n", "timestamp": "2026-01-12T10:00:00Z", "camera_id": "lab"}


def frames(random: Random, dim: int) -> Iterator[Case]:
    """Yield frames and vectors that ``bench.appearances.add`` and its kin refuse."""
    cells: list[tuple[str, Any]] = [
        ("timestamp", datetime(2026, 1, 12)),
        ("timestamp", "noon"),
        ("timestamp", None),
        ("timestamp", 5),
        ("timestamp", float("nan")),
        ("timestamp", [1]),
        ("timestamp", b"x"),
        ("camera_id", "roof"),
        ("camera_id", ""),
        ("camera_id", None),
        ("camera_id", ["lab"]),
        ("identity_id", "nobody"),
        ("identity_id", "a\x00"),
        ("identity_id", {"a": 1}),
        ("id", ""),
        ("id", None),
        ("id", "x" * 201),
        ("id", "a\nb"),
        ("id", "a01"),
        ("id", "\u2028"),
        ("tracking_id", "\x07"),
        ("tracking_id", "y" * 1000),
        ("frame", 1.5),
        ("frame", 2.0**60),
        ("frame", "one"),
        ("frame", float("inf")),
        ("bbox_w", -1),
        ("bbox_x", float("inf")),
        ("bbox_x", "wide"),
        ("bbox_h", complex(1, 2)),
        ("bbox_y", [1]),
        ("detection_confidence", "x"),
        ("properties", "no json"),
        ("properties", "3"),
        ("place_id", "nowhere"),
        ("load_id", "none"),
        ("frame_path", "a\x00"),
        ("source_row", "x"),
        ("frame_path", "p" * 20_000),
    ]
    for n, (name, value) in enumerate(cells):
        data = pd.DataFrame([NEW | {name: value}], dtype=object)
        text = isinstance(value, str) and name != "place_id"
        codes = (3,) if text and value in ("roof", "nobody", "none") else (2,)
        codes = (2, 3) if isinstance(value, list | dict) else codes  # text of it is no id there
        call: Call = lambda bench, d=data: bench.appearances.add(d)  # noqa: E731
        yield Case("API frames", f"{name} {n}", call=call, codes=codes)
    one = pd.DataFrame([NEW])
    two = pd.DataFrame([NEW, NEW | {"id": "o"}])
    rows: dict[str, Any] = {
        "no frame": None,
        "dict": NEW,
        "list": [NEW],
        "text": "a.csv",
        "array": np.ones((2, 2)),
        "twice": pd.concat([one, one]),
        "no columns": pd.DataFrame(index=[0]),
        "no id": one.drop(columns="id"),
        "no time": one.drop(columns="timestamp"),
        "no camera": one.drop(columns="camera_id"),
        "two of a name": pd.concat([one, one[["id"]]], axis=1),
        "number names": pd.DataFrame([[1, 2, 3]]),
        "half wrong": pd.concat([one, one.assign(id="")]),
        "levels": one.set_axis(pd.MultiIndex.from_product([["a"], one.columns]), axis=1),
    }
    for name, data in rows.items():
        yield Case("API frames", name, call=lambda bench, d=data: bench.appearances.add(d))
    bad: dict[str, Any] = {
        "NaN": [1.0] * (dim - 1) + [np.nan],
        "infinite": [np.inf] * dim,
        "zero": [0.0] * dim,
        "short": [1.0] * (dim - 1),
        "scalar": 1.0,
        "text": "face",
        "texts": ["a"] * dim,
        "none": [None] * dim,
        "huge": [1e300] * dim,
        "object": object(),
        "nested": [[[1.0]] * dim],
    }
    for name, vector in bad.items():
        yield Case(
            "API vectors",
            f"face {name}",
            call=lambda bench, v=vector: bench.appearances.add(one, face=[v]),
        )
        yield Case(
            "API vectors",
            f"like {name}",
            call=lambda bench, v=vector: bench.similarity.like(vector=v),
        )
    more: dict[str, Any] = {
        "too many": {"face": np.ones((2, dim))},
        "too few": {"face": np.ones((0, dim))},
        "no array": {"face": 5},
        "space": {"vectors": {"Face!": np.ones((1, 4))}},
        "no mapping": {"vectors": [np.ones(4)]},
    }
    for name, given in more.items():
        yield Case("API vectors", name, call=lambda bench, g=given: bench.appearances.add(one, **g))
    yield Case(
        "API vectors",
        "ragged",
        call=lambda bench: bench.appearances.add(two, face=[[1.0] * dim, [1.0]]),
    )


def changes(random: Random) -> Iterator[Case]:
    """Yield changes of what is not there, or to what cannot be."""
    known, kind = pd.DataFrame({"id": ["a01"]}), "API changes"
    calls: dict[str, tuple[Call, int]] = {
        "update unknown": (lambda b: b.appearances.update(pd.DataFrame({"id": ["zz"]})), 3),
        "update without id": (lambda b: b.appearances.update(pd.DataFrame({"x": [1]})), 2),
        "update no frame": (lambda b: b.appearances.update(None), 2),
        "update camera": (lambda b: b.appearances.update(known.assign(camera_id="roof")), 3),
        "update width": (lambda b: b.appearances.update(known.assign(bbox_w=-1)), 2),
        "update twice": (lambda b: b.appearances.update(pd.concat([known, known])), 2),
        "delete unknown": (lambda b: b.appearances.delete("zz"), 3),
        "delete some": (lambda b: b.appearances.delete(["a01", "zz"]), 3),
        "delete number": (lambda b: b.appearances.delete([7]), 3),
        "delete none": (lambda b: b.appearances.delete(None), 2),
        "link unknown": (lambda b: b.identities.link("zz", "p1"), 3),
        "link nobody": (lambda b: b.identities.link("a01", "zz"), 3),
        "link empty": (lambda b: b.identities.link("a01", ""), 2),
        "link none": (lambda b: b.identities.link("a01", None), 2),
        "unlink unknown": (lambda b: b.identities.unlink("zz"), 3),
        "create twice": (lambda b: b.identities.create("p1", name="Else"), 2),
        "create empty": (lambda b: b.identities.create(""), 2),
        "create control": (lambda b: b.identities.create("a\x00"), 2),
        "create half": (lambda b: b.identities.create("\ud800"), 2),
        "create long": (lambda b: b.identities.create("x" * 201), 2),
        "create odd": (lambda b: b.identities.create("q", properties={"a": object()}), 2),
        "create score": (lambda b: b.identities.create("q", confidence=float("nan")), 0),
        "delete nobody": (lambda b: b.identities.delete("zz"), 3),
        "cameras none": (lambda b: b.cameras.add(None), 2),
        "cameras no id": (lambda b: b.cameras.add(pd.DataFrame({"name": ["x"]})), 2),
        "cameras angle": (lambda b: b.cameras.add(pd.DataFrame({"id": ["z"], "fov": [-1.0]})), 2),
        "cameras other": (lambda b: b.cameras.add(pd.DataFrame({"id": ["lab"], "name": ["z"]})), 2),
        "cameras twice": (lambda b: b.cameras.add(pd.DataFrame({"id": ["z", "z"]})), 2),
        "unload unknown": (lambda b: b.store.unload("zz"), 3),
    }
    for name, (call, code) in calls.items():
        if code:
            yield Case(kind, name, call=call, codes=(code,))


HOSTILE = (
    "'; DROP TABLE appearance; --",
    "p1' OR '1'='1",
    "%",
    "*",
    "\u202ep1",
    "../p1",
    "p1\x00",
    "😀" * 100,
    "x" * 10_000,
    "{{7*7}}",
    "<script>",
    "${HOME}",
    "NULL",
    "p1 ",
    "P1",
)


def questions(random: Random) -> Iterator[Case]:
    """Yield questions about what is not there, and questions that make no sense."""
    kind = "questions"
    for text in HOSTILE:
        yield Case(kind, f"identity {text[:20]!r}", ["identity", text], codes=(2, 3))
        yield Case(kind, f"track {text[:20]!r}", ["track", text], codes=(2, 3))
        yield Case(kind, f"find {text[:20]!r}", ["find", "--appearance", text], codes=(2, 3))
        yield Case(
            kind,
            f"get {text[:20]!r}",
            codes=(3,),
            call=lambda bench, t=text: bench.identities.get(t),
        )
    yield Case(kind, "get half", call=lambda b: b.identities.get("\ud800"), codes=(3,))
    yield Case(kind, "get number", call=lambda b: b.identities.get(7), codes=(3,))
    yield Case(kind, "track none", call=lambda b: b.tracks.trajectory(None), codes=(2, 3))
    yield Case(
        kind, "camera half", call=lambda b: b.appearances.find(camera="\ud800"), codes=(2, 3)
    )
    for value in (
        "noon",
        "2026-01-12T10:00",
        "2026-02-30T00:00Z",
        "",
        "0",
        "1e9",
        "99999-01-01T00:00Z",
    ):
        yield Case(kind, f"start {value!r}", ["track", "p1", "--start", value])
        yield Case(kind, f"end {value!r}", ["appearances", "--end", value])
    reverse = ["--start", "2026-01-12T12:00Z", "--end", "2026-01-12T11:00Z"]
    for command in (
        ["track", "p1"],
        ["visits"],
        ["flow"],
        ["appearances"],
        ["find", "--appearance", "a01"],
    ):
        yield Case(kind, f"reversed {command[0]}", [*command, *reverse])
    for value in ("0", "-1", "1.5", "ten", "", "9" * 40):
        yield Case(kind, f"k {value[:8]!r}", ["find", "--appearance", "a01", "--k", value])
    for option, values in {
        "--max-gap": ("-1", "nan", "x", ""),
        "--max-speed": ("0", "-1", "nan", "x"),
        "--tz": ("Mars/Base",),
        "--display-tz": ("Mars/Base", ""),
    }.items():
        for value in values:
            words = ["track", "p1", option, value]
            words += ["--start", "2026-01-12T10:00"] if option == "--tz" else []
            yield Case(kind, f"{option} {value!r}", words)
    for value in ("2", "-1.5", "nan", "inf", "x"):
        yield Case(
            kind, f"similarity {value}", ["find", "--appearance", "a01", "--min-similarity", value]
        )
    for words, code in (
        (["find", "--appearance", "a01", "--space", "gait"], 3),
        (["find"], 2),
        (["path", "lab"], 2),
        (["find", "--appearance", "a01", "--identity", "p1"], 2),
        (["path", "lab", "roof"], 3),
        (["path", "office", "nowhere"], 3),
        (["path", "lab", "office", "--by", "colour"], 2),
        (["visits", "nobody"], 3),
        (["unload", "x"], 3),
        (["unload", ""], 3),
        (["appearances", "--after", "zz"], 3),
        (["appearances", "--limit", "-1"], 2),
        (["find", "--vector", "{folder}/none.npy"], 3),
        (["cameras", "--identity", "nobody"], 3),
        (["identities", "--camera", "roof"], 3),
    ):
        yield Case(kind, " ".join(words)[:50], words, codes=(code,))
    calls: dict[str, Call] = {
        "k none": lambda b: b.similarity.like(appearance="a01", k=None),
        "k text": lambda b: b.similarity.like(appearance="a01", k="3"),
        "k real": lambda b: b.similarity.like(appearance="a01", k=2.5),
        "by": lambda b: b.similarity.like(appearance="a01", by="colour"),
        "nothing": lambda b: b.similarity.like(),
        "gap": lambda b: b.tracks.visits(max_gap_s=-1),
        "gap text": lambda b: b.tracks.visits(max_gap_s="long"),
        "gap none": lambda b: b.tracks.visits(max_gap_s=None),
        "speed": lambda b: b.tracks.trajectory("p1", max_speed_m_s=0),
        "speed text": lambda b: b.tracks.trajectory("p1", max_speed_m_s="fast"),
        "naive": lambda b: b.tracks.trajectory("p1", start=datetime(2026, 1, 12)),
        "moment": lambda b: b.tracks.trajectory("p1", start=object()),
        "list": lambda b: b.tracks.trajectory("p1", start=[1]),
        "limit": lambda b: b.appearances.find(limit=-1),
        "limit text": lambda b: b.appearances.find(limit="ten"),
        "limit real": lambda b: b.appearances.find(limit=1.5),
        "path by": lambda b: b.cameras.path("lab", "office", by="colour"),
    }
    for name, call in calls.items():
        yield Case(kind, f"call {name}", call=call, codes=(2, 3))


def stores(random: Random, made: Path) -> Iterator[Case]:
    """Yield stores that are none, broken or newer, each in a folder of its own."""
    kind = "stores"

    def fresh(name: str) -> Path:
        folder = Path(tempfile.mkdtemp(dir=made, prefix=name.replace(" ", "-")))
        return folder

    def file(content: bytes, name: str = "store.sqlite") -> Path:
        folder = fresh("file")
        (folder / name).write_bytes(content)
        return folder

    foreign = fresh("foreign")
    with sqlite3.connect(foreign / "store.sqlite") as connection:
        connection.execute("CREATE TABLE t (x)")
    connection.close()
    plain = file(b"x", "a.txt")
    no_file = fresh("folder")
    (no_file / "store.sqlite").mkdir()
    cases: dict[str, tuple[Path, tuple[int, ...]]] = {
        "missing": (made / "none", (3,)),
        "empty": (fresh("empty"), (3,)),
        "other": (plain, (3,)),
        "a file": (plain / "a.txt", (3, 4)),
        "below a file": (plain / "a.txt" / "x", (3, 4)),
        "foreign": (foreign, (4,)),
        "rubbish": (file(random.randbytes(5000)), (4,)),
        "header alone": (file(b"SQLite format 3\x00"), (4,)),
        "no bytes": (file(b""), (4,)),
        "zeros": (file(bytes(8192)), (4,)),
        "folder": (no_file, (3, 4)),
        "name": (made / ("x" * 300), (2, 3, 4)),
    }
    for name, (folder, codes) in cases.items():
        for words in (["stats"], ["track", "p1"], ["verify"]):
            words = [*words, "--store", str(folder)]
            yield Case(kind, f"{name} {words[0]}", words, codes=codes)
