"""Print how realistic the demo is: the figures that docs/explanation/demo-site.md states.

    python scripts/demo_figures.py [--small] [--seed N] [--store FOLDER]

Without ``--store`` the demo is made in a folder that is deleted afterwards, and timed.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd

import workbench

Floats = npt.NDArray[np.float64]
_PAIRS = 400_000
_QUERIES = 1_500


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--small", action="store_true")
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--store", type=Path, help="a demo store that is there")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as empty:
        folder = given.store if given.store is not None else Path(empty) / "demo"
        begun = time.perf_counter()
        with workbench.open_demo(folder, small=given.small, seed=given.seed) as bench:
            opened = time.perf_counter() - begun
            _say("seconds to make", f"{opened:.1f}" if given.store is None else "not measured")
            _counts(bench)
            _movement(bench)
            for space in ("face", "reid"):
                _space(bench, space)


def _say(what: str, *values: object) -> None:
    print(f"{what:<58} " + "  ".join(str(value) for value in values))


def _counts(bench: workbench.Workbench) -> None:
    stats = bench.store.stats()
    rows = bench.appearances.find()
    _say("people", stats["identities"])
    _say("appearances", f"{len(rows):,}")
    _say("of nobody known", f"{rows['identity_id'].isna().mean():.3f}")
    _say("without a face", f"{rows['face_quality'].isna().mean():.3f}")
    for name in ("face_quality", "reid_quality", "blur_score"):
        _say(f"{name}: 5 %, median, 95 %", *_spread(rows[name]))


def _movement(bench: workbench.Workbench) -> None:
    visits, moves = bench.tracks.visits(), bench.tracks.transitions()
    _say("dwell of a visit, s: 5 %, median, 95 %, 99 %", *_spread(visits["dwell_s"], 0.99))
    _say("from camera to camera, s: 5 %, median, 95 %", *_spread(moves["gap_s"]))
    rows = bench.appearances.find().sort_values(["camera_id", "tracking_id", "timestamp"])
    step = rows.groupby(["camera_id", "tracking_id"])[["floor_x_m", "floor_y_m"]].diff()
    took = rows.groupby(["camera_id", "tracking_id"])["timestamp"].diff().dt.total_seconds()
    speed = np.hypot(step["floor_x_m"], step["floor_y_m"]) / took
    walking = speed[speed > 0.4]
    _say("walking speed within a track, m/s: 5 %, median, 95 %", *_spread(walking))
    _say("share of steps that stand still (below 0.4 m/s)", f"{(speed.dropna() <= 0.4).mean():.3f}")


def _spread(values: pd.Series, *more: float) -> list[str]:
    return [f"{v:.2f}" for v in values.dropna().quantile([0.05, 0.5, 0.95, *more])]


def _space(bench: workbench.Workbench, space: str) -> None:
    print(f"\n{space}")
    rows, vectors = _labelled(bench, space)
    rng = np.random.default_rng(0)
    who = rows["who"].to_numpy()
    impostor = _cosines(vectors, *_pairs(rng, len(rows), lambda a, b: who[a] != who[b]))
    one, other = _genuine(rng, rows)
    genuine = _cosines(vectors, one, other)
    day, camera = rows["day"].to_numpy(), rows["camera_id"].to_numpy()
    same_day, same_camera = day[one] == day[other], camera[one] == camera[other]
    _say("different people: mean, sd", *_mean_sd(impostor))
    print("same person: mean, sd, EER, FNMR at FMR 0.001, at 0.0001")
    for words, chosen in (
        ("all", np.ones(len(one), dtype=bool)),
        ("same day, same camera, another track", same_day & same_camera),
        ("same day, another camera", same_day & ~same_camera),
        ("another day, same camera", ~same_day & same_camera),
        ("another day, another camera", ~same_day & ~same_camera),
    ):
        errors = _errors(genuine[chosen], impostor)
        _say(f"  {words}", *_mean_sd(genuine[chosen]), *errors)
    _say("cosine at FMR 0.001", f"{np.quantile(impostor, 0.999):.3f}")
    _ranks(rng, rows, vectors)
    _lookalikes(rows, vectors)


def _labelled(bench: workbench.Workbench, space: str) -> tuple[pd.DataFrame, Floats]:
    """Return the identified appearances with a vector, and the vectors at length 1."""
    rows = bench.appearances.find(unidentified=False)
    named = bench.manager.graph.vectors_of(space, rows["id"].tolist())
    rows = rows.merge(named[["appearance_id", "vid"]], left_on="id", right_on="appearance_id")
    vectors = bench.manager.vector.get(space, rows["vid"].to_numpy(dtype="int64"))
    vectors = vectors / np.linalg.norm(vectors, axis=1)[:, None]
    rows["who"] = rows["identity_id"].astype("category").cat.codes
    rows["day"] = rows["timestamp"].dt.date.astype("category").cat.codes
    rows["track"] = rows.groupby(["camera_id", "tracking_id"]).ngroup()
    return rows, vectors


def _pairs(
    rng: np.random.Generator, n: int, kept: Callable[[np.ndarray, np.ndarray], np.ndarray]
) -> tuple[np.ndarray, np.ndarray]:
    one, other = rng.integers(0, n, _PAIRS), rng.integers(0, n, _PAIRS)
    keep = kept(one, other)
    return one[keep], other[keep]


def _genuine(rng: np.random.Generator, rows: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
    """Return pairs of one person in different tracks: rows in the order of the people, shifted."""
    order = np.lexsort((rng.random(len(rows)), rows["who"]))
    who, track = rows["who"].to_numpy()[order], rows["track"].to_numpy()[order]
    found = []
    for shift in range(1, 13):
        keep = (who[shift:] == who[:-shift]) & (track[shift:] != track[:-shift])
        found.append((order[shift:][keep], order[:-shift][keep]))
    return np.concatenate([a for a, _ in found]), np.concatenate([b for _, b in found])


def _cosines(vectors: Floats, one: np.ndarray, other: np.ndarray) -> Floats:
    step = 50_000
    starts = range(0, len(one), step)
    cosines = [
        np.einsum("ij,ij->i", vectors[one[i : i + step]], vectors[other[i : i + step]])
        for i in starts
    ]
    return np.concatenate(cosines)


def _mean_sd(cosines: Floats) -> tuple[str, str]:
    return f"{cosines.mean():.3f}", f"{cosines.std():.3f}"


def _errors(genuine: Floats, impostor: Floats) -> list[str]:
    """Return the equal error rate and the share of genuine pairs missed at FMR 0.001, 0.0001."""
    at = np.sort(np.concatenate([genuine, impostor]))
    missed = np.searchsorted(np.sort(genuine), at) / len(genuine)
    passed = 1 - np.searchsorted(np.sort(impostor), at) / len(impostor)
    equal = int(np.argmin(np.abs(missed - passed)))
    strict = [(genuine < np.quantile(impostor, 1 - rate)).mean() for rate in (1e-3, 1e-4)]
    return [f"{share:.4f}" for share in ((missed[equal] + passed[equal]) / 2, *strict)]


def _ranks(rng: np.random.Generator, rows: pd.DataFrame, vectors: Floats) -> None:
    queries = rng.choice(len(rows), min(_QUERIES, len(rows)), replace=False)
    cosines = vectors[queries] @ vectors.T
    who, day, camera = (rows[name].to_numpy() for name in ("who", "day", "camera_id"))
    hers = who[queries][:, None] == who
    same_day = day[queries][:, None] == day
    same_camera = camera[queries][:, None] == camera
    for words, gallery in (
        ("rank-1 within a day, hers at other cameras only", same_day & ~(hers & same_camera)),
        ("rank-1 across days", ~same_day),
        ("rank-1, hers at other cameras only", ~(hers & same_camera)),
    ):
        right, asked = _first(cosines, hers, gallery)
        _say(f"{words} (queries)", f"{right:.3f}", asked)
    one_each = rows.assign(row=range(len(rows))).groupby("who")["row"].agg(rng.choice).to_numpy()
    gallery = np.isin(np.arange(len(rows)), one_each)
    own_track = rows["track"].to_numpy()[queries][:, None] == rows["track"].to_numpy()
    right, asked = _first(cosines, hers, gallery & ~(hers & own_track))
    _say("rank-1, one appearance of each person (queries)", f"{right:.3f}", asked)


def _first(cosines: Floats, hers: np.ndarray, gallery: np.ndarray) -> tuple[float, int]:
    """Return how often the nearest of the gallery is right, where there is a right one."""
    can = (hers & gallery).any(axis=1)
    best = np.where(gallery, cosines, -2.0).argmax(axis=1)
    right = hers[np.arange(len(hers)), best]
    return float(right[can].mean()), int(can.sum())


def _lookalikes(rows: pd.DataFrame, vectors: Floats) -> None:
    """Print how near other people are: cosines of the best rival of each, and the nearest pairs."""
    rng = np.random.default_rng(1)
    some = rng.choice(len(rows), min(6_000, len(rows)), replace=False)
    who = rows["who"].to_numpy()[some]
    sums = np.zeros((who.max() + 1, len(some)), dtype="float32")
    cosines = (vectors[some] @ vectors[some].T).astype("float32")
    np.add.at(sums, who, cosines)
    table = np.zeros((len(sums), len(sums)), dtype="float32")
    np.add.at(table.T, who, sums.T)
    n = np.bincount(who, minlength=len(sums))
    ok = n >= 3
    table = (table / np.maximum(np.outer(n, n), 1))[ok][:, ok]
    pairs = np.sort(table[np.triu_indices(len(table), 1)])
    _say("mean cosine of two people: median of the pairs", f"{np.median(pairs):.3f}")
    _say("the eight nearest pairs", *(f"{v:.3f}" for v in pairs[::-1][:8]))


if __name__ == "__main__":
    main()
