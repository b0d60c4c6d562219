"""One history on the memory and the FAISS store: equal answers, equal errors."""

from __future__ import annotations

import tempfile
from typing import Any

import numpy as np
import pandas as pd
from hypothesis import given, settings
from hypothesis import strategies as st

from workbench.errors import WorkbenchError
from workbench.stores.vectors.base import VectorSpace, VectorStore
from workbench.stores.vectors.faiss import FAISSVectorStore
from workbench.stores.vectors.memory import MemoryVectorStore

# Few directions and few row ids: ties, doubles and strangers are the rule.
_numbers = st.sampled_from([0.0, 1.0, -1.0, 0.5, 3.0, 1e-3, float("nan")])
_vids = st.lists(st.integers(1, 9), max_size=3)
_space = st.sampled_from(["a", "b", "none"])
_settings = st.builds(
    VectorSpace,
    st.sampled_from(["a", "b"]),
    st.sampled_from([2, 2, 2, 3]),
    st.sampled_from(["float32", "float16", "int8"]),
    st.sampled_from(["IndexFlatIP", "IndexFlatL2"]),
)
_vectors = st.lists(st.lists(_numbers, min_size=2, max_size=2), max_size=3)
_operations = st.one_of(
    st.tuples(st.just("space"), st.tuples(_settings)),
    st.tuples(st.just("put"), st.tuples(_space, _vids, _vectors)),
    st.tuples(st.just("put"), st.tuples(_space, _vids, _vectors)),
    st.tuples(st.just("remove"), st.tuples(_space, _vids)),
    st.tuples(
        st.just("search"),
        st.tuples(
            _space,
            _vectors,
            st.integers(-1, 5),
            st.none() | st.sampled_from([-1.0, 0.0, 0.5, 1.0]),
            st.none() | _vids,
        ),
    ),
    st.tuples(st.just("get"), st.tuples(_space, _vids)),
)


def say(store: VectorStore, name: str, *rest: Any) -> Any:
    """Return what an operation says: an answer, or the kind of its error."""
    try:
        return _RUN[name](store, *rest)
    except WorkbenchError as error:
        return type(error)


def ids(vids: list[int]) -> np.ndarray:
    return np.array(vids, dtype="int64")


def _search(s: VectorStore, space: str, rows: Any, k: int, bound: float, within: Any) -> Any:
    allowed = None if within is None else ids(within)
    return s.search(space, np.array(rows), k=k, min_similarity=bound, within=allowed)


_RUN: dict[str, Any] = {
    "space": lambda s, space: s.create_space(space),
    "put": lambda s, space, vids, rows: s.put(space, ids(vids), np.array(rows)),
    "remove": lambda s, space, vids: s.remove(space, ids(vids)),
    "search": _search,
    "get": lambda s, space, vids: pd.DataFrame(s.get(space, ids(vids))).assign(
        norm=s.norms(space, ids(vids)), crc=s.checksums(space, ids(vids))
    ),
}


@settings(max_examples=40, deadline=None, derandomize=True, database=None)
@given(history=st.lists(_operations, min_size=5, max_size=25))
def test_faiss_and_memory_agree(history: list[tuple[str, tuple[Any, ...]]]) -> None:
    begin = [("space", (VectorSpace("a", 2, "int8"),)), ("put", ("a", [1, 2], [[1, 0], [0, 1]]))]
    oracle = MemoryVectorStore()
    with tempfile.TemporaryDirectory() as folder:
        store = FAISSVectorStore(folder)
        for name, rest in [*begin, *history]:
            got, wanted = say(store, name, *rest), say(oracle, name, *rest)
            if isinstance(wanted, pd.DataFrame):
                pd.testing.assert_frame_equal(got, wanted, check_exact=True)
            else:
                assert got == wanted, (name, rest)
        assert store.spaces() == oracle.spaces()
        assert store.counts() == oracle.counts()
        for space in oracle.spaces():
            assert store.vids(space).tolist() == oracle.vids(space).tolist()
        assert store.verify().empty
        store.close()
