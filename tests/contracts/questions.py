"""What every graph store answers: sightings, chains, statistics."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from tests.contracts import rows as r
from tests.contracts.graph import named
from workbench import times
from workbench.stores.graph.base import GraphStore, Selection

DAY = "2026-03-01T"


def us(clock: str) -> int:
    return times.instant(f"{DAY}{clock}Z")


SELECTIONS = [
    (Selection(), "abcdef"),
    (Selection(ids=["f", "a", "none", "f"]), "af"),
    (Selection(ids=[]), ""),
    (Selection(identities=["bob"]), "df"),
    (Selection(identities=["ann", "bob", "eve", "none"]), "abcdf"),
    (Selection(identities=[]), ""),
    (Selection(cameras=["slow"]), "ac"),
    (Selection(cameras=["hall", "true"]), "def"),
    (Selection(cameras=["none", "\ud800"]), ""),
    (Selection(loads=["l1"]), "ab"),
    (Selection(loads=["l1", "l2", "none"]), "abcd"),
    (Selection(unidentified=True), "e"),
    (Selection(unidentified=False), "abcdf"),
    (Selection(start_us=us("10:00:02.5")), "abcdef"),
    (Selection(start_us=us("10:00:02.5") + 1), "cdef"),
    (Selection(end_us=us("10:00:02.5")), ""),
    (Selection(end_us=us("10:00:02.5") + 1), "ab"),
    (Selection(start_us=us("10:00:04.5"), end_us=us("10:00:05")), "c"),
    (Selection(start_us=us("10:00:05"), end_us=us("10:00:10")), "de"),
    (Selection(start_us=us("10:00:10"), end_us=us("10:00:05")), ""),
    (Selection(start_us=us("10:00:05"), end_us=us("10:00:05")), ""),
    (Selection(after=(us("10:00:02.5"), "a")), "bcdef"),
    (Selection(after=(us("10:00:05"), "d")), "ef"),
    (Selection(after=(us("10:00:05"), "")), "def"),
    (Selection(limit=2), "ab"),
    (Selection(limit=0), ""),
    (Selection(limit=99), "abcdef"),
    (Selection(after=(us("10:00:02.5"), "b"), limit=2, unidentified=False), "cd"),
    (Selection(cameras=["slow"], identities=["ann"], loads=["l2"], ids=["a", "c"]), "c"),
]


class GraphQuestionsContract:
    """A site computed by hand.

    Clocks: "slow" is 2.5 s behind (added), "fast" 1.5 s ahead, "true" has none; "hall" is a place.

    ==  ========  ============  ======  =====  =====  =======  ========
    id  recorded  corrected     where   whose  track  conf.    load
    ==  ========  ============  ======  =====  =====  =======  ========
    a   10:00:00  10:00:02.5    slow    ann    t1     0.5      l1
    b   10:00:04  10:00:02.5    fast    ann    t1     -        l1
    c   10:00:02  10:00:04.5    slow    ann    t1     1.0      l2
    d   10:00:05  10:00:05      hall    bob    t1     -        l2
    e   10:00:05  10:00:05      true    -      t2     -        -
    f   10:00:10  10:00:10      true    bob    t2     0.25     -
    ==  ========  ============  ======  =====  =====  =======  ========
    """

    @pytest.fixture
    def site(self, store: GraphStore) -> GraphStore:
        for load in ("l1", "l2"):
            r.put(
                store, "Load", {"id": load, "options": "{}", "at": f"{DAY}09:00Z", "complete": True}
            )
        offsets = {"slow": 2.5, "fast": -1.5, "true": None}
        r.put(store, "Camera", *({"id": c, "clock_offset_s": s} for c, s in offsets.items()))
        r.put(store, "Place", {"id": "hall"})
        r.put(
            store,
            "Identity",
            {"id": "ann", "stated_confidence": 0.125},
            {"id": "bob"},
            {"id": "eve", "stated_confidence": 0.875},
        )
        seen = [
            ("f", "10:00:10", "true", "t2", None),
            ("e", "10:00:05", "true", "t2", None),
            ("d", "10:00:05", None, "t1", "l2"),
            ("c", "10:00:02", "slow", "t1", "l2"),
            ("b", "10:00:04", "fast", "t1", "l1"),
            ("a", "10:00:00", "slow", "t1", "l1"),
        ]
        names = ("id", "timestamp", "camera_id", "tracking_id", "load_id")
        records = [dict(zip(names, row, strict=True)) for row in seen]
        for record in records:
            record["timestamp"] = f"{DAY}{record['timestamp']}Z"
            record["place_id"] = "hall" if record["camera_id"] is None else None
        r.put(store, "Appearance", *records)
        links = [("ann", "a", 0.5), ("ann", "b", None), ("ann", "c", 1.0)]
        links += [("bob", "d", None), ("bob", "f", 0.25)]
        names = ("identity_id", "appearance_id", "confidence")
        r.put(store, "HAS_APPEARANCE", *(dict(zip(names, x, strict=True)) for x in links))
        with store.transaction():
            store.name_vectors("face", named(("c", 1), ("a", 2), ("e", 3)))
            store.name_vectors("reid", named(("f", 4)))
            store.refresh_statistics(["ann", "bob", "eve"])
        return store

    # ------------------------------------------------------------------ sightings
    def test_sightings_have_corrected_times_in_order(self, site: GraphStore) -> None:
        seen = site.sightings()
        assert seen["id"].tolist() == ["a", "b", "c", "d", "e", "f"]
        clocks = ["02.5", "02.5", "04.5", "05", "05", "10"]
        assert times.to_us(seen["timestamp"]).tolist() == [us(f"10:00:{c}") for c in clocks]
        recorded = ["00", "04", "02", "05", "05", "10"]
        assert times.to_us(seen["timestamp_recorded"]).tolist() == [
            us(f"10:00:{c}") for c in recorded
        ]
        assert seen["identity_id"].fillna("-").tolist() == ["ann", "ann", "ann", "bob", "-", "bob"]
        assert seen["confidence"].fillna(-1).tolist() == [0.5, -1, 1.0, -1, -1, 0.25]

    def test_selections_select(self, site: GraphStore) -> None:
        for selection, ids in SELECTIONS:
            assert "".join(site.sightings(selection)["id"]) == ids, selection
            wanted = [vid for vid, name in {1: "c", 2: "a", 3: "e"}.items() if name in ids]
            assert site.vids_within("face", selection).tolist() == wanted, selection
        assert site.vids_within("none", Selection()).tolist() == []

    def test_pages_hold_every_row_once(self, site: GraphStore) -> None:
        for size in (1, 2, 3, 5, 6, 7):
            assert self.paged(site, size) == list("abcdef"), size

    @staticmethod
    def paged(site: GraphStore, size: int) -> list[str]:
        found: list[str] = []
        after = None
        for _ in range(9):  # a page that repeats a row would never end
            page = site.sightings(Selection(after=after, limit=size))
            if page.empty:
                return found
            assert len(page) <= size
            found += page["id"].tolist()
            last = page.iloc[-1]
            after = (int(times.to_us(page["timestamp"]).iloc[-1]), last["id"])
        return found

    def test_observations_are_the_sightings_as_numbers(self, site: GraphStore) -> None:
        r.put(site, "Appearance", {"id": "g", "timestamp": f"{DAY}11:00Z"})  # nowhere
        r.put(site, "Place", {"id": "slow"})  # a place with the id of a camera is the same place
        r.put(site, "Appearance", {"id": "h", "timestamp": f"{DAY}10:00:20Z", "place_id": "slow"})
        seen = site.observations()
        assert seen.identities == ["ann", "bob"]
        assert seen.places == ["fast", "hall", "slow", "true"]
        rows = sorted(
            (seen.identities[i] if i >= 0 else "-", seen.places[p] if p >= 0 else "-", int(t))
            for i, p, t in zip(seen.identity, seen.place, seen.time_us, strict=True)
        )
        assert rows == [
            ("-", "-", us("11:00:00")),
            ("-", "slow", us("10:00:20")),
            ("-", "true", us("10:00:05")),
            ("ann", "fast", us("10:00:02.5")),
            ("ann", "slow", us("10:00:02.5")),
            ("ann", "slow", us("10:00:04.5")),
            ("bob", "hall", us("10:00:05")),
            ("bob", "true", us("10:00:10")),
        ]

    def test_observations_around_one_are_hers_and_of_whom_she_may_have_met(
        self, site: GraphStore
    ) -> None:
        r.put(site, "Identity", {"id": "dan"})
        r.put(site, "Place", {"id": "slow"})  # a place with the id of a camera is the same place
        for key, where, clock in (
            ("g", {"camera_id": "slow"}, "10:00:04.5"),  # 10:00:07 corrected: 2.5 s after c
            ("h", {"camera_id": "slow"}, "10:00:57.5"),
            ("i", {"camera_id": "fast"}, "10:00:31.5"),
            ("j", {"place_id": "slow"}, "10:00:04.5"),
        ):
            r.put(site, "Appearance", {"id": key, "timestamp": f"{DAY}{clock}Z", **where})
            who = "dan" if key == "j" else "eve"
            r.put(site, "HAS_APPEARANCE", {"identity_id": who, "appearance_id": key})
        ann = [("ann", "fast", "02.5"), ("ann", "slow", "02.5"), ("ann", "slow", "04.5")]
        assert self.around(site, "ann", 0) == [*ann, ("dan", "slow", "04.5")]
        met = [("eve", "slow", "07.0"), ("eve", "slow", "60.0")]
        assert self.around(site, "ann", 2_500_000) == [*ann, ("dan", "slow", "04.5"), *met]
        assert self.around(site, "ann", 2_499_999) == [*ann, ("dan", "slow", "04.5")]
        # Nobody knows who was at "true" five seconds before bob.
        bob = [("bob", "hall", "05.0"), ("bob", "true", "10.0")]
        assert self.around(site, "bob", 60_000_000) == bob
        assert len(self.around(site, "eve", 2**62)) == 7
        for nobody in ("none", "\ud800", ""):
            assert self.around(site, nobody, 2**62) == []

    @staticmethod
    def around(site: GraphStore, key: str, margin_us: int) -> list[tuple[str, str, str]]:
        seen = site.observations_around(key, margin_us)
        assert sorted(seen.identities) == sorted({seen.identities[n] for n in seen.identity})
        assert sorted(seen.places) == sorted({seen.places[n] for n in seen.place})
        return sorted(
            (seen.identities[i], seen.places[p], f"{(t - us('10:00:00')) / 1e6:04.1f}")
            for i, p, t in zip(seen.identity, seen.place, seen.time_us.tolist(), strict=True)
        )

    # ------------------------------------------------------------------ what follows from the rows
    def test_chains(self, site: GraphStore) -> None:
        steps = site.edges("NEXT")
        assert steps.astype(object).to_numpy().tolist() == [
            ["a", "b", 0, False],
            ["b", "c", 2000, False],
            ["d", "f", 5000, False],
        ]
        r.put(site, "HAS_APPEARANCE", {"identity_id": "bob", "appearance_id": "e"})
        steps = site.edges("NEXT", src=["e", "d"])
        assert steps.astype(object).to_numpy().tolist() == [
            ["d", "e", 0, False],
            ["e", "f", 5000, True],
        ]
        assert site.edges("NEXT", src=["e"], dst=["d"]).empty
        tracks = site.edges("SAME_TRACK")
        assert tracks.astype(object).to_numpy().tolist() == [
            ["a", "c", "deterministic", "t1"],
            ["e", "f", "deterministic", "t2"],
        ]
        cameras = site.edges("CAPTURED_BY")
        assert cameras["appearance_id"].tolist() == ["a", "b", "c", "e", "f"]
        assert cameras["camera_id"].tolist() == ["slow", "fast", "slow", "true", "true"]
        assert times.to_us(cameras["timestamp"])[0] == us("10:00:00")

    def statistics(self, site: GraphStore) -> dict[str, tuple]:
        people = site.nodes("Identity")
        clock = [
            x.dt.strftime("%H:%M:%S.%f").str[6:8]
            for x in (people["first_seen"], people["last_seen"])
        ]
        return {
            row.id: (first, last, row.num_appearances, row.num_cameras, row.confidence_score, face)
            for row, first, last, face in zip(
                people.itertuples(),
                *(c.fillna("-") for c in clock),
                people["has_face"],
                strict=True,
            )
        }

    def test_statistics_follow_every_change(self, site: GraphStore) -> None:
        assert self.statistics(site) == {
            "ann": ("02", "04", 3, 2, 0.75, True),
            "bob": ("05", "10", 2, 1, 0.25, False),
            "eve": ("-", "-", 0, 0, 0.875, False),
        }
        r.put(site, "HAS_APPEARANCE", {"identity_id": "eve", "appearance_id": "c"})  # moved
        r.put(
            site, "HAS_APPEARANCE", {"identity_id": "bob", "appearance_id": "e", "confidence": 0.75}
        )
        with site.transaction():
            site.delete_edges("HAS_APPEARANCE", pd.DataFrame({"appearance_id": ["d"]}))
            site.refresh_statistics(["ann", "bob", "eve", "none"])
        assert self.statistics(site) == {
            "ann": ("02", "02", 2, 2, 0.5, True),
            "bob": ("05", "10", 2, 1, 0.5, True),
            "eve": ("04", "04", 1, 1, 0.875, True),
        }
        with site.transaction():
            site.unname_vectors("face", ["c", "e"])
            site.delete_nodes("Appearance", pd.DataFrame({"id": ["a"]}))
            site.refresh_statistics(["ann", "bob", "eve"])
        assert self.statistics(site) == {
            "ann": ("02", "02", 1, 1, 0.125, False),
            "bob": ("05", "10", 2, 1, 0.5, False),
            "eve": ("04", "04", 1, 1, 0.875, False),
        }

    def test_statistics_of_nobody_change_nothing(self, site: GraphStore) -> None:
        before = r.dump(site)
        with site.transaction():
            site.refresh_statistics([])
            site.refresh_statistics(["none"])
            site.refresh_statistics(["ann", "bob", "eve"])
        r.same(r.dump(site), before)
        assert site.findings() == []

    def test_half_a_microsecond_of_a_clock_rounds_away_from_zero(self, store: GraphStore) -> None:
        offsets = {"a": 0.5e-6, "b": 2.5e-6, "c": -0.5e-6, "d": -2.5e-6, "e": 1.4e-6, "f": 0.0}
        r.put(store, "Camera", *({"id": c, "clock_offset_s": s} for c, s in offsets.items()))
        seen = ({"id": c, "timestamp": "1970-01-01T00:00Z", "camera_id": c} for c in offsets)
        r.put(store, "Appearance", *seen)
        times_us = times.to_us(store.sightings()["timestamp"])
        moved = dict(zip(store.sightings()["id"], times_us, strict=True))
        assert moved == {"a": 1, "b": 3, "c": -1, "d": -3, "e": 1, "f": 0}
        assert sorted(store.observations().time_us.tolist()) == [-3, -1, 0, 1, 1, 3]

    def test_times_at_the_ends_of_the_calendar(self, store: GraphStore) -> None:
        r.put(store, "Camera", {"id": "c", "clock_offset_s": -0.000001})
        ends = ["1000-01-01T00:00:00.000001Z", "8999-12-31T23:59:59.999999Z"]
        r.put(
            store,
            "Appearance",
            *({"id": f"{n}", "timestamp": t, "camera_id": "c"} for n, t in enumerate(ends)),
        )
        got = times.to_us(store.sightings()["timestamp"])
        assert got.tolist() == [times.MIN_US, times.MAX_US - 1]
        assert np.array_equal(np.sort(store.observations().time_us), got.to_numpy(dtype="int64"))
