"""The demo site as tables: who was seen where in a simulated building, and the truth about it."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from workbench import schema
from workbench.demo import building, drawing, stories
from workbench.demo.answers import told
from workbench.demo.building import EYES
from workbench.demo.days import MONDAY, live
from workbench.demo.looks import Looks
from workbench.demo.movement import Log
from workbench.demo.people import Person, everybody
from workbench.demo.watching import FPS, sightings
from workbench.demo.ways import Habit, Spot, way

VERSION = 2
"""Changes when the same seed makes another site."""

FACE_MODEL, BODY_MODEL = "simulated-face", "simulated-body"
SOURCE = "demo"
_BATCH = 5000
_UNIDENTIFIED = 0.08
_WALK_M_S = 1.3
_VISIT_S = 30.0
_NAMELESS = {"staff": 0.08, "visitor": 0.2, "delivery": 0.45}  # share of each role


@dataclass(frozen=True, slots=True)
class Site:
    """Everything there is to know about the demo site.

    Parameters
    ----------
    small : bool
    seed : int
    cameras, adjacency, outages, floor_plans, identities : DataFrame
        Columns of the tables of :mod:`workbench.schema`.
    appearances : DataFrame
        Columns of ``schema.APPEARANCE`` and ``identity_id`` (missing: unidentified), by time.
    truth : DataFrame
        ``appearance_id, person``: whom each really shows, by number.
    answers : list of dict
        The planted stories: ``story, what, identities, cameras, start, end`` and what else a
        story needs; plain values that JSON can hold.
    """

    small: bool
    seed: int
    cameras: pd.DataFrame
    adjacency: pd.DataFrame
    outages: pd.DataFrame
    floor_plans: pd.DataFrame
    identities: pd.DataFrame
    appearances: pd.DataFrame
    truth: pd.DataFrame
    answers: list[dict[str, Any]]
    _seen: pd.DataFrame = field(repr=False)
    _looks: Looks = field(repr=False)

    def batches(self) -> Iterator[tuple[pd.DataFrame, np.ndarray, np.ndarray]]:
        """Yield appearances in order, a few thousand at a time, with faces and bodies.

        The vectors are float32, (n, 512); a face nobody could see is a row of NaN.
        """
        for number, first in enumerate(range(0, len(self.appearances), _BATCH)):
            rng = np.random.default_rng([self.seed, 5, number])
            rows = self._seen.iloc[first : first + _BATCH]
            frame = self.appearances.iloc[first : first + _BATCH].reset_index(drop=True)
            yield frame, self._looks.faces(rows, rng), self._looks.bodies(rows, rng)


def simulate(*, small: bool = False, seed: int = 7) -> Site:
    """Return the site of a seed: always the same, without network or files.

    Parameters
    ----------
    small : bool
        About 100 people on 2 days, 6,000 appearances; else 400 on 5 days, 40,000.
    seed : int
        Another seed, other people and days; the building stays.

    Examples
    --------
    >>> site = simulate(small=True)
    >>> len(site.cameras), site.appearances["timestamp"].min().day_name()
    (14, 'Monday')
    """
    people_rng, life_rng, eye_rng, story_rng, look_rng, name_rng = (
        np.random.default_rng([seed, int(small), n]) for n in range(6)
    )
    days = 2 if small else 5
    people = everybody(days, small=small, rng=people_rng)
    plan = stories.plan(people, days, story_rng)
    people = plan.people
    log = Log(life_rng)
    for person in people:
        for day in range(days):
            if person.days[day]:
                live(log, person, day, plan.dates.get((person.number, day), []))
    heights = np.array([person.height_m for person in people])
    seen = sightings(log.points(), heights, eye_rng)
    seen = seen[~plan.out_of_order(seen)].reset_index(drop=True)
    seen["pass_"] = pd.factorize(seen["camera"] * 1_000_000 + seen["track"])[0]
    twists = stories.twist(seen, plan, story_rng)
    looks = Looks.of(len(people), len(EYES), days, seed=seed, lookalikes=twists.lookalikes)
    seen = seen.join(looks.qualities(seen, look_rng))
    seen["crop"] = looks.crops(seen, look_rng)
    identity = _identified(seen, twists, story_rng)
    return _tables(small, seed, seen, identity, plan, twists, looks, name_rng)


# ------------------------------------------------------------------ who is recognised
def _identified(seen: pd.DataFrame, twists: stories.Twists, rng: np.random.Generator) -> np.ndarray:
    """Return the label of each sighting, -1 for nobody: the poorest passes, as whole passes."""
    label = twists.label.copy()
    facts = pd.DataFrame({"pass": seen["pass_"], "kept": twists.kept})
    facts["good"] = seen["reid_quality"] + 0.4 * seen["face_quality"].fillna(0.0)
    by = facts.groupby("pass").agg(good=("good", "mean"), kept=("kept", "any"), n=("good", "size"))
    by["good"] += rng.normal(0, 0.22, len(by))
    order = by[~by["kept"]].sort_values("good")
    lost = order[order["n"].cumsum() <= _UNIDENTIFIED * len(seen)].index
    label[np.isin(seen["pass_"], lost)] = -1
    return _no_strays(seen, label, twists.rare)


def _no_strays(seen: pd.DataFrame, label: np.ndarray, rare: Collection[int]) -> np.ndarray:
    """Return the labels without people of a single visit: nobody would know them."""
    at = seen["day"].to_numpy() * 86_400 + seen["t"].to_numpy()
    camera = seen["camera"].to_numpy()
    order = np.lexsort((at, camera, label))
    begins = np.diff(at[order], prepend=-np.inf) > _VISIT_S
    begins |= np.diff(camera[order], prepend=-1) != 0
    begins |= np.diff(label[order], prepend=-2) != 0
    visits = pd.Series(begins).groupby(label[order]).sum()
    strays = set(visits[visits < 2].index) - set(rare)
    return np.where(np.isin(label, list(strays)), -1, label)


# ------------------------------------------------------------------ tables
def _tables(
    small: bool,
    seed: int,
    seen: pd.DataFrame,
    label: np.ndarray,
    plan: stories.Plan,
    twists: stories.Twists,
    looks: Looks,
    rng: np.random.Generator,
) -> Site:
    names = _neutral_ids(len(plan.people) + twists.extra, rng)
    who = pd.Series(names, dtype="str").take(np.maximum(label, 0)).mask(label < 0)
    appearances = _appearances(seen, who.array, rng)
    identities = _identities(sorted(set(label) - {-1}), names, plan.people, twists, rng)
    return Site(
        small=small,
        seed=seed,
        cameras=cameras(),
        adjacency=adjacency(),
        outages=plan.outages(),
        floor_plans=drawing.floor_plans(),
        identities=identities,
        appearances=appearances,
        truth=pd.DataFrame({"appearance_id": appearances["id"], "person": seen["person"]}),
        answers=told(seen, plan, twists, names, appearances["id"]),
        _seen=seen,
        _looks=looks,
    )


def _neutral_ids(n: int, rng: np.random.Generator) -> list[str]:
    """Return ids in random order, with holes: a new one later does not stand out."""
    numbers = rng.permutation(int(n * 1.2))[:n] + 1
    return [f"id_{number:04d}" for number in numbers]


def _appearances(seen: pd.DataFrame, who: Any, rng: np.random.Generator) -> pd.DataFrame:
    n = len(seen)
    quality = seen["reid_quality"].to_numpy()
    face = seen["face_quality"].fillna(0.0).to_numpy()
    seconds = seen["day"].to_numpy() * 86_400 + seen["t"].to_numpy()
    moment = MONDAY + pd.to_timedelta((seconds * 1000).round().astype("int64"), unit="ms")
    eyes = np.array([eye.id for eye in EYES], dtype=object)[seen["camera"].to_numpy()]
    sure = np.clip(0.55 + 0.22 * quality + 0.2 * face + rng.normal(0, 0.05, n), 0.4, 0.99)
    found = np.clip(0.5 + 0.5 * quality**0.5 + rng.normal(0, 0.04, n), 0.35, 0.999)
    table = pd.DataFrame(
        {
            "id": [f"a{number:06d}" for number in range(1, n + 1)],
            "timestamp": moment,
            "camera_id": eyes,
            "tracking_id": "t" + seen["track"].astype("str").str.zfill(5),
            "frame": (seen["t"] * FPS).round().astype("int64"),
            "floor_x_m": seen["x"].round(2),
            "floor_y_m": seen["y"].round(2),
            "detection_confidence": found.round(3),
            "frame_path": seen["crop"],
            "match_confidence": pd.Series(sure.round(3)).mask(pd.isna(who)),
            "source_file": SOURCE,
            "source_row": np.arange(1, n + 1),
        }
        | {name: seen[name].round(1) for name in ("bbox_x", "bbox_y", "bbox_w", "bbox_h")}
        | {name: seen[name] for name in ("face_quality", "reid_quality", "blur_score")}
    )
    return schema.APPEARANCE.check(table).assign(identity_id=who)


def _identities(
    labels: list[int],
    names: list[str],
    people: list[Person],
    twists: stories.Twists,
    rng: np.random.Generator,
) -> pd.DataFrame:
    nameless = _nameless(labels, people, twists, rng)
    rows = []
    for label in labels:
        person = people[twists.owner_of(label)]
        named = label not in nameless
        said = {"role": person.role} | (
            {"department": person.department} if person.department else {}
        )
        rows.append(
            {
                "id": names[label],
                "name": person.name if named else None,
                "cluster_method": "enrolled" if named else "clustered",
                "properties": schema.canonical_json(said) if named else None,
            }
        )
    table = pd.DataFrame(rows).sort_values("id", ignore_index=True)
    return schema.IDENTITY.check(table)


def _nameless(
    labels: list[int], people: list[Person], twists: stories.Twists, rng: np.random.Generator
) -> set[int]:
    """Return the labels nobody has put a name to: some of each role, however many there are."""
    found = set(twists.unnamed)
    free = [int(label) for label in rng.permutation(labels) if label not in twists.named | found]
    for role, share in _NAMELESS.items():
        these = [label for label in free if people[twists.owner_of(label)].role == role]
        found |= set(these[: max(round(share * len(these)), 2)])
    return found


def cameras() -> pd.DataFrame:
    """Return the cameras of the building, as rows of ``schema.CAMERA``."""
    rows = [
        {
            "id": eye.id,
            "name": eye.name,
            "location": eye.location,
            "position_x": eye.x,
            "position_y": eye.y,
            "position_z": eye.z,
            "orientation": eye.orientation,
            "fov": eye.fov,
            "level": eye.level,
        }
        for eye in EYES
    ]
    return schema.CAMERA.check(pd.DataFrame(rows))


def adjacency() -> pd.DataFrame:
    """Return the ways between neighbouring cameras, as rows of ``schema.ADJACENT_TO``.

    From the middle of one field of view to the middle of the other, as people walk.
    """
    rows = []
    for a, b in building.NEIGHBOURS:
        one, two = EYES[a - 1], EYES[b - 1]
        back = (a, b) == (6, 7)  # the back way, which no camera sees
        path = way(_middle(one), _middle(two), Habit(back=back))
        slow = float((np.diff(path.along) * path.pace[1:]).sum())
        rows.append(
            {
                "from_camera": one.id,
                "to_camera": two.id,
                "distance_m": round(float(path.along[-1]), 1),
                "time_s": round(slow / _WALK_M_S, 0),
                "directed": False,
            }
        )
    return schema.ADJACENT_TO.check(pd.DataFrame(rows))


def _middle(eye: building.Eye) -> Spot:
    x, y = eye.spot
    here = next(
        s
        for s in building.SPACES
        if s.level == eye.level and s.x0 <= x <= s.x1 and s.y0 <= y <= s.y1
    )
    return Spot(eye.level, here.name, x, y)
