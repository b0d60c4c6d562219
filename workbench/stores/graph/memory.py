"""The oracle: a graph store in tables of pandas, as plain as possible.

It answers every question by the derived form of :class:`GraphStore` and is what the other stores
are compared with. Nothing outlives the process.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import numpy as np
import pandas as pd

from workbench import schema, times
from workbench.errors import InvalidInputError, NotFoundError
from workbench.schema import Table
from workbench.stores.graph.base import GraphStore, among, shaped

_NAMED = {"space": "str", "appearance_id": "str", "vid": "int64"}
_CHAIN = ["from_appearance", "to_appearance"]


class MemoryGraphStore(GraphStore):
    """Tables in memory; a unit of work that fails puts the old tables back."""

    supports = frozenset({"transactions"})

    def __init__(self) -> None:
        written = [t for t in (*schema.NODES.values(), *schema.EDGES.values()) if not t.derived]
        self._tables: dict[str, pd.DataFrame] = {t.label: t.empty() for t in written}
        self._named = _empty(_NAMED)
        self._sweep = _empty({"space": "str", "vid": "int64"})
        self._operations: dict[str, int] = {}
        self._next_vid = 1
        self._open = False
        self.store_id = uuid.uuid4().hex

    def close(self) -> None:
        pass

    @contextmanager
    def transaction(self, op_id: str | None = None) -> Iterator[None]:
        if self._open:
            yield
            return
        if op_id in self._operations:
            raise _refused(f"the operation {op_id!r} was committed before")
        # Tables are replaced, never changed in place: keeping the old ones is the way back.
        before = (dict(self._tables), self._named, self._sweep)
        self._open = True
        try:
            yield
            self._operations[op_id or uuid.uuid4().hex] = len(self._operations) + 1
        except BaseException:
            self._tables, self._named, self._sweep = before
            raise
        finally:
            self._open = False

    def sequence(self) -> int:
        return len(self._operations)

    def settled(self, op_id: str) -> int | None:
        return self._operations.get(op_id)

    def allocate_vids(self, n: int) -> int:
        first = self._next_vid
        self._next_vid += n
        return first

    # ------------------------------------------------------------------ writing
    def upsert_nodes(self, label: str, frame: pd.DataFrame) -> int:
        return self._upsert(schema.NODES[label], frame)

    def upsert_edges(self, kind: str, frame: pd.DataFrame) -> int:
        return self._upsert(schema.EDGES[kind], frame)

    def _upsert(self, table: Table, frame: pd.DataFrame) -> int:
        self._require_unit()
        for column in table.columns:
            if column.references:
                self._require(column.references, frame[column.name])
        key = list(table.key)
        joint = pd.concat([self._tables[table.label], frame[table.names]], ignore_index=True)
        joint = joint.drop_duplicates(key, keep="last").sort_values(key, ignore_index=True)
        self._tables[table.label] = joint.astype({c.name: c.dtype for c in table.columns})
        return len(frame)

    def _require(self, name: str, ids: pd.Series) -> None:
        label = next(t.label for t in schema.NODES.values() if t.name == name)
        unknown = ids.dropna()[~ids.dropna().isin(self._tables[label]["id"])]
        if len(unknown):
            raise NotFoundError(
                f"There is no {name} {unknown.iloc[0]!r}.",
                where=name,
                next=f"Create the {name} first.",
            )

    def _require_unit(self) -> None:
        if not self._open:
            raise RuntimeError("writing needs a unit of work: with store.transaction()")

    def delete_nodes(self, label: str, keys: pd.DataFrame) -> int:
        table = schema.NODES[label]
        self._refuse_referenced(table, keys)
        if label == "Appearance":
            self._unname(self._named["appearance_id"].isin(keys["id"]))
        if "id" in table.key:
            for edge in schema.EDGES.values():
                for column in edge.columns:
                    if not edge.derived and column.references == table.name:
                        rows = self._tables[edge.label]
                        kept = ~rows[column.name].isin(keys["id"])
                        self._tables[edge.label] = rows[kept].reset_index(drop=True)
        return self._delete(table, keys)

    def _refuse_referenced(self, table: Table, keys: pd.DataFrame) -> None:
        """Refuse to delete what other rows still refer to; edges go with their ends."""
        for other in (*schema.NODES.values(), *schema.EDGES.values()):
            for column in other.columns:
                if other.derived or column.references != table.name:
                    continue
                part_of_edge = other.edge and column.name in (*other.key, "identity_id")
                if (
                    not part_of_edge
                    and self._tables[other.label][column.name].isin(keys["id"]).any()
                ):
                    raise _refused(f"a {other.name} refers to this {table.name}")

    def delete_edges(self, kind: str, keys: pd.DataFrame) -> int:
        return self._delete(schema.EDGES[kind], keys)

    def _delete(self, table: Table, keys: pd.DataFrame) -> int:
        self._require_unit()
        key = list(table.key)
        rows = self._tables[table.label]
        gone = pd.MultiIndex.from_frame(rows[key]).isin(pd.MultiIndex.from_frame(keys[key]))
        self._tables[table.label] = rows[~gone].reset_index(drop=True)
        return int(gone.sum())

    # ------------------------------------------------------------------ reading
    def nodes(self, label: str, *, ids: Sequence[str] | None = None) -> pd.DataFrame:
        table = schema.NODES[label]
        rows = self._tables[label]
        if ids is not None:
            rows = rows[among(rows[table.key[0]], ids)]
        return rows.sort_values(list(table.key), ignore_index=True)

    def edges(
        self, kind: str, *, src: Sequence[str] | None = None, dst: Sequence[str] | None = None
    ) -> pd.DataFrame:
        table = schema.EDGES[kind]
        rows = self._derived(kind) if table.derived else self._tables[kind]
        ends = table.names[:2]
        for name, ids in zip(ends, (src, dst), strict=True):
            if ids is not None:
                rows = rows[among(rows[name], ids)]
        return rows.sort_values(ends, ignore_index=True)

    def _derived(self, kind: str) -> pd.DataFrame:
        table = schema.EDGES[kind]
        seen = self.sightings()
        if kind == "CAPTURED_BY":
            seen = seen[seen["camera_id"].notna()].rename(columns={"id": "appearance_id"})
            rows = seen.assign(timestamp=seen["timestamp_recorded"])
            return shaped(rows, table)
        keys = ["identity_id"] if kind == "NEXT" else ["camera_id", "tracking_id"]
        seen = seen.dropna(subset=keys).sort_values([*keys, "timestamp", "id"], ignore_index=True)
        later = seen.groupby(keys)[["id", "timestamp", "camera_id"]].shift(-1)
        rows = pd.DataFrame({"from_appearance": seen["id"], "to_appearance": later["id"]})
        if kind == "NEXT":
            gap = times.to_us(later["timestamp"]) - times.to_us(seen["timestamp"])
            rows["time_delta"] = gap // 1000
            rows["same_camera"] = (later["camera_id"] == seen["camera_id"]).astype("boolean")
        else:
            rows["method"], rows["tracking_id"] = "deterministic", seen["tracking_id"]
        return shaped(rows.dropna(subset=_CHAIN), table)

    def counts(self) -> dict[str, int]:
        return {label: len(rows) for label, rows in self._tables.items()}

    # ------------------------------------------------------------------ vectors by name
    def name_vectors(self, space: str, frame: pd.DataFrame) -> None:
        self._require_unit()
        if frame.empty:
            return
        self._require("appearance", frame["appearance_id"])
        self.unname_vectors(space, frame["appearance_id"].tolist())
        rows = frame[["appearance_id", "vid"]].assign(space=space)
        named = pd.concat([self._named, rows], ignore_index=True).astype(_NAMED)
        if named.duplicated("vid").any() or named.duplicated(["space", "appearance_id"]).any():
            raise _refused("a row id names one vector, and an appearance has one in a space")
        self._named = named
        self.swept(rows["vid"].to_numpy())

    def unname_vectors(self, space: str, appearance_ids: Sequence[str]) -> int:
        self._require_unit()
        mine = self._named["space"] == space
        return self._unname(mine & among(self._named["appearance_id"], appearance_ids))

    def _unname(self, gone: pd.Series) -> int:
        self._sweep = pd.concat(
            [self._sweep, self._named.loc[gone, ["space", "vid"]]], ignore_index=True
        )
        self._named = self._named[~gone].reset_index(drop=True)
        return int(gone.sum())

    def vectors_of(self, space: str, ids: Sequence[str] | None = None) -> pd.DataFrame:
        rows = self._named[self._named["space"] == space]
        if ids is not None:
            rows = rows[among(rows["appearance_id"], ids)]
        return rows[["appearance_id", "vid"]].sort_values("vid", ignore_index=True)

    def owners(self, space: str, vids: np.ndarray) -> pd.DataFrame:
        rows = self._named[(self._named["space"] == space) & self._named["vid"].isin(list(vids))]
        return rows[["vid", "appearance_id"]].sort_values("vid", ignore_index=True)

    def to_sweep(self) -> pd.DataFrame:
        return self._sweep.sort_values(["space", "vid"], ignore_index=True)

    def swept(self, vids: np.ndarray) -> None:
        self._require_unit()
        self._sweep = self._sweep[~self._sweep["vid"].isin(list(vids))].reset_index(drop=True)


def _refused(reason: str) -> InvalidInputError:
    return InvalidInputError(f"The store refused the rows ({reason}); nothing was written.")


def _empty(dtypes: dict[str, str]) -> pd.DataFrame:
    return pd.DataFrame({name: pd.Series([], dtype=dtype) for name, dtype in dtypes.items()})
