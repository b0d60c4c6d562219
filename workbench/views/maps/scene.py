"""One scene of a trajectory map: what is drawn of all days, or of one of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from workbench.views.maps.labels import Labels
from workbench.views.maps.moves import alarm_traces, alarms, change_traces, level_changes
from workbench.views.maps.plan import Ground, Plan
from workbench.views.maps.sheet import Sheet, cameras_traces, names_beside, one_legend
from workbench.views.maps.stays import local, moment, stops
from workbench.views.maps.stretches import (
    MANY,
    Tell,
    arcs,
    on_plan,
    path_entry,
    path_traces,
    short_traces,
    stretches_of,
    unseen_traces,
)
from workbench.views.style import Theme, escape

_OUTAGES = 6  # most that are named on the map
_ALARMS = 6  # most moves that cannot be with words, on one panel
_CHANGES = 3  # most changes of level with all words, on one panel
_SAME_PX = 40.0  # changes of level as near as this share their words
_CROWD = 60  # more dots than this on one panel are drawn smaller
_STOP_PX = 30.0  # visits as near as this share one tag with their numbers
_STOPS = 3  # most numbers on one tag


@dataclass(frozen=True, slots=True)
class Setting:
    """What is the same for every scene of a map."""

    ground: Ground
    sheet: Sheet
    look: Theme
    zone: ZoneInfo
    display_tz: str
    max_gap_s: float
    gaps: pd.DataFrame | None = None
    outages: pd.DataFrame | None = None
    implausible: pd.DataFrame | None = None
    people: Mapping[str, str] = field(default_factory=dict)

    @property
    def tell(self) -> Tell:
        """Return what says in hovers who went where and when."""
        return Tell(self.ground.names, self.people, self.zone, self.max_gap_s)


@dataclass(frozen=True, slots=True)
class Scene:
    """Some sightings, what is drawn of them (see :func:`stays.stops`) and the steps between."""

    label: str
    points: pd.DataFrame
    vertices: pd.DataFrame
    stretches: pd.DataFrame

    @classmethod
    def of(cls, label: str, points: pd.DataFrame, setting: Setting, most: int) -> Scene:
        """Return the scene of these sightings, thinned to about `most` positions."""
        vertices = stops(
            points,
            setting.ground,
            max_gap_s=setting.max_gap_s,
            zone=setting.zone,
            display_tz=setting.display_tz,
            most=most,
            people=setting.people,
        )
        return cls(label, points, vertices, stretches_of(vertices, setting.gaps, setting.max_gap_s))

    @property
    def span(self) -> tuple[int, int]:
        """Return its first and its last moment, in microseconds since the epoch."""
        if self.points.empty:
            return 0, 0
        return int(self.points["us"].min()), int(self.points["us"].max())

    def marks(self, number: int) -> np.ndarray:
        """Return spots along the path on one level, (n, 2): what names should not cover."""
        here = self.vertices[self.vertices["plan"] == number]
        lines = pd.concat([on_plan(self.stretches, number, kind) for kind in ("seen", "short")])
        middles = (
            lines[["x0", "y0"]].to_numpy("float64") + lines[["x1", "y1"]].to_numpy("float64")
        ) / 2
        bows = arcs(on_plan(self.stretches, number, "gap")).reshape(-1, 2)
        return np.vstack([here[["x", "y"]].to_numpy("float64"), middles, bows])


def empty_labels(scene: Scene, setting: Setting) -> tuple[dict[int, Labels], pd.Series]:
    """Return the labels of each panel with the cameras' names in place, and where these stand."""
    labels, places, ends = setting.sheet.labels(), [], _ends(scene.vertices)
    for number, plan in _panels(setting):
        labels[plan.panel].block(ends.loc[ends["plan"] == number, ["x", "y"]].to_numpy(), 13)
        labels[plan.panel].avoid(scene.marks(number))
        places.append(names_beside(plan, labels[plan.panel]))
    return labels, pd.concat(places)


def draw(
    scene: Scene, setting: Setting, labels: dict[int, Labels], places: pd.Series
) -> tuple[list[go.Scatter], list[dict[str, Any]]]:
    """Return the traces of a scene and its notes; `labels` are those with the cameras' names."""
    tell = setting.tell
    changes = level_changes(scene.stretches, setting.ground, tell)
    moves = alarms(setting.implausible, scene.points, scene.vertices, setting.ground, tell)
    traces: list[go.Scatter] = []
    notes: list[dict[str, Any]] = []
    for number, plan in _panels(setting):
        here = changes[changes["plan"] == number]
        wrong = moves[moves["plan"] == number]
        traces += _panel_traces(scene, setting, number, plan)
        traces += change_traces(here, plan, setting.look)
        traces += alarm_traces(wrong, plan, setting.look)
        traces += _cameras(scene, setting, plan, places)
        traces += _ends_traces(scene.vertices, number, plan, setting.look)
        stand = labels[plan.panel].copy()
        stand.avoid(scene.marks(number))
        writer = Notes(plan, stand, setting.look)
        notes += writer.tags(_stop_tags(scene, number, _STOP_PX / stand.scale))
        notes += writer.all(_words(scene, setting, number, here, wrong, stand))
    entries = [path_entry()] if len(scene.vertices) else []
    entries += [_stop_entry(setting.look)] if _numbered(scene) else []
    return one_legend([*entries, *traces]), notes


def _panels(setting: Setting) -> Iterator[tuple[int, Plan]]:
    return ((i, plan) for i, plan in enumerate(setting.ground.plans) if plan.panel)


def _panel_traces(scene: Scene, setting: Setting, number: int, plan: Plan) -> list[go.Scatter]:
    look, tell = setting.look, setting.tell
    seen, short, gone = (on_plan(scene.stretches, number, k) for k in ("seen", "short", "gap"))
    here = scene.vertices[scene.vertices["plan"] == number]
    return [
        *short_traces(short, plan, tell, look),
        *path_traces(seen, plan, scene.span, look),
        *unseen_traces(gone, plan, tell, look),
        *_dots(here, plan, scene.span[0], look),
    ]


def _dots(vertices: pd.DataFrame, plan: Plan, first: int, look: Theme) -> list[go.Scatter]:
    if vertices.empty:
        return []
    crowd = (len(vertices) > _CROWD) + (len(vertices) > MANY)
    small, edge = ((8.0, 1.0), (6.5, 0.7), (5.0, 0.4))[crowd]
    size = np.where(
        vertices["on_floor"],
        small,
        9.0 + 3.0 * np.log10(1.0 + vertices["dwell_s"].to_numpy("float64")),
    )
    return [
        go.Scatter(
            x=vertices["x"].tolist(),
            y=vertices["y"].tolist(),
            mode="markers",
            name="sighting",
            showlegend=False,
            marker={
                "size": np.minimum(size, 22).round(1).tolist(),
                "color": ((vertices["us"] - first) / 1e6).tolist(),
                "coloraxis": "coloraxis",
                "line": {"color": look.edge, "width": edge},
                "opacity": 1,
            },
            hovertext=vertices["hover"].tolist(),
            hovertemplate="%{hovertext}<extra></extra>",
            # Which appearance a dot is of: by it a page finds its crop.
            customdata=vertices["id"].astype("object").where(vertices["id"].notna(), None).tolist(),
            **plan.axes,
        )
    ]


def _cameras(scene: Scene, setting: Setting, plan: Plan, places: pd.Series) -> list[go.Scatter]:
    out = _out(scene, setting, plan)
    return cameras_traces(plan, places, out, set(out), setting.look)


def _out(scene: Scene, setting: Setting, plan: Plan) -> dict[str, str]:
    """Return what the hovers of the cameras say that were out in the time shown, by id."""
    outages, (first, last) = setting.outages, scene.span
    if outages is None or outages.empty or scene.points.empty:
        return {}
    start = outages["start"].dt.as_unit("us").astype("int64")
    end = outages["end"].dt.as_unit("us").astype("int64")
    rows = outages[outages["camera_id"].isin(plan.spots.index) & (start <= last) & (end > first)]
    notes: dict[str, str] = {}
    for row in rows.sort_values(["camera_id", "start"]).to_dict("records"):
        source = row.get("source")
        said = "" if pd.isna(source) else f" ({escape(source)})"
        line = f"<br>out {local(row['start'], setting.zone)} – {local(row['end'], setting.zone)}"
        notes[row["camera_id"]] = notes.get(row["camera_id"], "") + line + said
    return notes


def _ends(vertices: pd.DataFrame) -> pd.DataFrame:
    """Return where each identity begins and ends: ``word, when`` and the columns of a vertex."""
    one = vertices.drop_duplicates("who").assign(word="start")
    # Where cameras overlap, the visit that began last need not be the one that ended last.
    last = vertices.sort_values(["until", "us"], kind="stable")
    two = last.drop_duplicates("who", keep="last").assign(word="end")
    both = pd.concat([one, two])
    return both.assign(when=both["us"].where(both["word"] == "start", both["until"]))


def _ends_traces(vertices: pd.DataFrame, number: int, plan: Plan, look: Theme) -> list[go.Scatter]:
    ends = _ends(vertices)
    ends = ends[ends["plan"] == number]
    if ends.empty:
        return []
    shapes = {"start": "circle-open", "end": "square-open"}
    return [
        go.Scatter(
            x=ends["x"].tolist(),
            y=ends["y"].tolist(),
            mode="markers",
            name="start and end",
            showlegend=False,
            hoverinfo="skip",
            marker={
                "symbol": ends["word"].map(shapes).tolist(),
                "size": 22,
                "color": look.ink,
                "line": {"width": 2, "color": look.ink},
            },
            **plan.axes,
        )
    ]


@dataclass(frozen=True, slots=True)
class Word:
    """Something to write at a spot: plain text and how it is drawn."""

    x: float
    y: float
    text: str
    html: str
    kind: str = "soft"


def _words(
    scene: Scene,
    setting: Setting,
    number: int,
    changes: pd.DataFrame,
    moves: pd.DataFrame,
    stand: Labels,
) -> Iterator[Word]:
    """Yield what is written on one panel, the most telling first."""
    for move in moves.head(_ALARMS).to_dict("records"):
        x, y = (move["x0"] + move["x1"]) / 2, (move["y0"] + move["y1"]) / 2
        text = f"cannot be: {move['words']}"
        yield Word(x, y, text, f"<b>{text}</b>", "alarm")
    yield from _end_words(scene, setting, number)
    yield from outage_words(scene, setting, number)
    yield from _change_words(scene, setting, changes, _SAME_PX / stand.scale)


def _change_words(
    scene: Scene, setting: Setting, changes: pd.DataFrame, near_m: float
) -> Iterator[Word]:
    """Yield when she went up or down, once for all changes near one spot."""
    drawn = {i for i, _ in _panels(setting)}
    # Both ends of a change are marked; in words it stands once, where she left if that is drawn.
    told = changes[changes["leaving"] | (len(drawn) < len(setting.ground.plans))]
    short = len(told) > _CHANGES
    rest = told.assign(says=told["way"] if short else told["words"])
    while len(rest):
        one = rest.iloc[0]
        near = np.hypot(rest["x"] - one["x"], rest["y"] - one["y"]) <= near_m
        same = near & (rest["says"] == one["says"]) & (rest["why"] == one["why"])
        text = f"{one['says']} {_clocks(rest.loc[same, 'us'], scene, setting)}{one['why']}"
        yield Word(one["x"], one["y"], text, text, "ink")
        rest = rest[~same]


def _numbered(scene: Scene) -> bool:
    """Return whether the visits have numbers: those of one identity, if there are several."""
    return scene.vertices["who"].nunique() == 1 and int(scene.vertices["stop"].max()) > 1


def _stop_entry(look: Theme) -> go.Scatter:
    marker = {"symbol": "square", "size": 13, "color": look.paper,
              "line": {"color": look.soft, "width": 1}}  # fmt: skip
    return go.Scatter(
        x=[None], y=[None], mode="markers", name="1, 2, 3: visits in order of time", marker=marker
    )


def _stop_tags(scene: Scene, number: int, near_m: float) -> Iterator[tuple[float, float, str]]:
    """Yield where a tag with numbers of visits stands on one level, and what it says.

    Visits near each other share a tag, that of the first of them.
    """
    if not _numbered(scene):
        return
    here = scene.vertices[scene.vertices["plan"] == number]
    rest = here.groupby("stop")[["x", "y"]].mean()
    while len(rest):
        x, y = rest.iloc[0]
        near = np.hypot(rest["x"] - x, rest["y"] - y) <= near_m
        stops = rest.index[near].tolist()
        text = ", ".join(map(str, stops[:_STOPS])) + (" …" if len(stops) > _STOPS else "")
        yield float(x), float(y), text
        rest = rest[~near]


def _clocks(moments: pd.Series, scene: Scene, setting: Setting) -> str:
    """Return the first three times of day; of several days the day and time, or how often."""
    form = clock_style(scene.span, setting.zone).removesuffix(":%S")
    if form != "%H:%M" and len(moments) > 1:
        return f"{len(moments)} times"
    clocks = [moment(int(us), setting.zone, form) for us in moments[:3]]
    return ", ".join(clocks) + (f" +{len(moments) - 3}" if len(moments) > 3 else "")


def _end_words(scene: Scene, setting: Setting, number: int) -> Iterator[Word]:
    several = scene.vertices["who"].nunique() > 1
    form = clock_style(scene.span, setting.zone)
    ends = _ends(scene.vertices)
    for end in ends[ends["plan"] == number].to_dict("records"):
        whose = f"{escape(end['who'], longest=20)}: " if several else ""
        when = moment(int(end["when"]), setting.zone, form)
        text = f"{whose}{end['word']}"
        yield Word(end["x"], end["y"], f"{text} {when}", f"<b>{text}</b> {when}", "must")


def outage_words(scene: Scene, setting: Setting, number: int) -> Iterator[Word]:
    """Yield which camera's outage explains a gap, at the middle of its bow on one level."""
    gone = on_plan(scene.stretches, number, "gap")
    out = gone[(gone["reason"] == "outage").fillna(False)]
    longest = out.loc[(out["to_us"] - out["from_us"]).nlargest(_OUTAGES).index]
    names = setting.ground.names
    for bow, step in zip(arcs(longest), longest.to_dict("records"), strict=True):
        name = names.get(step["outage_camera"], step["outage_camera"])
        text = f"outage: {escape(name, longest=28)}"
        yield Word(float(bow[6, 0]), float(bow[6, 1]), text, text)


def clock_style(span: tuple[int, int], zone: ZoneInfo) -> str:
    """Return how the times of a scene are written: with the day if they are of several."""
    first, last = span
    one_day = moment(first, zone, "%Y-%m-%d") == moment(last, zone, "%Y-%m-%d")
    return "%H:%M:%S" if one_day else "%d %b %H:%M"


@dataclass(frozen=True, slots=True)
class Notes:
    """Writes words on one panel where there is room."""

    plan: Plan
    labels: Labels
    look: Theme

    def all(self, words: Iterator[Word]) -> list[dict[str, Any]]:
        """Return these words as notes, each as near its spot as there is room."""
        notes = []
        for word in words:
            place = self.labels.near(word.x, word.y, word.text, always=word.kind == "must")
            if place is not None:
                notes.append(self._note(word, *place))
        return notes

    def tags(self, tags: Iterator[tuple[float, float, str]]) -> list[dict[str, Any]]:
        """Return a small frame with numbers at each of these spots that has room for one."""
        places = ((x, y, text, self.labels.tag(x, y, text)) for x, y, text in tags)
        return [
            {
                "x": x,
                "y": y,
                "xref": self.plan.axes["xaxis"],
                "yref": self.plan.axes["yaxis"],
                "text": f"<b>{text}</b>",
                "showarrow": False,
                "xshift": place[0],
                "yshift": place[1],
                "bgcolor": self.look.paper,
                "bordercolor": self.look.soft,
                "borderpad": 1,
                "font": {"size": 10, "color": self.look.ink},
            }
            for x, y, text, place in places
            if place is not None
        ]

    def _note(self, word: Word, right: int, up: int) -> dict[str, Any]:
        line = {"alarm": self.look.alarm, "soft": self.look.soft}.get(word.kind, self.look.ink)
        return {
            "x": float(word.x),
            "y": float(word.y),
            "xref": self.plan.axes["xaxis"],
            "yref": self.plan.axes["yaxis"],
            "text": word.html,
            "ax": right,
            "ay": -up,
            "showarrow": True,
            "arrowhead": 0,
            "arrowwidth": 1,
            "arrowcolor": line,
            "standoff": 8,
            "bgcolor": self.look.veil,
            "borderpad": 3,
            "font": {"size": 12, "color": line if word.kind == "alarm" else self.look.ink},
        }
