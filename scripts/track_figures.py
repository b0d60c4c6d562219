"""Print what is learned from moves, on the data of others and on the demo, against the truth.

    python scripts/track_figures.py {veri,campus,travel,adjacency,clocks} [--data F] [--out F]

``veri``: travel times of vehicles against the camera distances that came with them.
``campus``: what the flow says against the positions of four cameras.
``travel``: alarms of impossible travel on true tracks, and wrong merges caught by hours on site.
``adjacency``: the adjacency learned on six demo sites and on VeRi, against the true one.
``clocks``: planted clock offsets, found by floor positions and by visits.

``--data`` is the folder with ``veri776_test`` and ``campus_auditorium``; with ``--out`` the
pictures are written there as pages that need no network.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import combinations
from pathlib import Path

import numpy as np
import pandas as pd
from plotly.graph_objects import Figure

import workbench
from workbench.analytics.adjacency import learned_adjacency
from workbench.analytics.clocks import pair_offsets
from workbench.analytics.paths import AdjacencyWarning, directed
from workbench.analytics.plausibility import implausible
from workbench.analytics.transitions import transitions
from workbench.analytics.travel_times import rank_correlation
from workbench.analytics.visits import visits
from workbench.demo import Site, simulate
from workbench.views.style import CONFIG

HOURS = (0.5, 2.0, 4.0)
SEEDS = (0, 1, 2)
TRIALS = 300
SITES = ((False, 7), (False, 1), (True, 7), (True, 1), (True, 2), (True, 3))
_DATA = Path(__file__).resolve().parent.parent.parent / "shared" / "data"
_START = pd.Timestamp("2026-01-12T08:00:00Z").as_unit("us")


def main(arguments: list[str] | None = None) -> int:
    """Print the figures that were asked for."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("what", choices=list(_FIGURES))
    parser.add_argument("--data", type=Path, default=_DATA, help="the folder of data of others")
    parser.add_argument("--out", type=Path, help="where pictures are written as HTML")
    given = parser.parse_args(arguments)
    needed = {"veri": "veri776_test", "campus": "campus_auditorium"}.get(given.what)
    if needed and not (given.data / needed).is_dir():
        print(f"There is no folder {needed} in {given.data}: give --data.", file=sys.stderr)
        return 3
    if given.out is not None:
        given.out.mkdir(parents=True, exist_ok=True)
    _FIGURES[given.what](given.data, given.out)
    return 0


def _say(what: str, *values: object) -> None:
    print(f"{what:<62} " + "  ".join(str(value) for value in values))


def _write(out: Path | None, name: str, figure: Figure) -> None:
    if out is not None:
        figure.write_html(out / f"{name}.html", include_plotlyjs=True, config=dict(CONFIG))
        _say("picture", f"{name}.html")


@contextmanager
def _store(cameras: pd.DataFrame, ways: pd.DataFrame, rows: Path) -> Iterator[workbench.Workbench]:
    """Yield a store of a file of appearances, its cameras and ways, deleted afterwards."""
    with tempfile.TemporaryDirectory() as empty:
        folder = Path(empty)
        cameras.to_csv(folder / "cameras.csv", index=False)
        ways.to_csv(folder / "ways.csv", index=False)
        with warnings.catch_warnings():
            # Of VeRi there are distances, no ways: only travel times are asked.
            warnings.simplefilter("ignore", AdjacencyWarning)
            workbench.ingest(
                folder / "store",
                rows,
                cameras=folder / "cameras.csv",
                adjacency=folder / "ways.csv",
                start_time=_START.isoformat(),
                fps=_FPS[rows.parent.name],
                quiet=True,
            )
        with workbench.open(folder / "store") as bench:
            yield bench


_FPS = {"veri776_test": 25.0, "campus_auditorium": 30.0}


# ------------------------------------------------------------------ VeRi: times and distances
def veri(data: Path, out: Path | None) -> None:
    """Print how well travel times keep the order of the distances of VeRi's cameras."""
    folder = data / "veri776_test"
    ways = pd.read_csv(
        folder / "camera_distances.csv", dtype={"camera_a": "str", "camera_b": "str"}
    )
    cameras = pd.DataFrame({"id": sorted({*ways["camera_a"], *ways["camera_b"]})})
    with _store(cameras, ways, folder / "appearances.csv.gz") as bench:
        # 200 vehicles in an hour: whoever took longer than 10 minutes stopped on the way.
        found = bench.tracks.travel_times(longest_s=600)
        frame = found.to_frame()
        _say("moves of at most 10 minutes, pairs of cameras", int(frame["transitions"].sum()),
             len(frame))  # fmt: skip
        for least in (1, 5, 10, 20):
            enough = frame["transitions"] >= least
            _say(
                f"Spearman, median time against distance, pairs of {least} or more moves",
                f"{found.rank_correlation(min_transitions=least):.3f}",
                f"({int(enough.sum())} pairs)",
            )
            fast = frame[enough].assign(median_s=frame["p05_s"])
            _say(
                "  the same of the fastest 5 %",
                f"{rank_correlation(fast, min_transitions=least):.3f}",
            )
        busy = frame[frame["transitions"] >= 20]
        speed = 3.6 * busy["speed_m_s"].median()
        _say("speed at the median time, km/h, median of pairs of 20 or more", f"{speed:.0f}")
        learned = bench.tracks.adjacency().to_frame()
        _write(out, "veri_times_by_distance", found.by_distance(min_transitions=5))
        _write(out, "veri_travel_times", found.plot())
    _nearness(learned, ways)


def _nearness(learned: pd.DataFrame, ways: pd.DataFrame) -> None:
    """Print how near learned neighbours are among all cameras, by the distances given."""
    turned = ways.rename(columns={"camera_a": "camera_b", "camera_b": "camera_a"})
    both = pd.concat([ways, turned])
    both["rank"] = both.groupby("camera_a")["distance_m"].rank()
    at = both.set_index(["camera_a", "camera_b"])
    pairs = list(zip(learned["from_camera"], learned["to_camera"], strict=True))
    rank = [min(at.loc[(a, b), "rank"], at.loc[(b, a), "rank"]) for a, b in pairs]
    metres = [at.loc[pair, "distance_m"] for pair in pairs]
    _say("learned neighbours, cameras that are in it", len(learned),
         len({one for pair in pairs for one in pair}))  # fmt: skip
    _say("metres between them, median; between any two cameras", f"{np.median(metres):.0f}",
         f"{ways['distance_m'].median():.0f}")  # fmt: skip
    _say("of them among the 3 nearest of one of the two", f"{np.mean(np.array(rank) <= 3):.0%}")


# ------------------------------------------------------------------ CAMPUS: flow and layout
def campus(data: Path, out: Path | None) -> None:
    """Print the flow between CAMPUS's four cameras beside the metres between them."""
    folder = data / "campus_auditorium"
    cameras = pd.read_csv(folder / "cameras.csv").rename(columns={"camera_id": "id"})
    names = {"x_m": "position_x", "y_m": "position_y", "z_m": "position_z"}
    cameras = cameras.rename(columns=names)[["id", *names.values()]]
    ways = pd.DataFrame({"from_camera": pd.Series([], dtype="str"), "to_camera": []})
    with _store(cameras, ways, folder / "appearances.csv.gz") as bench:
        # Four cameras around one hall: 30 s would make one visit of nearly everything.
        found = bench.tracks.flow_matrix(max_gap_s=2)
        print(found.matrix().to_string())
        times = bench.tracks.travel_times(max_gap_s=2)
        frame = times.to_frame()
        _write(out, "campus_flow", found.plot())
        _write(out, "campus_travel_times", times.plot())
    _beside(frame, cameras)


def _beside(times: pd.DataFrame, cameras: pd.DataFrame) -> None:
    ends = times[["from_camera", "to_camera"]].to_numpy(dtype=object)
    moves = times.groupby([" - ".join(sorted(two)) for two in ends])["transitions"].sum()
    at = cameras.set_index("id")[["position_x", "position_y"]]
    metres = {
        f"{one} - {two}": float(np.hypot(*(at.loc[one] - at.loc[two])))
        for one, two in combinations(sorted(at.index), 2)
    }
    both = pd.DataFrame({"metres": metres}).assign(moves=moves).fillna({"moves": 0})
    for name, row in both.sort_values("metres").iterrows():
        _say(f"{name}: metres apart, moves both ways", f"{row['metres']:.1f}", int(row["moves"]))
    ranks = both.rank()
    _say("Spearman, moves against metres, six pairs",
         f"{np.corrcoef(ranks['moves'], ranks['metres'])[0, 1]:.2f}")  # fmt: skip


# ------------------------------------------------------------------ impossible travel
def travel(data: Path, out: Path | None) -> None:
    """Print false alarms on true tracks of the demo, and wrong merges caught by hours on site."""
    site = simulate()
    true = _true_tracks(site)
    alarms = implausible(true, cameras=site.cameras, adjacency=site.adjacency)
    people = true["identity_id"].nunique()
    _say("true tracks: people, sightings, alarms", people, len(true), len(alarms))
    print(f"wrong merges caught, {TRIALS} a seed, seeds {', '.join(map(str, SEEDS))}")
    for words, caught in (
        ("demo, seen within the same hours:", caught_in_demo),
        ("walkers, each present at a time of her own:", caught_walking),
    ):
        for hours in HOURS:
            shares = [caught(site, true, hours=hours, seed=seed) for seed in SEEDS]
            _say(f"{words} {hours:g} h on site", *(f"{share:.1%}" for share in shares))
    walking = walkers(site, TRIALS, hours=4.0, rng=np.random.default_rng(SEEDS[0]))
    alarms = implausible(walking, cameras=site.cameras, adjacency=site.adjacency)
    _say("true tracks of walkers: people, sightings, alarms", TRIALS, len(walking), len(alarms))


def _true_tracks(site: Site) -> pd.DataFrame:
    """Return the sightings of the demo under the person each really shows."""
    rows = site.appearances.drop(columns="identity_id").merge(
        site.truth, left_on="id", right_on="appearance_id"
    )
    return rows.assign(identity_id=rows["person"].astype("str"))


def caught_in_demo(
    site: Site, true: pd.DataFrame, *, hours: float, seed: int, trials: int = TRIALS
) -> float:
    """Return the share of wrong merges that impossible travel finds.

    A wrong merge is two people, each seen twice or more in the same `hours` of one day, under one
    identity for these hours. Day, hours and people are drawn; without an alarm it is not caught.
    """
    rng = np.random.default_rng(seed)
    begins = true["timestamp"].dt.floor("D").drop_duplicates().sort_values().tolist()
    parts: list[pd.DataFrame] = []
    while len(parts) < trials:
        # Cameras of the demo see people from 7 to 19 h.
        first = begins[rng.integers(len(begins))] + pd.Timedelta(
            hours=7 + rng.random() * (12 - hours)
        )
        within = true["timestamp"].between(first, first + pd.Timedelta(hours=hours))
        counts = true[within].groupby("identity_id").size()
        people = counts.index[counts >= 2].to_numpy()
        if len(people) >= 2:
            two = rng.choice(people, 2, replace=False)
            rows = true[within & true["identity_id"].isin(two)]
            parts.append(rows.assign(identity_id=f"merge {len(parts):04d}"))
    merged = pd.concat(parts, ignore_index=True)
    merged["id"] = merged["id"] + " " + merged["identity_id"]
    alarms = implausible(merged, cameras=site.cameras, adjacency=site.adjacency)
    return float(alarms["identity_id"].nunique() / trials)


def caught_walking(
    site: Site, true: pd.DataFrame, *, hours: float, seed: int, trials: int = TRIALS
) -> float:
    """Return the share of wrong merges of two walkers of one day that impossible travel finds."""
    rows = walkers(site, 2 * trials, hours=hours, rng=np.random.default_rng(seed))
    merged = rows.assign(identity_id=(rows["identity_id"].astype("int64") // 2).astype("str"))
    alarms = implausible(merged, cameras=site.cameras, adjacency=site.adjacency)
    return float(alarms["identity_id"].nunique() / trials)


def walkers(site: Site, people: int, *, hours: float, rng: np.random.Generator) -> pd.DataFrame:
    """Return sightings of people who walk from camera to camera all the hours they are there.

    The cameras and ways of the demo; a way takes 0.8 to 1.6 times its usual time, a stay at a
    camera 20 s in the median, seen at its beginning and its end. Each comes at a time of her own
    within a day of 10 hours.
    """
    ways = directed(site.adjacency)
    ahead = {str(one): some.to_numpy() for one, some in ways.groupby("from_camera")[_STEP]}
    cameras = sorted(ahead)
    rows: list[tuple[str, str, float]] = []
    for person in range(people):
        now = first = rng.uniform(0, 36_000 - 3600 * hours)
        camera = cameras[rng.integers(len(cameras))]
        while now < first + 3600 * hours:
            stay = rng.lognormal(np.log(20), 0.8)
            rows += [(str(person), camera, now), (str(person), camera, now + stay)]
            camera, usual = ahead[camera][rng.integers(len(ahead[camera]))]
            now += stay + usual * rng.uniform(0.8, 1.6)
    frame = pd.DataFrame(rows, columns=["identity_id", "camera_id", "second"])
    after = pd.to_timedelta((frame["second"] * 1e6).round().astype("int64"), unit="us")
    return frame.assign(id=frame.index.astype("str").str.zfill(7), timestamp=_START + after)


_STEP = ["to_camera", "time_s"]


# ------------------------------------------------------------------ adjacency and clocks
def adjacency(data: Path, out: Path | None) -> None:
    """Print how well the adjacency of six demo sites is learned from what a store would hold."""
    for small, seed in SITES:
        site = simulate(small=small, seed=seed)
        moves = transitions(visits(site.appearances))
        learned = learned_adjacency(moves)
        found, true = (
            {frozenset(pair) for pair in zip(ways["from_camera"], ways["to_camera"], strict=True)}
            for ways in (learned, site.adjacency)
        )
        right = len(found & true)
        _say(
            f"{'small' if small else 'full'} site, seed {seed}: ways, precision, recall",
            len(found),
            f"{right / len(found):.2f}",
            f"{right / len(true):.2f}",
        )


def clocks(data: Path, out: Path | None) -> None:
    """Print planted offsets of two cameras of the demo, and what is found of them."""
    site = simulate()
    rows = site.appearances.dropna(subset="identity_id")
    for planted in (0.0, 7.5, -20.0):
        late = rows["camera_id"].isin(["cam_04", "cam_09"])
        wrong = rows.assign(
            timestamp=rows["timestamp"] - pd.to_timedelta(np.where(late, planted, 0.0), unit="s")
        )
        for words, seen in (
            ("floor positions", wrong),
            ("visits alone", wrong.drop(columns=["floor_x_m", "floor_y_m"])),
        ):
            found = pair_offsets(seen, cameras=site.cameras)
            for pair in (("cam_01", "cam_04"), ("cam_08", "cam_09")):
                here = (found["camera_a"] == pair[0]) & (found["camera_b"] == pair[1])
                for one in found[here].to_dict("records"):
                    _say(
                        f"planted {planted:+.1f} s, {words}, {pair[0]} - {pair[1]}",
                        f"{one['offset_s']:+.2f} s",
                        f"({one['low_s']:+.2f} to {one['high_s']:+.2f})",
                        f"{one['pairs']} readings",
                    )


_FIGURES: dict[str, Callable[[Path, Path | None], None]] = {
    "veri": veri,
    "campus": campus,
    "travel": travel,
    "adjacency": adjacency,
    "clocks": clocks,
}

if __name__ == "__main__":
    sys.exit(main())
