"""What a graph store can do: a few primitives, and the questions derived from them.

A backend supplies the primitives, set-based and idempotent: writing a row again overwrites it,
deleting the unknown deletes nothing and says so, an empty answer is an empty table with the right
columns. The questions are derived here once in pandas; a backend overrides one to be faster and
is tested against the derived form.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from bisect import bisect_left
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pandas as pd

from workbench import schema, times
from workbench.errors import CapabilityError


@dataclass(frozen=True, slots=True)
class Selection:
    """Which appearances are meant; what is None does not restrict.

    Parameters
    ----------
    ids, identities, cameras, loads : sequence of str, optional
        Any of these; ``cameras`` means cameras and places alike.
    start_us, end_us : int, optional
        Half-open range of corrected time, microseconds since the epoch.
    unidentified : bool, optional
        True: only those without an identity; False: only those with one.
    after : tuple of (int, str), optional
        Only what comes after this corrected time and id, in the order of the answer.
    limit : int, optional
        At most so many.
    """

    ids: Sequence[str] | None = None
    identities: Sequence[str] | None = None
    cameras: Sequence[str] | None = None
    loads: Sequence[str] | None = None
    start_us: int | None = None
    end_us: int | None = None
    unidentified: bool | None = None
    after: tuple[int, str] | None = None
    limit: int | None = None

    @property
    def everything(self) -> bool:
        """Whether nothing restricts it."""
        return self == Selection()


@dataclass(frozen=True, slots=True)
class Observations:
    """Who was where and when, as numbers: the input of everything that counts.

    Parameters
    ----------
    identity : int64 array
        Position in `identities`, -1 while unidentified.
    place : int64 array
        Position in `places`.
    time_us : int64 array
        Corrected time, microseconds since the epoch.
    identities, places : list of str
        Ids; a place is a camera or a place of its own.
    """

    identity: np.ndarray
    place: np.ndarray
    time_us: np.ndarray
    identities: list[str]
    places: list[str]


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is not as it was written.

    Parameters
    ----------
    kind : {'database', 'index', 'row', 'dangling', 'counter'}
        Pages that cannot be read; an index beside its table; a row beside its checksum; a row
        that refers to nothing; a number that the store counts with.
    text : str
        What, in words.
    table, no : str and int, optional
        Which row.
    removable : bool
        Whether the row can be taken out: nothing that stays would refer to it.
    """

    kind: str
    text: str
    table: str = ""
    no: int = 0
    removable: bool = False


@dataclass(frozen=True, slots=True)
class Removal:
    """A row that mending takes out: its table, its key, its cells as they are."""

    table: str
    key: str
    cells: dict[str, Any]


class GraphStore(ABC):
    """Identities, appearances, cameras and how they are related.

    ``supports`` declares capabilities: ``transactions`` (a rolled-back unit of work leaves
    nothing), ``durable`` (a committed one survives the process).
    """

    supports: frozenset[str] = frozenset()
    unit_rows = 1_000_000  # appearances that a load gives to one unit of work, at most
    store_id: str

    # ------------------------------------------------------------------ primitives
    @abstractmethod
    def close(self) -> None:
        """Release what the store holds; closing twice is fine."""

    @abstractmethod
    def transaction(self, op_id: str | None = None) -> AbstractContextManager[None]:
        """Open a unit of work: all of what is written inside becomes visible, or nothing."""

    @contextmanager
    def snapshot(self) -> Iterator[None]:
        """Hold one state of the store for the questions inside, where the backend can."""
        yield

    @contextmanager
    def cut(self) -> Iterator[None]:
        """Hold one state of the whole store for the questions inside: what is compared or copied.

        Where :meth:`snapshot` is not one state of everything, writers wait meanwhile.
        """
        with self.snapshot():
            yield

    @abstractmethod
    def sequence(self) -> int:
        """Return the number of committed units of work."""

    def count_from(self, sequence: int) -> None:
        """Let the store have had so many commits, as the one that it is a copy of."""
        raise CapabilityError(
            "This graph store cannot be a copy of another one.", where="this store"
        )

    @abstractmethod
    def settled(self, op_id: str) -> int | None:
        """Return the sequence at which that operation was committed, None if it was not."""

    @abstractmethod
    def allocate_vids(self, n: int) -> int:
        """Return the first of `n` consecutive vector row ids, never given out again."""

    @abstractmethod
    def upsert_nodes(self, label: str, frame: pd.DataFrame) -> int:
        """Write checked rows of ``schema.NODES[label]``; return how many."""

    @abstractmethod
    def upsert_edges(self, kind: str, frame: pd.DataFrame) -> int:
        """Write checked rows of ``schema.EDGES[kind]``; both ends exist. Return how many."""

    def upsert_appearances(self, nodes: pd.DataFrame, links: pd.DataFrame) -> None:
        """Write appearances and the links of some of them, as the two primitives would."""
        self.upsert_nodes("Appearance", nodes)
        self.upsert_edges("HAS_APPEARANCE", links)

    def add_appearance(
        self, cells: Mapping[str, Any], identity_id: str | None, vids: Mapping[str, int]
    ) -> bool:
        """Write one new appearance, its link and the names of its vectors, as the primitives would.

        Parameters
        ----------
        cells : mapping
            A checked value, or None, for each column of ``schema.APPEARANCE``; aware datetimes.
        identity_id : str, optional
            Whose it is.
        vids : mapping of str to int
            Its vectors by space.

        Returns
        -------
        bool
            False, with nothing written, when it is there already or names what is not there.
        """
        nodes = schema.APPEARANCE.check(pd.DataFrame([cells], dtype=object))
        wanted = [(c.references, cells[c.name]) for c in schema.APPEARANCE.columns if c.references]
        for name, key in [*wanted, ("identity", identity_id)]:
            label = next(t.label for t in schema.NODES.values() if t.name == name)
            if name and key is not None and self.nodes(label, ids=[key]).empty:
                return False
        if len(self.nodes("Appearance", ids=[cells["id"]])):
            return False
        link = pd.DataFrame(
            {
                "identity_id": [identity_id],
                "appearance_id": [cells["id"]],
                "confidence": [cells["match_confidence"]],
                "method": ["deterministic"],
                "created_at": [datetime.now(UTC)],
            }
        )
        links = schema.HAS_APPEARANCE.coerce(link.head(0 if identity_id is None else 1))[0]
        self.upsert_appearances(nodes, links)
        for space, vid in vids.items():
            names = {"appearance_id": pd.Series([cells["id"]], dtype="str"), "vid": [vid]}
            self.name_vectors(space, pd.DataFrame(names))
        return True

    @abstractmethod
    def delete_nodes(self, label: str, keys: pd.DataFrame) -> int:
        """Delete by key columns, with every edge and vector name; return how many there were."""

    @abstractmethod
    def delete_edges(self, kind: str, keys: pd.DataFrame) -> int:
        """Delete by key columns; return how many there were."""

    @abstractmethod
    def nodes(self, label: str, *, ids: Sequence[str] | None = None) -> pd.DataFrame:
        """Return rows of ``schema.NODES[label]`` in order of key; `ids` selects by first key."""

    def node(self, label: str, key: str) -> dict[str, Any] | None:
        """Return the cells of the row of that (first) key, None where there is none."""
        rows = self.nodes(label, ids=[key]).head(1).to_dict("records")
        return {str(name): cell for name, cell in rows[0].items()} if rows else None

    def known(self, label: str, ids: Sequence[str]) -> list[str]:
        """Return those of the ids that are there, in any order."""
        return self.nodes(label, ids=ids)["id"].tolist()

    def called(self, label: str, ids: Sequence[str] | None = None) -> dict[str, str]:
        """Return the names of those of a label that have one, by id; `ids` selects."""
        named = self.nodes(label, ids=ids).set_index("id")["name"].dropna()
        return {str(key): str(name) for key, name in named.items()}

    def ids_around(self, label: str, key: str, n: int) -> list[str]:
        """Return up to `n` ids before the place of `key` in order of id, and `n` from there on."""
        ids = self.nodes(label)["id"].astype("str").tolist()
        at = bisect_left(ids, key)
        return ids[max(at - n, 0) : at + n]

    @abstractmethod
    def edges(
        self, kind: str, *, src: Sequence[str] | None = None, dst: Sequence[str] | None = None
    ) -> pd.DataFrame:
        """Return rows of ``schema.EDGES[kind]`` in order of both ends."""

    @abstractmethod
    def counts(self) -> dict[str, int]:
        """Return the number of rows of every written label and kind."""

    @abstractmethod
    def name_vectors(self, space: str, frame: pd.DataFrame) -> None:
        """Name rows of a vector space: columns ``appearance_id``, ``vid``.

        A vector named before for the same appearance is un-named and left to be swept.
        """

    @abstractmethod
    def unname_vectors(self, space: str, appearance_ids: Sequence[str]) -> int:
        """Un-name the vectors of appearances, leave them to be swept; return how many."""

    @abstractmethod
    def vectors_of(self, space: str, ids: Sequence[str] | None = None) -> pd.DataFrame:
        """Return ``appearance_id``, ``vid`` of the named vectors, in order of vid."""

    def spaces_named(self, spaces: Sequence[str]) -> list[str]:
        """Return those of the spaces that count: where vectors were named, or were to be.

        All of them where both stores share their commits; else what a write that failed left in
        the vector store is not one.
        """
        return list(spaces)

    def count_vectors(self, space: str) -> int:
        """Return how many vectors of a space are named: the ones that count."""
        return len(self.vectors_of(space))

    @abstractmethod
    def owners(self, space: str, vids: np.ndarray) -> pd.DataFrame:
        """Return ``vid``, ``appearance_id`` of those vids that a committed row names."""

    def names_of(self, space: str, vids: np.ndarray) -> dict[int, str]:
        """Return the appearance that a committed row names for each vid that has one."""
        rows = self.owners(space, vids)
        return dict(zip(rows["vid"].tolist(), rows["appearance_id"].tolist(), strict=True))

    @abstractmethod
    def to_sweep(self) -> pd.DataFrame:
        """Return ``space``, ``vid`` of vectors that are un-named and not swept yet."""

    @abstractmethod
    def swept(self, vids: np.ndarray) -> None:
        """Forget the sweep records of these vids."""

    def checkpoint(self) -> None:  # noqa: B027 - only a backend with a log has something to do
        """Fold a log into its database, where the backend has one and nobody is reading it."""

    def compact(self) -> None:  # noqa: B027 - only a backend that owns its files has something to do
        """Give the room of deleted rows back to the disk, outside any unit of work."""

    def findings(self) -> list[Finding]:
        """Return what is not as it was written."""
        return []

    @contextmanager
    def unchecked(self) -> Iterator[None]:
        """Answer the questions inside from rows as they are, damaged or not: to look for damage."""
        yield

    def removals(self, findings: Sequence[Finding]) -> list[Removal]:
        """Return the rows that :meth:`mend` would take out for these, as they are."""
        return []

    def mend(self, findings: Sequence[Finding]) -> None:  # noqa: B027 - as findings
        """Take out rows that are lost, inside a unit of work; nothing that others need to be.

        A vector that such a row named is left to be swept. Statistics are left to
        :meth:`refresh_statistics`.
        """

    def mend_indexes(self) -> None:  # noqa: B027 - as findings
        """Make indexes anew from their tables, inside a unit of work."""

    # ------------------------------------------------------------------ derived questions
    def sightings(self, selection: Selection | None = None) -> pd.DataFrame:
        """Return appearances with identity and corrected time (columns of ``schema.SIGHTING``).

        In order of corrected time, ties by id.
        """
        chosen = selection or Selection()
        rows = self.nodes("Appearance", ids=chosen.ids)
        links = self.edges("HAS_APPEARANCE").rename(columns={"appearance_id": "id"})
        rows = rows.merge(links.drop(columns="created_at"), on="id", how="left")
        offsets = self.nodes("Camera").set_index("id")["clock_offset_s"]
        shift = _whole(rows["camera_id"].map(offsets).fillna(0.0).astype("float64") * 1e6)
        rows["timestamp_recorded"] = rows["timestamp"]
        rows["timestamp"] = rows["timestamp"] + pd.to_timedelta(shift, unit="us")
        rows["timestamp"] = rows["timestamp"].dt.as_unit("us")
        rows = rows[self._wanted(rows, chosen)]
        rows = rows.sort_values(["timestamp", "id"], ignore_index=True)
        rows = rows if chosen.limit is None else rows.head(chosen.limit)
        return shaped(rows, schema.SIGHTING)

    @staticmethod
    def _wanted(rows: pd.DataFrame, chosen: Selection) -> pd.Series:
        time_us = times.to_us(rows["timestamp"]).astype("int64")
        wanted = pd.Series(True, index=rows.index)
        if chosen.identities is not None:
            wanted &= among(rows["identity_id"], chosen.identities)
        if chosen.cameras is not None:
            places = rows["camera_id"].fillna(rows["place_id"])
            wanted &= among(places, chosen.cameras)
        if chosen.loads is not None:
            wanted &= among(rows["load_id"], chosen.loads)
        if chosen.start_us is not None:
            wanted &= time_us >= chosen.start_us
        if chosen.end_us is not None:
            wanted &= time_us < chosen.end_us
        if chosen.unidentified is not None:
            wanted &= rows["identity_id"].isna() == chosen.unidentified
        if chosen.after is not None:
            since, last = chosen.after
            wanted &= (time_us > since) | ((time_us == since) & (rows["id"] > last))
        return wanted

    def identities_of(self, appearance_ids: Sequence[str]) -> pd.DataFrame:
        """Return the link of each appearance that has one (columns of HAS_APPEARANCE)."""
        return self.edges("HAS_APPEARANCE", dst=appearance_ids)

    def observations(self) -> Observations:
        """Return who was where and when, for every appearance, in any order.

        A camera and a place of one id count as one place; -1 where there is neither.
        """
        rows = self.sightings()
        places = rows["camera_id"].fillna(rows["place_id"])
        who, identities = pd.factorize(rows["identity_id"], sort=True)
        where, names = pd.factorize(places, sort=True)
        time_us = times.to_us(rows["timestamp"]).to_numpy(dtype="int64")
        return Observations(who, where, time_us, list(identities), list(names))

    def observations_around(self, identity_id: str, margin_us: int) -> Observations:
        """Return who may have met one identity: observations of her and of others, in any order.

        Of each identity all observations at every place where one of them is at most `margin_us`
        from one of hers: whole visits, if the margin is longer than the gaps in a visit. Nobody
        else is named.
        """
        seen = self.observations()
        if identity_id not in seen.identities:
            return picked(seen, np.zeros(len(seen.time_us), dtype=bool))
        hers = (seen.identity == seen.identities.index(identity_id)) & (seen.place >= 0)
        near = np.zeros(len(seen.time_us), dtype=bool)
        for place in np.unique(seen.place[hers]):
            here = ((seen.place == place) & (seen.identity >= 0)).nonzero()[0]
            moments = np.sort(seen.time_us[hers & (seen.place == place)])
            least, most = seen.time_us[here] - margin_us, seen.time_us[here] + margin_us
            met = np.searchsorted(moments, least) < np.searchsorted(moments, most, side="right")
            near[here] = np.isin(seen.identity[here], seen.identity[here[met]])
        return picked(seen, near)

    def vids_within(self, space: str, selection: Selection) -> np.ndarray:
        """Return the vids of a space whose appearances are selected, ascending."""
        ids = self.sightings(selection)["id"].tolist()
        return np.sort(self.vectors_of(space, ids)["vid"].to_numpy(dtype="int64"))

    def refresh_statistics(self, identity_ids: Sequence[str]) -> None:
        """Recompute the statistics of these identities from their appearances."""
        people = self.nodes("Identity", ids=identity_ids)
        if people.empty:
            return
        seen = self.sightings(Selection(identities=list(identity_ids)))
        faces = set(self.vectors_of("face", seen["id"].tolist())["appearance_id"])
        seen["face"] = seen["id"].isin(faces)
        by = seen.groupby("identity_id")
        facts = pd.DataFrame(
            {
                "first_seen": by["timestamp"].min(),
                "last_seen": by["timestamp"].max(),
                "num_appearances": by["id"].count(),
                "num_cameras": by["camera_id"].nunique(),
                "confidence_score": by["confidence"].mean().round(12),
                "has_face": by["face"].any(),
            }
        ).reindex(people["id"])
        for name in facts:
            people[name] = facts[name].to_numpy()
        people["num_appearances"] = people["num_appearances"].fillna(0)
        people["num_cameras"] = people["num_cameras"].fillna(0)
        people["has_face"] = people["has_face"].astype("boolean").fillna(False)
        stated = people["stated_confidence"]
        people["confidence_score"] = people["confidence_score"].astype("float64").fillna(stated)
        self.upsert_nodes("Identity", schema.IDENTITY.coerce(people)[0])


def picked(seen: Observations, wanted: np.ndarray) -> Observations:
    """Return those of the observations, and the names of no others."""
    who, identity = np.unique(seen.identity[wanted], return_inverse=True)
    where, place = np.unique(seen.place[wanted], return_inverse=True)
    return Observations(
        identity,
        place,
        seen.time_us[wanted],
        [seen.identities[n] for n in who.tolist()],
        [seen.places[n] for n in where.tolist()],
    )


def shaped(rows: pd.DataFrame, table: schema.Table) -> pd.DataFrame:
    """Return the table's columns of sound rows, in its order and dtypes, index 0 to n - 1."""
    dtypes = {column.name: column.dtype for column in table.columns}
    return rows[table.names].astype(dtypes).reset_index(drop=True)


def among(values: pd.Series, ids: Sequence[str]) -> pd.Series:
    """Return where a value is one of the ids, whatever text an id is (also no valid Unicode)."""
    return values.astype(object).isin(list(ids))


def _whole(values: pd.Series) -> pd.Series:
    # Halves away from zero, as SQL rounds: both forms of a question agree to the microsecond.
    return (np.sign(values) * np.floor(values.abs() + 0.5)).astype("int64")
