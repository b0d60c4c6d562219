"""``bench.demo``: what was planted in the demo store, and how to plant more of it."""

from __future__ import annotations

import base64
import json
import textwrap
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from tqdm import tqdm

from workbench.demo import mistakes
from workbench.demo.answers import mistake
from workbench.demo.building import EYES
from workbench.demo.days import MONDAY
from workbench.demo.site import BODY_MODEL, FACE_MODEL, VERSION, Site, simulate
from workbench.errors import InvalidInputError, NotFoundError
from workbench.model import Identity
from workbench.storage.folder import create_store, open_store
from workbench.storage.manager import HybridStorageManager
from workbench.stores.graph.base import Selection

MARK = "demo.json"
_ANSWERS = "demo.answers"  # packed: nobody reads it by accident
_COLUMNS = ["story", "what", "identities", "cameras", "start", "end"]
_MODELS = {"face": {"model_id": FACE_MODEL}, "reid": {"model_id": BODY_MODEL}}

Answer = dict[str, Any]


# ------------------------------------------------------------------ making the store
def make(folder: Path, *, small: bool, seed: int) -> None:
    """Make the demo store in a folder that is not there yet."""
    site = simulate(small=small, seed=seed)
    create_store(folder)
    manager = open_store(folder, space_settings=_MODELS)
    try:
        _write(manager, site)
    finally:
        manager.close()
    _keep(folder, site.answers)
    (folder / MARK).write_text(json.dumps(mark(small=small, seed=seed)) + "\n")


def mark(*, small: bool, seed: int) -> dict[str, Any]:
    """Return what the store of a demo says about itself."""
    return {"site": "demo", "small": small, "seed": seed, "version": VERSION}


def _write(manager: HybridStorageManager, site: Site) -> None:
    manager.add_cameras(site.cameras)
    manager.add_adjacency(site.adjacency)
    manager.add_outages(site.outages)
    manager.merge("FloorPlan", site.floor_plans)
    manager.create_identities(site.identities)
    with tqdm(total=len(site.appearances), desc="demo", unit=" rows", disable=None) as bar:
        for frame, faces, bodies in site.batches():
            manager.add_appearances(frame, vectors={"face": faces, "reid": bodies})
            bar.update(len(frame))


def _keep(folder: Path, answers: list[Answer]) -> None:
    packed = zlib.compress(json.dumps(answers, ensure_ascii=False).encode())
    fresh = folder / f"{_ANSWERS}.new"
    fresh.write_bytes(base64.b85encode(packed) + b"\n")
    fresh.replace(folder / _ANSWERS)


# ------------------------------------------------------------------ the room
@dataclass(frozen=True, slots=True)
class Answers:
    """What was planted: one answer a row.

    Parameters
    ----------
    frame : DataFrame
        ``story``, ``what`` (in words), ``identities`` and ``cameras`` (lists of ids), ``start``,
        ``end``.
    """

    frame: pd.DataFrame

    def __len__(self) -> int:
        return len(self.frame)

    def __repr__(self) -> str:
        parts = []
        for row in self.frame.to_dict("records"):
            when = f"{row['start']:%a %d %b %H:%M} - {row['end']:%a %d %b %H:%M}"
            what = textwrap.fill(row["what"], 92, initial_indent="  ", subsequent_indent="  ")
            parts.append(f"{row['story']} ({when})\n{what}")
        return "\n\n".join(parts)

    def to_frame(self) -> pd.DataFrame:
        """Return the answers as a table."""
        return self.frame.copy()

    def _repr_html_(self) -> str:
        from workbench.views.style import escape

        rows = "".join(
            f"<tr><td><b>{escape(row['story'])}</b></td>"
            f"<td style='text-align:left'>{escape(row['what'], longest=2000)}</td>"
            f"<td>{row['start']:%a %H:%M}&ndash;{row['end']:%a %H:%M}</td></tr>"
            for row in self.frame.to_dict("records")
        )
        return f"<table><tr><th>story</th><th>what</th><th>when (UTC)</th></tr>{rows}</table>"


class Demo:
    """The planted stories of the demo store: their answers, and more of them for a class."""

    def __init__(self, manager: HybridStorageManager) -> None:
        self._manager = manager

    @property
    def is_here(self) -> bool:
        """Return whether the store is the demo: nothing was planted in any other."""
        folder = self._manager.folder
        return folder is not None and (folder / _ANSWERS).is_file()

    def answers(self, story: str | None = None) -> Answers:
        """Return what was planted, in words, with the identities, cameras and times concerned.

        Parameters
        ----------
        story : str, optional
            Only this one, such as ``"hidden_pair"``.

        Raises
        ------
        NotFoundError
            When the store is not the demo.
        InvalidInputError
            When there is no such story.
        """
        found = self._answers()
        known = list(dict.fromkeys(one["story"] for one in found))
        if story is not None and story not in known:
            raise InvalidInputError(
                f"There is no story {story!r:.200}.",
                where="story",
                next=f"Stories here: {', '.join(known)}.",
            )
        frame = pd.DataFrame([one for one in found if story in (None, one["story"])])
        for name in ("start", "end"):
            frame[name] = pd.to_datetime(frame[name], utc=True, format="ISO8601").dt.as_unit("us")
        return Answers(frame[_COLUMNS].reset_index(drop=True))

    def inject(self, kind: str, *, seed: int = 0) -> None:
        """Plant one more mistake for a class to find; nothing is said about where.

        The same seed makes the same mistake in a store of the same content. Its answer is added
        to :meth:`answers`.

        Parameters
        ----------
        kind : str
            ``wrong_merge``: two identities become one. ``wrong_split``: one becomes two.
            ``impossible_trip``: a pass of one is linked to another who was far away just then.
        seed : int
            Which one of those that can be.

        Raises
        ------
        NotFoundError
            When the store is not the demo, or nothing in it fits.
        InvalidInputError
            When there is no such kind.
        """
        kinds: dict[str, Callable[[pd.DataFrame, np.random.Generator], Answer]] = {
            "wrong_merge": self._merge,
            "wrong_split": self._split,
            "impossible_trip": self._trip,
        }
        answers = self._answers()
        if kind not in kinds:
            raise InvalidInputError(
                f"There is no kind {kind!r:.200}.",
                where="kind",
                next=f"Kinds: {', '.join(kinds)}.",
            )
        seen = self._seen({who for one in answers for who in one["identities"]})
        rng = np.random.default_rng(_whole(seed))
        with self._manager.unit():
            answer = kinds[kind](seen, rng)
        _keep(self._folder(), [*answers, answer])

    # ------------------------------------------------------------------ what is there
    def _folder(self) -> Path:
        folder = self._manager.folder
        if folder is None or not self.is_here:
            raise NotFoundError(
                "This store is not the demo: nothing was planted in it.",
                where=str(folder),
                next="Open the demo with: workbench.open_demo()",
            )
        return folder

    def _answers(self) -> list[Answer]:
        packed = (self._folder() / _ANSWERS).read_bytes()
        found: list[Answer] = json.loads(zlib.decompress(base64.b85decode(packed.strip())))
        return found

    def _seen(self, taken: set[str]) -> pd.DataFrame:
        """Return the sightings of people who have no part in a story yet, as the demo makes them.

        Columns ``id, identity_id, person`` (number), ``day, t, camera`` (number), ``pass_, x, y``.
        """
        rows = self._manager.graph.sightings(Selection(unidentified=False))
        rows = rows[~rows["identity_id"].isin(taken) & rows["tracking_id"].notna()]
        rows = rows.reset_index(drop=True)
        since = rows["timestamp"] - MONDAY
        numbers = {eye.id: number for number, eye in enumerate(EYES)}
        return pd.DataFrame(
            {
                "id": rows["id"],
                "identity_id": rows["identity_id"],
                "person": pd.factorize(rows["identity_id"], sort=True)[0],
                "day": since.dt.days,
                "t": since.dt.total_seconds() - since.dt.days * 86_400,
                "camera": rows["camera_id"].map(numbers).fillna(-1).astype("int64"),
                "pass_": rows.groupby(["camera_id", "tracking_id"]).ngroup(),
                "x": rows["floor_x_m"],
                "y": rows["floor_y_m"],
            }
        )

    def _link(self, appearance_ids: pd.Series, identity_id: str) -> None:
        """Link appearances to somebody else, as sure as before."""
        ids = set(appearance_ids)
        links = self._manager.graph.identities_of(sorted(ids))
        self._manager.link(links.assign(identity_id=identity_id))

    # ------------------------------------------------------------------ the kinds
    def _merge(self, seen: pd.DataFrame, rng: np.random.Generator) -> Answer:
        pair = mistakes.two_at_once(seen, rng)
        one, other = (_named(seen, person) for person in pair)
        rows = seen[seen["identity_id"] == other]
        self._link(rows["id"], one)
        self._manager.delete_identities([other])
        return mistake("wrong_merge", [one], rows, rows["id"])

    def _split(self, seen: pd.DataFrame, rng: np.random.Generator) -> Answer:
        days = int(seen["day"].max()) + 1
        found = mistakes.wrong_split(seen, set(seen["person"]), days, rng)
        rows = seen[found.rows]
        who, second = str(rows["identity_id"].iloc[0]), self._new_id(rng)
        self._manager.create_identity(Identity(id=second, cluster_method="clustered"))
        self._link(rows["id"], second)
        return mistake("wrong_split", [who, second], rows, rows["id"])

    def _trip(self, seen: pd.DataFrame, rng: np.random.Generator) -> Answer:
        found = mistakes.impossible_trip(seen, [set(seen["person"])], rng)
        rows = seen[found.rows]
        whom = str(rows["identity_id"].iloc[0])
        who = _named(seen, found.who)
        self._link(rows["id"], who)
        return mistake("impossible_trip", [who, whom], rows, rows["id"])

    def _new_id(self, rng: np.random.Generator) -> str:
        """Return an id that looks like the others: one of the holes between them."""
        there = set(self._manager.graph.nodes("Identity")["id"])
        last = max(int(name.rpartition("_")[2]) for name in there if name.startswith("id_"))
        holes = [name for n in range(1, last) if (name := f"id_{n:04d}") not in there]
        return str(rng.choice(holes)) if holes else f"id_{last + 1:04d}"


def _named(seen: pd.DataFrame, person: int) -> str:
    return str(seen.loc[seen["person"] == person, "identity_id"].iloc[0])


def _whole(seed: object) -> int:
    if isinstance(seed, bool) or not isinstance(seed, int | np.integer) or seed < 0:
        raise InvalidInputError(
            f"seed is {seed!r:.200}.", where="seed", next="Give a whole number from 0 on."
        )
    return int(seed)
