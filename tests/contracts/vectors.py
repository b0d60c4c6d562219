"""What every vector store does, whichever it is."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest

from workbench.errors import ConflictError, InvalidInputError, NotFoundError
from workbench.stores.vectors.base import VectorSpace, VectorStore
from workbench.stores.vectors.memory import MemoryVectorStore

COLUMNS = {"query": "int64", "vid": "int64", "similarity": "float64", "rank": "int64"}
PRECISIONS = ["float32", "float16", "int8"]
# Half a step of what is kept of a number no greater than 1.
ERROR = {"float32": 2**-24, "float16": 2**-12, "int8": 0.5 / 127 * 1.001}
NAN, INF = float("nan"), float("inf")
BAD = [
    [[NAN, 1, 0]],
    [[1, 2, 3], [INF, 0, 0]],
    [[1, 2, -INF]],
    [[0, 0, 0]],
    [[1, 2, 3], [-0.0, 0, 0]],
    [[1e300, 0, 0]],
    [[1e-300, 0, 0]],
    [[1, 2]],
    [[1, 2, 3, 4]],
    [1, 2],
    5.0,
    [],
    [[]],
    [[[1, 2, 3]]],
    [[1, 2, 3], [1, 2]],
    [["1", "2", "3"]],
    [[True, False, True]],
    [[1j, 0, 0]],
    [[1, None, 2]],
    None,
    "abc",
    np.array([[1, 2, 3]], dtype=object),
    np.array(["2026-01-01"] * 3, dtype="datetime64[s]"),
]


def people(n: int, dim: int, *, seed: int, spread: float = 0.5) -> np.ndarray:
    """Return embeddings around identity centres, four of each, of very different lengths."""
    rng = np.random.default_rng(seed)
    centres = rng.normal(size=(max(n // 4, 1), dim))
    rows = centres[rng.integers(0, len(centres), n)] + spread * rng.normal(size=(n, dim))
    return (rows * np.exp(rng.uniform(-8, 8, size=(n, 1)))).astype("float32")


def uneven(n: int, dim: int, *, seed: int) -> np.ndarray:
    """Return one-hot rows among dense ones: int8 scales from 1/127 down to a fraction of it."""
    rng = np.random.default_rng(seed)
    rows = rng.normal(size=(n, dim))
    hot = rng.random(n) < 0.4
    rows[hot] = 0.01 * rng.integers(-1, 2, size=(hot.sum(), dim))
    rows[hot, rng.integers(0, dim, hot.sum())] = rng.choice([-1.0, 1.0, 1.0, 7.5], hot.sum())
    return rows.astype("float32")


def oracle_of(store: VectorStore, space: str, vids: np.ndarray, rows: np.ndarray) -> VectorStore:
    """Return a memory store with the same rows in the same space."""
    oracle = MemoryVectorStore()
    oracle.create_space(store.spaces()[space])
    oracle.put(space, vids, rows)
    return oracle


def equal(got: pd.DataFrame, wanted: pd.DataFrame) -> None:
    pd.testing.assert_frame_equal(got, wanted, check_exact=True)


class VectorStoreContract:
    """Spaces, rows and what is refused."""

    @pytest.fixture
    def store(self) -> VectorStore:
        raise NotImplementedError

    @pytest.fixture
    def plane(self, store: VectorStore) -> VectorStore:
        """Return five vectors in a plane, whose cosines with (1, 0) are known."""
        store.create_space(VectorSpace("plane", 2, "float32"))
        rows = [[3, 4], [1, 0], [0, 2], [-5, 0], [30, 40]]
        store.put("plane", np.array([10, 20, 30, 40, 5]), np.array(rows))
        return store

    def test_every_declared_capability_is_tested(self, store: VectorStore) -> None:
        for name in store.supports:
            assert isinstance(self, CAPABILITIES[name])

    # ------------------------------------------------------------------ spaces
    def test_a_space_is_kept_as_it_was_made(self, store: VectorStore) -> None:
        assert store.spaces() == store.counts() == {}
        face = VectorSpace("face", 4, "float16", "IndexFlatIP", "model é", 0.1)
        body = VectorSpace("reid", 1, "int8", "IndexFlatL2")
        store.create_space(face)
        store.create_space(body)
        store.create_space(VectorSpace("face", 4, "float16", "IndexFlatIP", "model é", 0.1))
        assert store.spaces() == {"face": face, "reid": body}
        assert store.counts() == {"face": 0, "reid": 0}
        assert store.vids("face").dtype == "int64"
        assert store.get("face", np.array([], dtype="int64")).shape == (0, 4)
        assert store.index_of("reid") == "IndexFlatL2 over int8"

    def test_other_settings_under_its_name_are_refused(self, store: VectorStore) -> None:
        face = VectorSpace("face", 4, "float16", "IndexFlatIP", "m", 0.5)
        store.create_space(face)
        for other in (
            VectorSpace("face", 5, "float16", "IndexFlatIP", "m", 0.5),
            VectorSpace("face", 4, "float32", "IndexFlatIP", "m", 0.5),
            VectorSpace("face", 4, "float16", "IndexFlatL2", "m", 0.5),
            VectorSpace("face", 4, "float16", "IndexFlatIP", None, 0.5),
            VectorSpace("face", 4, "float16", "IndexFlatIP", "m", None),
        ):
            with pytest.raises(ConflictError):
                store.create_space(other)
        assert store.spaces() == {"face": face}

    def test_a_space_made_anew_has_nothing_of_the_one_before(self, store: VectorStore) -> None:
        store.create_space(VectorSpace("face", 3, "float32"))
        store.create_space(VectorSpace("reid", 2, "float32"))
        store.put("face", np.array([1, 2]), np.eye(3)[:2])
        store.put("reid", np.array([3]), np.ones((1, 2)))
        assert store.search("face", np.eye(3)[0], k=5)["vid"].tolist() == [1, 2]
        anew = VectorSpace("face", 2, "float16", model_id="m", threshold=0.5)
        store.renew_space(anew)
        assert store.spaces()["face"] == anew
        assert store.counts() == {"face": 0, "reid": 1}
        assert store.vids("face").tolist() == []
        assert store.search("face", np.ones(2), k=5).empty
        store.put("face", np.array([1, 9]), np.eye(2))
        assert store.search("face", np.eye(2)[1], k=5)["vid"].tolist() == [9, 1]
        assert store.get("face", np.array([9])).tolist() == [[0.0, 1.0]]
        assert store.vids("reid").tolist() == [3]
        assert store.verify().empty
        with pytest.raises(NotFoundError, match="none"):
            store.renew_space(VectorSpace("none", 2))

    def test_an_unknown_space_is_not_found(self, plane: VectorStore) -> None:
        one = np.array([1])
        for ask in (
            lambda: plane.put("none", one, np.ones((1, 2))),
            lambda: plane.search("none", np.ones(2), k=1),
            lambda: plane.get("none", one),
            lambda: plane.norms("none", one),
            lambda: plane.checksums("none", one),
            lambda: plane.encode_checksums("none", np.ones(2)),
            lambda: plane.vids("none"),
            lambda: plane.index_of("none"),
        ):
            with pytest.raises(NotFoundError, match="none"):
                ask()
        assert plane.remove("none", np.array([10])) == 0
        assert plane.counts() == {"plane": 5}

    # ------------------------------------------------------------------ rows
    @pytest.mark.parametrize("precision", PRECISIONS)
    @pytest.mark.parametrize("dim", [1, 7, 512, 2048])
    def test_rows_come_back_within_the_precision(
        self, store: VectorStore, precision: str, dim: int
    ) -> None:
        store.create_space(VectorSpace("s", dim, precision))
        rows = np.concatenate([people(20, dim, seed=1), uneven(20, dim, seed=2)])
        vids = np.random.default_rng(3).permutation(np.arange(100, 140))
        store.put("s", vids, rows)
        norms = np.linalg.norm(rows.astype("float64"), axis=1)
        unit = rows / norms[:, None]
        got = store.get("s", vids)
        assert (got.dtype, got.shape) == (np.dtype("float32"), (40, dim))
        scale = np.abs(unit).max(axis=1, keepdims=True) if precision == "int8" else 1.0
        assert (np.abs(got - unit) <= ERROR[precision] * scale + 2**-24).all()
        np.testing.assert_allclose(store.norms("s", vids), norms, rtol=1e-12)
        assert store.vids("s").tolist() == list(range(100, 140))
        assert store.counts() == {"s": 40}
        assert np.array_equal(store.get("s", vids[::-2]), got[::-2])
        assert np.array_equal(store.get("s", vids[[3, 3]]), got[[3, 3]])
        wanted = store.encode_checksums("s", rows)
        assert np.array_equal(store.checksums("s", vids), wanted)
        if dim > 1:
            assert len(set(wanted.tolist())) > 20
        assert store.verify().empty

    def test_integers_and_other_floats_are_taken(self, store: VectorStore) -> None:
        store.create_space(VectorSpace("s", 2, "float32"))
        for vid, dtype in enumerate(["int8", "uint16", "int64", "float16", "float64"]):
            store.put("s", np.array([vid]), np.array([[3, 4]], dtype=dtype))
        assert np.array_equal(store.get("s", np.arange(5)), np.float32([[0.6, 0.8]] * 5))

    def test_bad_vectors_are_refused_and_nothing_is_written(self, store: VectorStore) -> None:
        store.create_space(VectorSpace("s", 3))
        store.put("s", np.array([1]), np.ones((1, 3)))
        for bad in BAD:
            for ask in (
                lambda bad=bad: store.put("s", np.array([2]), bad),
                lambda bad=bad: store.put("s", np.array([2, 3]), bad),
                lambda bad=bad: store.search("s", bad, k=1),
                lambda bad=bad: store.encode_checksums("s", bad),
            ):
                with pytest.raises(InvalidInputError):
                    ask()
        assert store.vids("s").tolist() == [1]
        assert store.verify().empty

    def test_row_ids_are_one_for_each_vector_and_taken_once(self, plane: VectorStore) -> None:
        plane.create_space(VectorSpace("other", 2))
        for space, vids in (
            ("plane", [50]),
            ("plane", [50, 51, 52]),
            ("plane", [50, 50]),
            ("plane", [50, 20]),
            ("other", [50, 20]),
        ):
            with pytest.raises(InvalidInputError):
                plane.put(space, np.array(vids), np.ones((2, 2)))
        assert plane.counts() == {"plane": 5, "other": 0}
        plane.put("plane", np.array([], dtype="int64"), np.empty((0, 2)))
        assert plane.vids("plane").tolist() == [5, 10, 20, 30, 40]

    def test_an_unknown_row_is_not_found(self, plane: VectorStore) -> None:
        plane.create_space(VectorSpace("other", 3))
        plane.put("other", np.array([99]), np.ones((1, 3)))
        for vids in ([1], [10, 1], [99]):
            for ask in (plane.get, plane.norms, plane.checksums):
                with pytest.raises(NotFoundError, match=str(vids[-1])):
                    ask("plane", np.array(vids))

    def test_removed_rows_never_come_back(self, plane: VectorStore) -> None:
        plane.create_space(VectorSpace("other", 2))
        plane.put("other", np.array([7]), np.ones((1, 2)))
        assert plane.search("plane", [1, 0], k=1)["vid"].tolist() == [20]
        assert plane.remove("plane", np.array([20, 999, 7, 20])) == 1
        assert plane.remove("plane", np.array([20])) == 0
        assert plane.remove("plane", np.array([], dtype="int64")) == 0
        assert plane.search("plane", [1, 0], k=9)["vid"].tolist() == [5, 10, 30, 40]
        assert plane.vids("plane").tolist() == [5, 10, 30, 40]
        assert plane.counts() == {"plane": 4, "other": 1}
        with pytest.raises(NotFoundError):
            plane.get("plane", np.array([20]))
        plane.put("plane", np.array([21]), np.array([[1, 1e-3]]))
        assert plane.search("plane", [1, 0], k=1)["vid"].tolist() == [21]
        assert plane.search("other", [1, 0], k=9)["vid"].tolist() == [7]

    # ------------------------------------------------------------------ search
    def test_known_answers(self, plane: VectorStore) -> None:
        got = plane.search("plane", np.array([[2, 0], [0, -0.5]]), k=5)
        assert got.dtypes.astype(str).to_dict() == COLUMNS
        assert got["query"].tolist() == [0] * 5 + [1] * 5
        assert got["rank"].tolist() == [1, 2, 3, 4, 5] * 2
        assert got["vid"].tolist() == [20, 5, 10, 30, 40, 20, 40, 5, 10, 30]
        wanted = [1, 0.6, 0.6, 0, -1, 0, 0, -0.8, -0.8, -1]
        np.testing.assert_allclose(got["similarity"], wanted, atol=1e-7)
        assert got["similarity"].between(-1, 1).all()

    def test_ties_all_come_in_order_of_vid(self, plane: VectorStore) -> None:
        assert plane.search("plane", [1, 0], k=1)["vid"].tolist() == [20]
        assert plane.search("plane", [1, 0], k=2)["vid"].tolist() == [20, 5, 10]
        assert plane.search("plane", [3, 4], k=1)["vid"].tolist() == [5, 10]
        assert plane.search("plane", [3, 4], k=1)["rank"].tolist() == [1, 2]

    def test_how_many_come(self, plane: VectorStore) -> None:
        assert len(plane.search("plane", [1, 0], k=10**12)) == 5
        for nothing in (
            plane.search("plane", [1, 0], k=0),
            plane.search("plane", [1, 0], k=-50),
            plane.search("plane", [1, 0], k=3, min_similarity=1.5),
            plane.search("plane", np.empty((0, 2)), k=3),
        ):
            assert nothing.empty
            assert nothing.dtypes.astype(str).to_dict() == COLUMNS
        for bound, vids in ((0.7, [20]), (0.5, [20, 5, 10]), (0.0, [20, 5, 10, 30])):
            got = plane.search("plane", [1, 0], k=5, min_similarity=bound)
            assert got["vid"].tolist() == vids
        plane.create_space(VectorSpace("empty", 2))
        assert plane.search("empty", [1, 0], k=3).empty

    @pytest.mark.parametrize(
        ("precision", "index", "dim", "rows"),
        [
            ("int8", "IndexFlatIP", 7, uneven),
            ("int8", "IndexFlatIP", 512, uneven),
            ("int8", "IndexFlatL2", 64, uneven),
            ("int8", "IndexFlatIP", 2048, people),
            ("float16", "IndexFlatIP", 64, people),
            ("float16", "IndexFlatL2", 64, uneven),
            ("float32", "IndexFlatIP", 1, people),
            ("float32", "IndexFlatIP", 64, uneven),
            ("float32", "IndexFlatL2", 512, people),
        ],
    )
    def test_a_search_is_the_oracles_to_the_last_bit(
        self,
        store: VectorStore,
        precision: str,
        index: str,
        dim: int,
        rows: Callable[..., np.ndarray],
    ) -> None:
        store.create_space(VectorSpace("s", dim, precision, index))
        matrix = rows(1400, dim, seed=dim)
        matrix[700:720] = matrix[3]  # twenty equals, and scaled ones
        matrix[720:730] = matrix[3] * 4
        vids = np.random.default_rng(1).permutation(np.arange(10_000, 11_400))
        for first in range(0, 1400, 500):
            store.put("s", vids[first : first + 500], matrix[first : first + 500])
        oracle = oracle_of(store, "s", vids, matrix)
        queries = np.concatenate([matrix[[3, 5]], rows(6, dim, seed=99)])
        for k in (1, 10, 60):
            equal(store.search("s", queries, k=k), oracle.search("s", queries, k=k))
        bound = {"k": 40, "min_similarity": 0.2}
        equal(store.search("s", queries, **bound), oracle.search("s", queries, **bound))
        gone = vids[::3]
        assert store.remove("s", gone) == oracle.remove("s", gone)
        equal(store.search("s", queries, k=10), oracle.search("s", queries, k=10))
        assert len(store.search("s", matrix[3], k=1)) >= 20  # 31 equals, 11 of them removed

    def test_what_a_precision_costs(self, store: VectorStore) -> None:
        rows = people(300, 64, seed=5)
        unit = rows / np.linalg.norm(rows, axis=1, keepdims=True)
        exact = unit[:20] @ unit.T
        for precision, error in (("float32", 1e-6), ("float16", 1e-3), ("int8", 1e-2)):
            space = VectorSpace(precision, 64, precision)
            store.create_space(space)
            first = 1000 * (1 + PRECISIONS.index(precision))
            store.put(precision, np.arange(first, first + 300), rows)
            got = store.search(precision, rows[:20], k=300)
            near = exact[got["query"], got["vid"] - first]
            assert (got["similarity"] - near).abs().max() < error
            assert got.loc[got["rank"] == 1, "vid"].tolist() == list(range(first, first + 20))

    def test_closing_twice_is_fine(self, store: VectorStore) -> None:
        store.flush()
        store.close()
        store.close()


class FilteredSearchContract:
    """The capability ``filtered_search``: `within` restricts, and never costs a hit."""

    def test_within_restricts(self, plane: VectorStore) -> None:
        def search(vids: list[int], k: int = 5) -> list[int]:
            return plane.search("plane", [1, 0], k=k, within=np.array(vids))["vid"].tolist()

        assert search([30, 10, 5]) == [5, 10, 30]
        assert search([30, 10, 5], k=1) == [5, 10]
        assert search([40, 40, 77, -1]) == [40]
        assert search([77]) == search([]) == []

    @pytest.mark.parametrize("precision", PRECISIONS)
    def test_min_of_k_and_matches_under_any_filter(
        self, store: VectorStore, precision: str
    ) -> None:
        store.create_space(VectorSpace("s", 16, precision))
        rows = people(3000, 16, seed=8)
        vids = np.arange(1, 3001)
        store.put("s", vids, rows)
        oracle = oracle_of(store, "s", vids, rows)
        rng = np.random.default_rng(2)
        for share in (0.0005, 0.01, 0.3, 0.45, 0.9, 1.0):
            within = np.append(rng.permutation(vids)[: round(share * 3000)], [99_999])
            for k in (1, 25):
                got = store.search("s", rows[:3], k=k, within=within)
                equal(got, oracle.search("s", rows[:3], k=k, within=within))
                assert got.groupby("query").size().min() >= min(k, len(within) - 1)
        # Hers alone are allowed, and they are the farthest of all.
        far = oracle.search("s", rows[0], k=3000)["vid"].tail(1500).to_numpy()
        got = store.search("s", rows[0], k=1200, within=far)
        equal(got, oracle.search("s", rows[0], k=1200, within=far))


class VectorDurableContract:
    """The capability ``durable``: a row that was put is there in the next process."""

    @pytest.fixture
    def reopen(self) -> Callable[[VectorStore], VectorStore]:
        raise NotImplementedError

    def test_everything_is_there_again(
        self, plane: VectorStore, reopen: Callable[[VectorStore], VectorStore]
    ) -> None:
        plane.create_space(VectorSpace("face", 512, "int8", "IndexFlatL2", "m", 0.3))
        rows = people(30, 512, seed=1)
        plane.put("face", np.arange(100, 130), rows)
        plane.remove("plane", np.array([20]))
        again = reopen(plane)
        assert again.spaces() == plane.spaces()
        assert again.counts() == {"face": 30, "plane": 4}
        ids = np.arange(100, 130)
        assert np.array_equal(again.get("face", ids), plane.get("face", ids))
        assert np.array_equal(again.norms("face", ids), plane.norms("face", ids))
        equal(again.search("face", rows[:5], k=7), plane.search("face", rows[:5], k=7))
        assert again.search("plane", [1, 0], k=9)["vid"].tolist() == [5, 10, 30, 40]


CAPABILITIES = {"filtered_search": FilteredSearchContract, "durable": VectorDurableContract}
