"""Vectors from files."""

from __future__ import annotations

import pickle
import zipfile
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hn

from workbench.errors import InvalidInputError, NotFoundError
from workbench.readers import Embeddings, embeddings

MATRIX = np.array([[1, 2, 3], [0, 0, 0], [np.nan, 1, 2], [4, 5, 6]], dtype="float32")
IDS = ["a", "b", "0003", "é"]


def npy(path: Path, array: np.ndarray = MATRIX) -> Path:
    np.save(path / "v.npy", array)
    return path / "v.npy"


def npz(path: Path, ids: object = IDS, array: np.ndarray = MATRIX, *, zipped: bool = False) -> Path:
    (np.savez_compressed if zipped else np.savez)(path / "v.npz", ids=np.array(ids), vectors=array)
    return path / "v.npz"


def parquet(
    path: Path, ids: object = IDS, vectors: object = None, kind: pa.DataType | None = None
) -> Path:
    lists = MATRIX.tolist() if vectors is None else vectors
    column = pa.array(lists, type=kind or pa.list_(pa.float32()))
    pq.write_table(pa.table({"id": ids, "vector": column}), path / "v.parquet", row_group_size=2)
    return path / "v.parquet"


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64", ">f4"])
@pytest.mark.parametrize("order", ["C", "F"])
def test_npy_in_row_order(tmp_path, dtype, order):
    found = Embeddings(npy(tmp_path, np.asarray(MATRIX, dtype=dtype, order=order)))
    assert (found.dim, found.rows, found.missing, found.ids) == (3, 4, 2, None)
    assert found.join() == "row"
    vectors, has = found.by_position([3, 1, 0, 99, -1, 2])
    assert vectors.dtype == np.float32 and has.tolist() == [True, False, True, False, False, False]
    assert vectors.tolist() == [[4, 5, 6], [0, 0, 0], [1, 2, 3], [0, 0, 0], [0, 0, 0], [0, 0, 0]]


@pytest.mark.parametrize("zipped", [False, True])
def test_npz_by_id(tmp_path, zipped):
    found = Embeddings(npz(tmp_path, zipped=zipped))
    assert found.join() == "id" and found.join("row", data_rows=4) == "row"
    vectors, has = found.by_id(["é", "b", "none", "a", "3"])
    assert vectors[:, 0].tolist() == [4, 0, 0, 1, 0]
    assert has.tolist() == [True, False, False, True, False]


@pytest.mark.parametrize("ids", [[7, 8, 9, 10], np.array([b"7", b"8", b"9", b"x"])])
def test_ids_that_are_numbers_or_bytes_are_text(tmp_path, ids):
    assert Embeddings(npz(tmp_path, ids)).by_id(["7"])[1].tolist() == [True]


@pytest.mark.parametrize(
    "kind",
    [
        pa.list_(pa.float32()),
        pa.large_list(pa.float64()),
        pa.list_(pa.float32(), 3),
        pa.list_(pa.float16()),
    ],
)
def test_parquet_by_id(tmp_path, kind):
    vectors = [None, None, [1.0, None, 3.0], [0.0, 0.0, 0.0], [4.0, 5.0, 6.0]]
    found = Embeddings(parquet(tmp_path, ["v", "w", "x", "y", "z"], vectors, kind))
    assert (found.dim, found.rows, found.missing) == (3, 5, 4)
    assert found.by_id(["z", "w"])[0].tolist() == [[4, 5, 6], [0, 0, 0]]


@given(
    hn.arrays(
        "float32",
        st.tuples(st.integers(1, 30), st.integers(1, 4)),
        elements=st.floats(-9, 9, width=32),
    )
)
def test_what_goes_in_comes_out(tmp_path_factory, array):
    path = tmp_path_factory.mktemp("v")
    ids = [f"i{n}" for n in range(len(array))]
    for found in (
        Embeddings(npy(path, array)),
        Embeddings(npz(path, ids, array)),
        Embeddings(parquet(path, ids, array.tolist())),
    ):
        vectors, has = found.by_position(np.arange(len(array)))
        assert np.array_equal(vectors, array)
        assert has.tolist() == (array != 0).any(axis=1).tolist()


def test_an_infinite_number_names_its_row(tmp_path, monkeypatch):
    array = np.ones((50, 3))
    array[33, 1] = -np.inf
    monkeypatch.setattr(embeddings, "CHUNK_BYTES", 12 * 10)
    with pytest.raises(InvalidInputError, match="row 33 holds an infinite number"):
        Embeddings(npy(tmp_path, array))
    array[33, 1] = 1e39  # what float32 cannot hold
    with pytest.raises(InvalidInputError, match="row 33"):
        Embeddings(npy(tmp_path, array))


@pytest.mark.parametrize(
    "array",
    [
        np.ones(3),
        np.ones((2, 2, 2)),
        np.ones((2, 3), dtype="int8"),
        np.ones((2, 3), dtype=complex),
        np.array([["a"]]),
        np.ones((2, 0)),
        np.ones((2, 3), dtype=bool),
        np.float32(3),
        np.zeros(2, dtype=[("a", "f4")]),
        np.ones((1, 70_000)),
    ],
)
def test_what_is_no_matrix_is_refused(tmp_path, array):
    with pytest.raises(InvalidInputError):
        Embeddings(npy(tmp_path, array))


class Evil:
    def __reduce__(self) -> tuple[object, ...]:
        raise AssertionError("pickled")


def test_nothing_is_unpickled(tmp_path, monkeypatch):
    monkeypatch.setattr(pickle, "load", lambda *_, **__: pytest.fail("unpickled"))
    for array in (np.array([[1, None]], dtype=object), np.array([{"a": 1}], dtype=object)):
        with pytest.raises(InvalidInputError, match="Python objects"):
            Embeddings(npy(tmp_path, array))
    with pytest.raises(InvalidInputError, match="Python objects"):
        Embeddings(npz(tmp_path, np.array(["a", None, "b", "c"], dtype=object)))


@pytest.mark.parametrize("make", [npy, npz, parquet])
@pytest.mark.parametrize("share", [0.0, 0.3, 0.6, 0.95])
def test_torn_files_are_refused(tmp_path, make, share):
    array = np.random.default_rng(1).normal(size=(400, 8)).astype("float32")
    ids = [f"i{n}" for n in range(400)]
    path = (
        make(tmp_path, array)
        if make is npy
        else make(tmp_path, ids, array if make is npz else array.tolist())
    )
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * share)])
    with pytest.raises(InvalidInputError):
        Embeddings(path)


def test_a_header_that_promises_too_much_is_refused(tmp_path):
    path = npy(tmp_path)
    path.write_bytes(path.read_bytes().replace(b"(4, 3)", b"(9**9)"))
    with pytest.raises(InvalidInputError):
        Embeddings(path)
    path = npy(tmp_path)
    path.write_bytes(path.read_bytes().replace(b"(4, 3), }  ", b"(44444, 3)}"))
    with pytest.raises(InvalidInputError, match="shorter than its header says"):
        Embeddings(path)


@pytest.mark.parametrize(
    ("ids", "vectors", "says"),
    [
        (["a", "b", "a", "c"], MATRIX, "the id 'a' is there twice"),
        (["a", "b"], MATRIX, "2 ids for 4 vectors"),
        ([1.5, 2.5, 3.5, 4.5], MATRIX, "not a row of texts or numbers"),
        ([["a"], ["b"], ["c"], ["d"]], MATRIX, "not a row of texts or numbers"),
    ],
)
def test_ids_that_cannot_be_used(tmp_path, ids, vectors, says):
    with pytest.raises(InvalidInputError, match=says):
        Embeddings(npz(tmp_path, ids, vectors))


def test_other_files_are_refused(tmp_path, write):
    with pytest.raises(NotFoundError):
        Embeddings(tmp_path / "none.npy")
    with pytest.raises(InvalidInputError, match="no file of vectors"):
        Embeddings(write("a,b\n1,2\n"))
    np.savez(tmp_path / "x.npz", vectors=MATRIX)
    with pytest.raises(InvalidInputError, match="no array 'ids'"):
        Embeddings(tmp_path / "x.npz")
    with zipfile.ZipFile(tmp_path / "y.npz", "w") as archive:
        archive.writestr("ids.npy", b"no array")
        archive.writestr("vectors.npy", b"")
    with pytest.raises(InvalidInputError):
        Embeddings(tmp_path / "y.npz")
    with pytest.raises(InvalidInputError, match="vectors of 2 and of 3 numbers"):
        Embeddings(parquet(tmp_path, ["a", "b", "c"], [[1.0, 2.0], [1.0, 2.0], [1.0, 2.0, 3.0]]))
    with pytest.raises(InvalidInputError, match="not a list of floats"):
        Embeddings(parquet(tmp_path, ["a"], [[1]], pa.list_(pa.int64())))
    with pytest.raises(InvalidInputError, match="no vectors"):
        Embeddings(parquet(tmp_path, ["a"], [None]))


def test_the_rule_of_joins(tmp_path):
    by_row, by_id = Embeddings(npy(tmp_path)), Embeddings(npz(tmp_path))
    with pytest.raises(InvalidInputError, match="no ids"):
        by_row.join("id")
    with pytest.raises(InvalidInputError, match="no ids"):
        by_row.by_id(["a"])
    with pytest.raises(InvalidInputError, match="4 rows where the appearances have 5"):
        by_row.join("auto", data_rows=5)
    with pytest.raises(InvalidInputError, match="4 rows where"):
        by_id.join("row", data_rows=3)
    with pytest.raises(InvalidInputError, match="neither id nor row"):
        by_id.join("name")
    assert by_id.join("auto", data_rows=5) == by_id.join("id") == "id"
