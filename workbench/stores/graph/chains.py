"""The chains of appearances in Neo4j: NEXT of an identity, SAME_TRACK of a track.

What a unit of work changes is noted, and the chains are mended once, before it commits: around
the places that changed and nowhere else, many chains in one statement.
"""

from __future__ import annotations

import pandas as pd

from workbench.stores.graph import cypher
from workbench.stores.neo4j.database import Neo4jDatabase

_CHAINS = 2_000  # that are mended with one statement

_SPLICE = """
WITH k, a ORDER BY a.ts_us, a.id
WITH k, collect(a) AS xs
WITH xs, size([x IN xs WHERE x.ts_us < $least[k]]) AS low,
     size([x IN xs WHERE x.ts_us <= $most[k]]) AS high
WITH xs[CASE WHEN low = 0 THEN 0 ELSE low - 1 END .. high + 1] AS xs
UNWIND CASE WHEN size(xs) < 2 THEN [] ELSE range(0, size(xs) - 2) END AS j
WITH xs[j] AS x, xs[j + 1] AS y
OPTIONAL MATCH (x)-[old:{kind}]->(z)
WITH x, y, old, z WHERE old IS NULL OR z <> y
FOREACH (gone IN CASE WHEN old IS NULL THEN [] ELSE [old] END | DELETE gone)
CREATE (x)-[r:{kind} {{{said}}}]->(y)
RETURN count(r)
"""
_NEXT = (
    "UNWIND range(0, size($who) - 1) AS k "
    + cypher.by_id("i", "Identity", "$who[k]")
    + "MATCH (i)-[:HAS_APPEARANCE]->(a:Appearance) "
    + _SPLICE.format(
        kind="NEXT",
        said="time_delta: (y.ts_us - x.ts_us) / 1000, "
        "same_camera: coalesce(x.camera_id = y.camera_id, false)",
    )
)
_SAME_TRACK = (
    "UNWIND range(0, size($track) - 1) AS k "
    "MATCH (a:Appearance {camera_id: $camera[k], tracking_id: $track[k]}) "
    "USING INDEX SEEK a:Appearance(camera_id, tracking_id) "
    + _SPLICE.format(kind="SAME_TRACK", said="method: 'deterministic', tracking_id: x.tracking_id")
)
_FOUND = f"UNWIND $ids AS id {cypher.by_id('a', 'Appearance', 'id')}"
_CUT = f"{_FOUND}MATCH (a)-[r:NEXT|SAME_TRACK]-() DELETE r"
_CUT_NEXT = f"{_FOUND}MATCH (a)-[r:NEXT]-() DELETE r"


class Chains:
    """What has to be mended in the unit of work that is open."""

    def __init__(self, database: Neo4jDatabase) -> None:
        self._database = database
        self.forget()

    def forget(self) -> None:
        """Forget what was noted: a unit of work begins."""
        self._people: list[pd.DataFrame] = []
        self._tracks: list[pd.DataFrame] = []

    def cut(self, ids: list[str], *, tracks: bool) -> None:
        """Take appearances out of the chains they are in: of identities, or of both kinds."""
        if ids:
            self._database.execute(_CUT if tracks else _CUT_NEXT, ids=ids)

    def people(self, rows: pd.DataFrame) -> None:
        """Note ``identity_id, ts_us``: at this moment an appearance came, went or changed."""
        self._people.append(rows[["identity_id", "ts_us"]].dropna())

    def tracks(self, rows: pd.DataFrame) -> None:
        """Note ``camera_id, tracking_id, ts_us``, as :meth:`people`."""
        self._tracks.append(rows[["camera_id", "tracking_id", "ts_us"]].dropna())

    def mend(self) -> None:
        """Mend what was noted: many chains in one statement."""
        people, tracks = _spans(self._people), _spans(self._tracks)
        self.forget()
        for first in range(0, len(people), _CHAINS):
            part = people.iloc[first : first + _CHAINS]
            self._database.execute(_NEXT, who=part["identity_id"].tolist(), **_bounds(part))
        for first in range(0, len(tracks), _CHAINS):
            part = tracks.iloc[first : first + _CHAINS]
            camera, track = part["camera_id"].tolist(), part["tracking_id"].tolist()
            self._database.execute(_SAME_TRACK, camera=camera, track=track, **_bounds(part))


def _spans(noted: list[pd.DataFrame]) -> pd.DataFrame:
    """Return each chain once, with the first and the last moment at which it changed."""
    rows = pd.concat(noted, ignore_index=True) if noted else pd.DataFrame()
    if rows.empty:
        return rows
    keys = [name for name in rows.columns if name != "ts_us"]
    rows["ts_us"] = rows["ts_us"].astype("int64")
    return rows.groupby(keys, as_index=False)["ts_us"].agg(["min", "max"])


def _bounds(part: pd.DataFrame) -> dict[str, list[int]]:
    return {"least": part["min"].tolist(), "most": part["max"].tolist()}
