"""The default vector store: rows in segments, searched exactly through a FAISS index in memory.

The index holds the codes of the committed rows as they are on the disk, in the order in which they
were committed. It is derived: it grows by the rows that appeared since the last question, and is
built anew when it is gone. What it finds is scored again from the rows, whose bytes are checked
against their checksums, so an answer depends on the stored bytes alone.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd

from workbench import schema
from workbench.errors import InvalidInputError, NotFoundError, StoreDamagedError
from workbench.stores.database import SqliteDatabase
from workbench.stores.vectors import precision
from workbench.stores.vectors.base import (
    DEFAULT_PRECISION,
    Hits,
    StoredRows,
    VectorSpace,
    VectorStore,
    checked,
    checked_lengths,
    paired,
    ranked,
)
from workbench.stores.vectors.flat_index import INDEX_KINDS, ROUNDING, FlatIndex, Part
from workbench.stores.vectors.segments import SegmentRows

# A selection of at most so many rows is compared row by row: cheaper than a mask on the index.
_DIRECT = 128
_LABELS = """CREATE TABLE label (
  vid INTEGER PRIMARY KEY REFERENCES vector_row (vid) ON DELETE CASCADE, appearance_id TEXT NOT NULL
) STRICT;
"""
_BLOCK = 16_384  # rows that are read at a time


class FAISSVectorStore(VectorStore):
    """Exact search over rows on disk.

    Parameters
    ----------
    path : Path or str
        Folder of the segment files; made when it is missing and no `database` is given.
    database : SqliteDatabase, optional
        The store's database, to share its commits. Without it the folder gets one of its own.
    wait_s : float
        How long to wait for another writer, with a database of its own.
    """

    supports = frozenset({"durable", "filtered_search"})

    def __init__(
        self,
        path: Path | str,
        *,
        database: SqliteDatabase | None = None,
        wait_s: float = 30.0,
    ) -> None:
        folder = Path(path)
        self._own = database is None
        if database is None:
            folder.mkdir(parents=True, exist_ok=True)
            file = folder / "vectors.sqlite"
            if not file.exists():
                SqliteDatabase.create(file)
            database = SqliteDatabase(file, wait_s=wait_s)
            if not database.rows("SELECT 1 FROM sqlite_schema WHERE name = 'space'"):
                with database.transaction():
                    self.apply_schema(database)
        self.rows = SegmentRows(folder, database)
        self._database = database
        self._indexes: dict[str, FlatIndex] = {}
        self.store_id = database.store_id
        self._owners: Callable[[str, np.ndarray], pd.DataFrame] | None = None
        self._allocate: Callable[[int], int] = database.allocate_vids

    @staticmethod
    def apply_schema(database: SqliteDatabase) -> None:
        """Create the store's tables in a new file, inside a unit of work."""
        SegmentRows.apply_schema(database)
        database.script(_LABELS)

    def close(self) -> None:
        if self._own:
            self._database.close()
        self._indexes.clear()

    # ------------------------------------------------------------------ spaces and rows
    def spaces(self) -> dict[str, VectorSpace]:
        return self.rows.spaces()

    def create_space(self, space: VectorSpace) -> None:
        if self._new(space):
            self.rows.create_space(space)

    def renew_space(self, space: VectorSpace) -> None:
        self._space(space.name)
        self.rows.renew_space(space)

    def put(self, space: str, vids: np.ndarray, vectors: np.ndarray) -> None:
        found = self._space(space)
        matrix, norms = checked_lengths(vectors, found.dim)
        rows = StoredRows(*precision.encode(matrix, found.precision, norms))
        self.rows.append(found, paired(vids, matrix), rows)

    def put_stored(self, space: str, vids: np.ndarray, rows: StoredRows) -> None:
        found = self._space(space)
        kind = np.dtype(precision.DTYPES[found.precision])
        if rows.codes.dtype != kind or rows.codes.shape[1:] != (found.dim,):
            raise InvalidInputError(
                f"Rows of {rows.codes.dtype} and shape {rows.codes.shape} are no rows of {kind}.",
                where=f"space {space}",
                next="Copy them into a space of the same settings.",
            )
        self.rows.append(found, paired(vids, rows.codes), rows)

    def remove(self, space: str, vids: np.ndarray) -> int:
        return self.rows.remove(space, vids)

    def get(self, space: str, vids: np.ndarray) -> np.ndarray:
        codes, scales, _ = self.stored(space, vids)
        return precision.decode(codes, scales)

    def stored(self, space: str, vids: np.ndarray) -> StoredRows:
        found = self._space(space)
        rows = self._sound(space, vids)
        codes, scales = self.rows.codes(found, rows["place"].to_numpy()), rows["scale"].to_numpy()
        torn = rows["crc"].to_numpy() != np.array(precision.checksums(codes, scales), dtype="int64")
        if torn.any():
            raise _damaged(rows["vid"].to_numpy()[torn][0], space)
        return StoredRows(codes, scales, rows["norm"].to_numpy())

    def norms(self, space: str, vids: np.ndarray) -> np.ndarray:
        self._space(space)
        return self._sound(space, vids)["norm"].to_numpy()

    def checksums(self, space: str, vids: np.ndarray) -> np.ndarray:
        self._space(space)
        return self._sound(space, vids)["crc"].to_numpy()

    def encode_checksums(self, space: str, vectors: np.ndarray) -> np.ndarray:
        found = self._space(space)
        codes, scales, _ = precision.encode(checked(vectors, found.dim), found.precision)
        return np.array(precision.checksums(codes, scales), dtype="int64")

    def _sound(self, space: str, vids: np.ndarray) -> pd.DataFrame:
        wanted = np.asarray(vids, dtype="int64")
        rows = self.rows.located(wanted)
        mine = np.isin(rows["place"].to_numpy() >> 32, list(self.rows.progress(space)[1]))
        rows = rows[mine].set_index("vid", drop=False).reindex(wanted)
        gone = wanted[rows["place"].isna().to_numpy()]
        if len(gone) and gone[0] in self.vids(space):
            raise _damaged(gone[0], space)
        if len(gone):
            raise NotFoundError(
                f"There is no vector {gone[0]}.",
                where=f"space {space}",
                next="Give row ids that the space holds.",
            )
        return rows.astype({"vid": "int64", "place": "int64", "crc": "int64", "scale": "float32"})

    def vids(self, space: str) -> np.ndarray:
        self._space(space)
        return np.sort(self.rows.catalogue(space, {})[1])

    def counts(self) -> dict[str, int]:
        return {name: self.rows.count(name) for name in self.spaces()}

    def verify(self) -> pd.DataFrame:
        found = [
            self.rows.damaged(space).assign(space=name) for name, space in self.spaces().items()
        ]
        rows = pd.concat(found, ignore_index=True) if found else pd.DataFrame()
        columns = {"space": "str", "vid": "int64", "problem": "str"}
        return rows.reindex(columns=list(columns)).astype(columns)

    def findings(self) -> dict[str, list[str]]:
        return self.rows.findings()

    def mend_files(self) -> list[str]:
        self._indexes.clear()
        with self._database.transaction():
            self.rows.recount()
            done = self.rows.put_right(self.rows.files.folder.parent / "set-aside")
            for name, space in self.spaces().items():
                for no, rows in self.rows.progress(name)[1].items():
                    wrong = self.rows.files.wrong(space, no, rows) if rows else ""
                    done += [wrong] * bool(wrong)
                self.rows.mend(space)
        return done

    def mend(self) -> int:
        lost = self.rows.lost()
        if lost:
            self.rows.drop(lost)
        return len(lost)

    def compact(self) -> int:
        dropped = 0
        for name, space in self.spaces().items():
            dead = self.rows.dead(name)
            if dead:
                self.rows.compact(space)
                dropped += dead
        return dropped

    def collect(self) -> int:
        return self.rows.collect()

    # ------------------------------------------------------------------ the document's names
    def named_by(
        self,
        owners: Callable[[str, np.ndarray], pd.DataFrame],
        allocate: Callable[[int], int],
    ) -> None:
        """Let a graph store name the rows: ``GraphStore.owners`` and ``.allocate_vids``."""
        self._owners, self._allocate = owners, allocate
        # Beside a graph elsewhere the numbers of this catalogue's own are not used.
        self.rows.gives_vids = not self._own

    def add_face_embedding(self, embedding: np.ndarray, appearance_id: str) -> int:
        """Store a face of an appearance and return its row id, the ``face_embedding_idx``.

        Beside a graph store this does not name the row: only what
        ``store_appearance_with_embeddings`` or ``bench.appearances.add`` writes is found there.
        """
        return self._add_labelled("face", embedding, appearance_id)

    def add_reid_embedding(self, embedding: np.ndarray, appearance_id: str) -> int:
        """Store a body of an appearance and return its row id, the ``reid_embedding_idx``."""
        return self._add_labelled("reid", embedding, appearance_id)

    def search_faces(
        self, embedding: np.ndarray, k: int = 10, min_similarity: float | None = None
    ) -> list[tuple[str, float]]:
        """Return appearance ids and cosines of the nearest faces, nearest first, ties by id."""
        return self._search_labelled("face", embedding, k, min_similarity)

    def search_reid(
        self, embedding: np.ndarray, k: int = 10, min_similarity: float | None = None
    ) -> list[tuple[str, float]]:
        """Return appearance ids and cosines of the nearest bodies, nearest first, ties by id."""
        return self._search_labelled("reid", embedding, k, min_similarity)

    def _add_labelled(self, space: str, embedding: np.ndarray, appearance_id: str) -> int:
        column = schema.APPEARANCE.column("id")
        ids, reasons = schema.coerce_column(pd.Series([appearance_id], dtype=object), column)
        if ids.isna()[0]:
            raise InvalidInputError(
                f"{appearance_id!r} cannot be the id of an appearance.",
                where=reasons.fillna("missing")[0],
                next="Give the id of the appearance that the vector belongs to.",
            )
        known = self.spaces().get(space)
        dim = known.dim if known else _numbers(embedding)
        matrix = _single(embedding, dim)
        vid = self._allocate(1)
        with self._database.transaction():
            if known is None:
                self.create_space(VectorSpace(space, dim, DEFAULT_PRECISION[space]))
            self.put(space, np.array([vid]), matrix)
            self._database.execute("INSERT INTO label VALUES (?, ?)", (vid, ids[0]))
        return vid

    def _search_labelled(
        self, space: str, embedding: np.ndarray, k: int, min_similarity: float | None
    ) -> list[tuple[str, float]]:
        if space not in self.spaces():
            return []
        target = _single(embedding, self._space(space).dim)
        owners = self._owners or self._labels
        ask = k
        while True:
            hits = self.search(space, target, k=ask, min_similarity=min_similarity)
            owned = hits.merge(owners(space, hits["vid"].to_numpy()), on="vid")
            if len(owned) >= k or len(hits) < ask:
                break
            ask *= 4  # rows that nobody names took places of rows that count
        owned = owned.sort_values(["similarity", "appearance_id"], ascending=[False, True]).head(k)
        return list(zip(owned["appearance_id"], owned["similarity"], strict=True))

    def _labels(self, space: str, vids: np.ndarray) -> pd.DataFrame:
        marks = "[" + ",".join(map(str, np.asarray(vids).tolist())) + "]"
        rows = self._database.rows(
            "SELECT vid, appearance_id FROM label WHERE vid IN (SELECT value FROM json_each(?))",
            (marks,),
        )
        vid, name = zip(*rows, strict=True) if rows else ((), ())
        return pd.DataFrame(
            {"vid": np.array(vid, dtype="int64"), "appearance_id": pd.Series(name, dtype="str")}
        )

    # ------------------------------------------------------------------ search
    def hits(
        self,
        space: str,
        queries: np.ndarray,
        *,
        k: int,
        min_similarity: float | None = None,
        within: np.ndarray | None = None,
    ) -> Hits:
        found = self._space(space)
        targets = checked(queries, found.dim, what="query")
        if not len(targets):
            return ranked([], [])
        with self._database.snapshot():
            index = self._fresh(found)
            if self._database.writing:  # what it saw may be rolled back: not to be kept
                del self._indexes[space]
            allowed = index.live
            if within is not None:
                allowed = allowed & np.isin(index.vid, np.asarray(within, dtype="int64"))
            count = int(np.count_nonzero(allowed))
            if k <= 0:
                hits = [(index.vid[:0], np.empty(0))] * len(targets)
            elif count <= _DIRECT or k >= count:
                hits = self._compared(found, index, targets, np.flatnonzero(allowed))
            else:
                hits = self._ranked(found, index, targets, allowed, k)
            kept = [_nearest(*hit, k, min_similarity) for hit in hits]
        return ranked([v for v, _ in kept], [s for _, s in kept])

    def _compared(
        self, space: VectorSpace, index: FlatIndex, targets: np.ndarray, positions: np.ndarray
    ) -> list[tuple[np.ndarray, np.ndarray]]:
        """Return vids and exact scores of all the positions, for each query."""
        vids, near = [index.vid[:0]], [np.empty((len(targets), 0))]
        for first in range(0, len(positions), _BLOCK):
            sound, codes = self._read(space, index, positions[first : first + _BLOCK])
            vids.append(index.vid[sound])
            near.append(np.stack([precision.similarities(codes, query) for query in targets]))
        return [(np.concatenate(vids), values) for values in np.concatenate(near, axis=1)]

    def _ranked(
        self, space: VectorSpace, index: FlatIndex, targets: np.ndarray, allowed: np.ndarray, k: int
    ) -> list[tuple[np.ndarray, np.ndarray]]:
        """Return a proven superset of the k nearest for each query, scored exactly."""
        lengths = np.linalg.norm(targets.astype("float64"), axis=1)
        unit = (targets / lengths[:, None]).astype("float32")
        found = [(index.vid[:0], np.empty(0))] * len(unit)
        everything = bool(allowed.all())
        for part in index.parts.values():
            chosen = None if everything else allowed[part.position]
            found = self._ranked_part(space, index, part, targets, unit, chosen, found, k)
        return found

    def _ranked_part(
        self,
        space: VectorSpace,
        index: FlatIndex,
        part: Part,
        targets: np.ndarray,
        unit: np.ndarray,
        chosen: np.ndarray | None,
        before: list[tuple[np.ndarray, np.ndarray]],
        k: int,
    ) -> list[tuple[np.ndarray, np.ndarray]]:
        """Return what was found before, and what of this part may be among the k nearest."""
        count = len(part.position) if chosen is None else int(np.count_nonzero(chosen))
        if not count:
            return before
        if count == len(part.position):
            chosen = None
        # The looser the values bound the cosines, the more have to be fetched to be sure.
        fetch = min(count, k + (16 if len(index.parts) == 1 else 64))
        values, rows = part.best(unit, fetch, chosen)
        out = []
        for query, (value, row) in enumerate(zip(values, rows, strict=True)):
            vids, near = before[query]
            # Rows that were not fetched are no nearer than this.
            reach = part.ceiling(float(value[-1])) if fetch < count else -math.inf
            value, row = value[row >= 0], row[row >= 0]
            torn = np.empty(0, dtype="int64")
            while True:
                rough = part.cosine(value.astype("float64"), part.length[row])
                good = ~np.isin(row, torn) if len(torn) else np.ones(len(row), dtype=bool)
                # The k-th nearest is at least as near as this; what may be nearer is read.
                floor = max(_last(near, k), _last(rough[good], k) - ROUNDING)
                if reach > -math.inf and reach >= floor:
                    value, row = part.down_to(unit[query], floor, chosen)
                    reach = math.nextafter(floor, -math.inf)
                    continue
                asked = row[good & (rough + ROUNDING >= floor)]
                sound, codes = self._read(space, index, part.position[asked])
                if len(sound) == len(asked):
                    break
                torn = np.union1d(torn, asked[~np.isin(part.position[asked], sound)])
            scores = precision.similarities(codes, targets[query])
            out.append((np.concatenate([vids, index.vid[sound]]), np.concatenate([near, scores])))
        return out

    def _read(
        self, space: VectorSpace, index: FlatIndex, positions: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return the positions whose bytes are what was written, and their codes."""
        codes = self.rows.codes(space, index.place[positions])
        stored = precision.checksums(codes, index.scale[positions])
        good = index.crc[positions] == np.array(stored, dtype="int64")
        return (positions, codes) if good.all() else (positions[good], codes[good])

    def _fresh(self, space: VectorSpace) -> FlatIndex:
        """Return the index with every committed row in it."""
        removals, rows = self.rows.progress(space.name)
        # Taken out until it is whole again: an error on the way must not leave half of it.
        index = self._indexes.pop(space.name, None)
        grown = index is not None and all(rows.get(no, -1) >= n for no, n in index.rows.items())
        if index is not None and not grown:  # compacted or made anew meanwhile
            index = None
            self.rows.files.forget()
        if index is None:
            index = FlatIndex(partial(INDEX_KINDS[space.index_type], space))
        if index.rows != rows:
            # Checked here once, so that a search has to check but the bytes of what it found.
            place, vid, scale, crc = self.rows.catalogue(space.name, index.rows, sound=True)
            kept = np.ones(len(place), dtype=bool)
            count = len(index.place)
            for first in range(0, len(place), _BLOCK):
                codes = self.rows.codes(space, place[first : first + _BLOCK])
                lengths = precision.lengths(codes)
                # Zeros, infinity, NaN were never written: these rows are lost, and would spoil
                # the ranking of the others.
                fit = np.isfinite(lengths) & (lengths > 0)
                if not fit.all():
                    kept[first : first + _BLOCK] = fit
                    codes, lengths = codes[fit], lengths[fit]
                index.add(count, codes, lengths)
                count += len(codes)
            index.place = np.concatenate([index.place, place[kept]])
            index.vid = np.concatenate([index.vid, vid[kept]])
            index.scale = np.concatenate([index.scale, scale[kept]])
            index.crc = np.concatenate([index.crc, crc[kept]])
            index.live = np.concatenate([index.live, kept[kept]])
            index.rows = rows
        if index.removals != removals:
            index.live = np.isin(index.place, self.rows.catalogue(space.name, {})[0])
            index.removals = removals
        self._indexes[space.name] = index
        return index


def _single(embedding: np.ndarray, dim: int) -> np.ndarray:
    matrix = checked(embedding, dim, what="embedding")
    if len(matrix) != 1:
        raise InvalidInputError(
            f"{len(matrix)} embeddings were given; one is needed.",
            where="embedding",
            next="Give one; batches are for bench.appearances.add and bench.similarity.like.",
        )
    return matrix


def _numbers(embedding: np.ndarray) -> int:
    try:
        return int(np.size(embedding))
    except ValueError:  # ragged: refused with a reason when it is checked
        return 1


def _damaged(vid: int, space: str) -> StoreDamagedError:
    return StoreDamagedError(
        f"The bytes of vector {vid} are not what was written.",
        where=f"space {space}",
        next="See what is affected with: workbench verify --store DIR",
    )


def _last(near: np.ndarray, k: int) -> float:
    """Return the k-th largest, minus infinity where there are fewer."""
    return float(np.partition(near, -k)[-k]) if len(near) >= k else -math.inf


def _nearest(
    vids: np.ndarray, near: np.ndarray, k: int, min_similarity: float | None
) -> tuple[np.ndarray, np.ndarray]:
    wanted = np.ones(len(near), dtype=bool)
    if min_similarity is not None:
        wanted = near >= min_similarity
    vids, near = vids[wanted], near[wanted]
    if k <= 0 or not len(near):
        return vids[:0], near[:0]
    last = np.partition(near, -k)[-k] if len(near) > k else near.min()
    return vids[near >= last], near[near >= last]
