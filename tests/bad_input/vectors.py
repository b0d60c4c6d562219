"""Bad vector files: pickles, wrong shapes and types, torn and inflated archives."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterator
from random import Random
from typing import Any

import numpy as np
import pyarrow as pa

from tests.bad_input.case import Case
from tests.bad_input.tables import _parquet, csv, row

KIND = "vectors"
ROWS = csv(*(row(id=f"new{n}") for n in range(3)))


def npy(array: Any, **more: Any) -> bytes:
    """Return a .npy file."""
    out = io.BytesIO()
    np.save(out, array, **more)
    return out.getvalue()


def npz(**arrays: Any) -> bytes:
    """Return a .npz file."""
    out = io.BytesIO()
    np.savez(out, **arrays)
    return out.getvalue()


def header(text: str, data: bytes = b"") -> bytes:
    """Return a .npy file with this header."""
    body = text.encode("latin-1") + b"\n"
    return b"\x93NUMPY\x01\x00" + len(body).to_bytes(2, "little") + body + data


def case(name: str, content: bytes, file: str = "f.npy") -> Case:
    """Return the case of loading three good rows with a file of vectors for the space face."""
    words = ["ingest", "{folder}/a.csv", "--face", f"{{folder}}/{file}", "--strict"]
    return Case(KIND, name, words, {"a.csv": ROWS, file: content})


def vectors(random: Random, dim: int) -> Iterator[Case]:
    """Yield loads with a bad file of vectors."""
    yield from _arrays(random, dim)
    yield from _archives(random, dim)
    for name in ("", "Face", "x" * 40, "a b", "1a", "../x", "a;drop"):
        words = ["ingest", "{folder}/a.csv", "--vectors", f"{name}={{folder}}/f.npy"]
        files = {"a.csv": ROWS, "f.npy": npy(np.ones((3, dim), dtype="float32"))}
        yield Case(KIND, f"space {name!r}", words, files)


def _arrays(random: Random, dim: int) -> Iterator[Case]:
    whole = np.ones((3, dim), dtype="float32")
    bad_arrays: dict[str, Any] = {
        "dimension": np.ones((3, dim + 1)),
        "one row": np.ones((1, dim)),
        "too many": np.ones((9, dim)),
        "flat": np.ones(3 * dim),
        "deep": np.ones((3, dim, 1)),
        "scalar": np.float32(1),
        "no rows": np.ones((0, dim)),
        "no columns": np.ones((3, 0)),
        "text": np.full((3, dim), "x"),
        "truth": np.ones((3, dim), dtype=bool),
        "complex": np.ones((3, dim), dtype=complex),
        "times": np.zeros((3, dim), "datetime64[s]"),
        "void": np.zeros((3, dim), dtype="V4"),
        "bytes": np.full((3, dim), b"x"),
        "fields": np.zeros((3, dim), dtype=[("a", "f4"), ("b", "f4")]),
    }
    for name, array in bad_arrays.items():
        yield case(name, npy(array))
    for n, value in enumerate((np.inf, -np.inf, 1e39)):
        array = whole.astype("float64")
        array[1, 3] = value
        yield case(f"cell {value}", npy(array))
        yield case(f"big end, Fortran {n}", npy(np.asfortranarray(array.astype(">f8"))))
    objects = npy(np.array([[{"a": 1}] * dim] * 3, dtype=object), allow_pickle=True)
    yield case("pickled objects", objects)
    yield case("pickle", b"\x80\x04\x95" + random.randbytes(40))
    good = npy(whole)
    for n in range(8):
        yield case(f"torn {n}", good[: random.randrange(1, len(good) - 1)])
    for name, text in {
        "beyond memory": "{'descr': '<f4', 'fortran_order': False, 'shape': (99999999999, 512), }",
        "negative shape": "{'descr': '<f4', 'fortran_order': False, 'shape': (-1, 8), }",
        "no header": "",
        "code": "__import__('os').system('true')",
        "list": "[1, 2]",
        "type": "{'descr': '|O', 'fortran_order': False, 'shape': (3, 8), }",
        "key": "{'descr': '<f4', 'shape': (3, 8)}",
        "nested": "(" * 5000,
        "dtype": "{'descr': 'zzz', 'fortran_order': False, 'shape': (3, 8), }",
    }.items():
        yield case(f"header {name}", header(text, bytes(96)))
    for name, content in {"empty": b"", "rubbish": random.randbytes(500), "csv": ROWS}.items():
        yield case(name, content)


def _archives(random: Random, dim: int) -> Iterator[Case]:
    whole, ids = np.ones((3, dim), dtype="float32"), np.array(["new0", "new1", "new2"])
    good = npy(whole)
    archives: dict[str, bytes] = {
        "no vectors": npz(ids=ids),
        "no ids": npz(vectors=whole),
        "lengths": npz(ids=ids[:2], vectors=whole),
        "id twice": npz(ids=ids[[0, 0, 1]], vectors=whole),
        "dimension": npz(ids=ids, vectors=np.ones((3, dim + 2))),
        "empty": npz(),
        "infinite": npz(ids=ids, vectors=np.full((3, dim), np.inf)),
        "flat": npz(ids=ids, vectors=np.ones(3)),
        "deep ids": npz(ids=ids[:, None], vectors=whole),
        "escape": _archive({"../../ids.npy": npy(ids), "/vectors.npy": good}),
        "bomb": _archive(
            {
                "ids.npy": npy(ids),
                "vectors.npy": header(
                    "{'descr': '<f4', 'fortran_order': False, 'shape': (3, 80000000), }",
                    bytes(3_000_000),
                ),
            }
        ),
        "rubbish inside": _archive({"ids.npy": b"x", "vectors.npy": b"y"}),
    }
    for name, content in archives.items():
        yield case(f"npz {name}", content, file="f.npz")
    pickled = io.BytesIO()
    np.savez(pickled, ids=np.array(["a", 1, None], dtype=object), vectors=whole, allow_pickle=True)
    yield case("npz pickled ids", pickled.getvalue(), file="f.npz")
    full = npz(ids=ids, vectors=whole)
    for n in range(6):
        yield case(f"npz torn {n}", full[: random.randrange(1, len(full) - 1)], file="f.npz")
    frames: dict[str, pa.Table] = {
        "ragged": pa.table({"id": ids, "vector": [[1.0], [1.0, 2.0], [1.0]]}),
        "dimension": pa.table({"id": ids, "vector": [[1.0, 2.0]] * 3}),
        "no vector": pa.table({"id": ids}),
        "no id": pa.table({"vector": [[1.0] * dim] * 3}),
        "text": pa.table({"id": ids, "vector": ["a", "b", "c"]}),
        "texts": pa.table({"id": ids, "vector": [["a"] * dim] * 3}),
        "nested": pa.table({"id": ids, "vector": [[[1.0]] * dim] * 3}),
        "infinite": pa.table({"id": ids, "vector": [[np.inf] * dim] * 3}),
        "id twice": pa.table({"id": ids[[0, 0, 1]], "vector": [[1.0] * dim] * 3}),
    }
    for name, table in frames.items():
        yield case(f"parquet {name}", _parquet(table), file="f.parquet")


def _archive(files: dict[str, bytes]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(zipfile.ZipInfo(name), content, zipfile.ZIP_DEFLATED)
    return out.getvalue()
