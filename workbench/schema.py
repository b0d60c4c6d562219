"""Every table once: columns, kinds, units, keys. Checks and database definitions derive from it.

A table of the product is a :class:`Table`. What moves between the stations of this package are
DataFrames with these columns; a store derives its own definitions (SQL, constraints) from them.
The kinds a column can be of are those of :mod:`workbench.kinds`.
"""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from workbench.errors import InvalidInputError
from workbench.kinds import JSON_LENGTH as JSON_LENGTH
from workbench.kinds import Column as Column
from workbench.kinds import canonical_json as canonical_json
from workbench.kinds import coerce_column as coerce_column
from workbench.kinds import properties_text as properties_text


@dataclass(frozen=True, slots=True)
class Table:
    """A table: a kind of node or of edge, its columns and its key.

    A ``derived`` one is never written by a caller: it follows from the others.
    """

    name: str
    label: str
    doc: str
    columns: tuple[Column, ...]
    key: tuple[str, ...] = ("id",)
    edge: bool = False
    derived: bool = False

    @property
    def names(self) -> list[str]:
        """Return the column names in order."""
        return [column.name for column in self.columns]

    def column(self, name: str) -> Column:
        """Return the column called `name`."""
        return next(column for column in self.columns if column.name == name)

    def empty(self) -> pd.DataFrame:
        """Return a table of no rows with the right columns and dtypes."""
        return pd.DataFrame({c.name: pd.Series([], dtype=c.dtype) for c in self.columns})

    def coerce(self, frame: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
        """Return the rows in this table's columns and dtypes, and what is wrong with them.

        Parameters
        ----------
        frame : DataFrame
            Any subset of the columns, typed or as text; columns of other names are left out.

        Returns
        -------
        rows : DataFrame
            All columns of the table, one row for each row given, index 0 to n - 1.
        problems : DataFrame
            Columns ``row`` (position), ``column``, ``value``, ``reason``; empty if all is well.
            A cell with a problem is missing in `rows`.
        """
        as_table(frame)
        found: list[pd.DataFrame] = []
        rows: dict[str, pd.Series] = {}
        for column in self.columns:
            if column.name not in frame.columns:
                rows[column.name] = column.missing(len(frame))
                reasons = pd.Series(pd.NA, index=range(len(frame)), dtype="str")
                given = rows[column.name]
            else:
                given = frame[column.name].reset_index(drop=True)
                rows[column.name], reasons = coerce_column(given, column)
            if column.required:
                reasons = reasons.mask(rows[column.name].isna() & reasons.isna(), "missing")
            wrong = reasons.notna().to_numpy().nonzero()[0]
            if len(wrong):
                found.append(
                    pd.DataFrame(
                        {
                            "row": wrong,
                            "column": column.name,
                            "value": [_shown(value) for value in given.iloc[wrong]],
                            "reason": reasons.iloc[wrong].to_numpy(),
                        }
                    )
                )
        return pd.DataFrame(rows), _problems(found)

    def check(self, frame: pd.DataFrame) -> pd.DataFrame:
        """Return the rows in this table's columns and dtypes.

        Raises
        ------
        InvalidInputError
            Naming the first row, column and value that cannot be used, or a key given twice.
        """
        rows, problems = self.coerce(frame)
        if len(problems):
            first = problems.iloc[0]
            more = len(problems) - 1
            raise InvalidInputError(
                f"{self.label}: {first['column']} {first['value']!r} cannot be used: "
                f"{first['reason']}{f' (and {more} more)' if more else ''}.",
                where=f"row {first['row']}, column {first['column']}",
                next="Correct the value and give the table again; nothing was written.",
            )
        twice = rows.duplicated(list(self.key), keep="first").to_numpy().nonzero()[0]
        if len(twice):
            key = ", ".join(str(rows.iloc[twice[0]][name]) for name in self.key)
            raise InvalidInputError(
                f"{self.label}: {' and '.join(self.key)} {key!r} is given twice.",
                where=f"row {twice[0]}, column {self.key[0]}",
                next="Give each one once; nothing was written.",
            )
        return rows


def as_table(given: object) -> pd.DataFrame:
    """Return what was given as a table with text for column names, each another.

    Raises
    ------
    InvalidInputError
        When it is no DataFrame, or a column's name is no text or there twice.
    """
    if not isinstance(given, pd.DataFrame):
        raise InvalidInputError(
            f"A table is needed, not {type(given).__name__}.",
            where="the table given",
            next="Give a pandas DataFrame, one row each.",
        )
    odd = [name for name in given.columns if not isinstance(name, str)]
    twice = given.columns[given.columns.duplicated()]
    if odd or len(twice):
        said = f"{odd[0]!r} is no text" if odd else f"{twice[0]!r} is there twice"
        raise InvalidInputError(
            f"A table needs a name for each column: {said[:300]}.",
            where=f"columns: {', '.join(map(str, given.columns))[:300]}",
            next="Name every column once, as text.",
        )
    return given


def _problems(found: list[pd.DataFrame]) -> pd.DataFrame:
    if not found:
        return pd.DataFrame(
            {
                "row": pd.Series([], dtype="int64"),
                "column": pd.Series([], dtype="str"),
                "value": pd.Series([], dtype="str"),
                "reason": pd.Series([], dtype="str"),
            }
        )
    return pd.concat(found, ignore_index=True).sort_values("row", kind="stable", ignore_index=True)


def _shown(value: object) -> str:
    text = "" if value is None or value is pd.NA or value is pd.NaT else str(value)
    text = text.encode("utf-8", "backslashreplace").decode()
    return text if len(text) <= 200 else text[:197] + "..."


# --------------------------------------------------------------------------------------------
# The tables
# --------------------------------------------------------------------------------------------
_CREATED = Column("created_at", "time", "When the row was first written.")
_UPDATED = Column("updated_at", "time", "When the row last changed.")
_PROPERTIES = Column("properties", "json", "Everything else that came with it.")
_LOAD = Column("load_id", "id", "The load that brought it.", references="load")

IDENTITY = Table(
    "identity",
    "Identity",
    "One person or vehicle, as far as is known.",
    (
        Column("id", "id", "Key.", required=True),
        Column("name", "text", "What people call her."),
        Column(
            "cluster_method", "text", "How the identity was made: ingest, manual, a clustering."
        ),
        Column("stated_confidence", "float", "Confidence stated by whoever created the identity."),
        Column("merge_history", "json", "Ids of the identities merged into this one."),
        _PROPERTIES,
        _LOAD,
        _CREATED,
        _UPDATED,
        Column("first_seen", "time", "Earliest appearance, clocks corrected.", statistic=True),
        Column("last_seen", "time", "Latest appearance, clocks corrected.", statistic=True),
        Column("num_appearances", "int", "Appearances linked.", statistic=True),
        Column("num_cameras", "int", "Cameras among them.", statistic=True),
        Column(
            "confidence_score",
            "float",
            "Mean confidence of the links to her appearances; the stated one while none has any.",
            statistic=True,
        ),
        Column("has_face", "bool", "Whether an appearance has a face vector.", statistic=True),
    ),
)

CAMERA = Table(
    "camera",
    "Camera",
    "A camera: where it hangs and where it looks.",
    (
        Column("id", "id", "Key.", required=True),
        Column("name", "text", "What people call it."),
        Column("location", "text", "Where it is, in words."),
        Column("position_x", "float", "East of the origin.", "m"),
        Column("position_y", "float", "North (up on the plan) of the origin.", "m"),
        Column("position_z", "float", "Height.", "m"),
        Column("orientation", "float", "Where it looks, clockwise from +y.", "degrees"),
        Column("fov", "float", "Horizontal field of view.", "degrees", above=0),
        Column("level", "text", "Level of the floor plan it is on."),
        Column(
            "clock_offset_s",
            "float",
            "Added to its recorded times on reading.",
            "s",
            minimum=-1e10,
            maximum=1e10,
        ),
        _PROPERTIES,
        _LOAD,
        _CREATED,
        _UPDATED,
    ),
)

PLACE = Table(
    "place",
    "Place",
    "Where people were counted together without a camera, as one contact of a contact list.",
    (
        Column("id", "id", "Key.", required=True),
        Column("name", "text", "What people call it."),
        _PROPERTIES,
        _LOAD,
        _CREATED,
    ),
)

APPEARANCE = Table(
    "appearance",
    "Appearance",
    "One detection: a time, a camera or place, perhaps a box, a track, a floor position.",
    (
        Column("id", "id", "Key.", required=True),
        Column("timestamp", "time", "When, as recorded.", required=True),
        Column("camera_id", "id", "The camera that saw it.", references="camera"),
        Column("place_id", "id", "The place, where there was no camera.", references="place"),
        Column("tracking_id", "id", "Track within the camera."),
        Column("frame", "int", "Frame number in its video."),
        Column("bbox_x", "float", "Left edge of the box.", "px"),
        Column("bbox_y", "float", "Top edge of the box.", "px"),
        Column("bbox_w", "float", "Width of the box.", "px", minimum=0),
        Column("bbox_h", "float", "Height of the box.", "px", minimum=0),
        Column("floor_x_m", "float", "Position on the floor plan, east.", "m"),
        Column("floor_y_m", "float", "Position on the floor plan, north.", "m"),
        Column("detection_confidence", "float", "Score of the detector."),
        Column("face_quality", "float", "Quality of the face crop."),
        Column("reid_quality", "float", "Quality of the body crop."),
        Column("blur_score", "float", "Blur of the crop."),
        Column("frame_path", "text", "Picture of the frame or crop."),
        Column("match_confidence", "float", "Score of the identity given with it."),
        _PROPERTIES,
        _LOAD,
        Column("source_file", "text", "File it came from."),
        Column("source_row", "int", "Data row in that file, from 1."),
        _CREATED,
    ),
)

HAS_APPEARANCE = Table(
    "has_appearance",
    "HAS_APPEARANCE",
    "An identity's link to an appearance; an appearance has at most one.",
    (
        Column("identity_id", "id", "Whose.", required=True, references="identity"),
        Column("appearance_id", "id", "Which.", required=True, references="appearance"),
        Column("confidence", "float", "Confidence in the link."),
        Column("method", "text", "deterministic, probabilistic, manual."),
        _CREATED,
    ),
    key=("appearance_id",),
    edge=True,
)

PROBABLE_MATCH = Table(
    "probable_match",
    "PROBABLE_MATCH",
    "Two appearances that may show one identity; a comes before b.",
    (
        Column("appearance_a", "id", "The lesser id.", required=True, references="appearance"),
        Column("appearance_b", "id", "The greater id.", required=True, references="appearance"),
        Column("similarity", "float", "Combined score."),
        Column("face_similarity", "float", "Cosine of the faces."),
        Column("reid_similarity", "float", "Cosine of the bodies."),
        Column("method", "text", "face, reid or hybrid."),
        Column("temporal_gap", "float", "Time between the two.", "s"),
        _CREATED,
    ),
    key=("appearance_a", "appearance_b"),
    edge=True,
)

ADJACENT_TO = Table(
    "adjacent_to",
    "ADJACENT_TO",
    "A way from one camera to another; both ways unless directed.",
    (
        Column("from_camera", "id", "From.", required=True, references="camera"),
        Column("to_camera", "id", "To.", required=True, references="camera"),
        Column("distance_m", "float", "Length of the way.", "m", minimum=0),
        Column("time_s", "float", "Usual time it takes.", "s", minimum=0),
        Column("directed", "bool", "Only from -> to."),
        _LOAD,
        _CREATED,
    ),
    key=("from_camera", "to_camera"),
    edge=True,
)

OUTAGE = Table(
    "outage",
    "Outage",
    "A time in which a camera saw nothing because it was out.",
    (
        Column("camera_id", "id", "Which camera.", required=True, references="camera"),
        Column("start", "time", "From, included.", required=True),
        Column("end", "time", "To, excluded.", required=True),
        Column("source", "text", "Who says so."),
        _LOAD,
        _CREATED,
    ),
    key=("camera_id", "start"),
)

FLOOR_PLAN = Table(
    "floor_plan",
    "FloorPlan",
    "The drawing of one level and how it lies in metres.",
    (
        Column("level", "text", "Key.", required=True),
        Column("image", "blob", "PNG, JPEG or WebP.", required=True),
        Column("media_type", "text", "image/png, image/jpeg, image/webp.", required=True),
        Column("width_px", "int", "Width of the image.", "px", required=True, minimum=1),
        Column("height_px", "int", "Height of the image.", "px", required=True, minimum=1),
        Column("metres_per_pixel", "float", "Scale.", "m/px", required=True, above=0),
        Column("origin_x_px", "float", "Pixel column of the point (0, 0) m.", "px", required=True),
        Column("origin_y_px", "float", "Pixel row of the point (0, 0) m.", "px", required=True),
        _LOAD,
        _CREATED,
    ),
    key=("level",),
)

TAG = Table(
    "tag",
    "Tag",
    "A category: kind (zone, watchlist, genre, ...) and name.",
    (
        Column("id", "id", "Key: 'kind:name'.", required=True),
        Column("kind", "text", "What sort of category.", required=True),
        Column("name", "text", "Its name.", required=True),
        _PROPERTIES,
        _CREATED,
    ),
)

TAGGED_IDENTITY = Table(
    "tagged_identity",
    "TAGGED_IDENTITY",
    "An identity carries a tag.",
    (
        Column("tag_id", "id", "The tag.", required=True, references="tag"),
        Column("identity_id", "id", "Who carries it.", required=True, references="identity"),
        Column("weight", "float", "How strongly."),
        _CREATED,
    ),
    key=("tag_id", "identity_id"),
    edge=True,
)

TAGGED_APPEARANCE = Table(
    "tagged_appearance",
    "TAGGED_APPEARANCE",
    "An appearance carries a tag.",
    (
        Column("tag_id", "id", "The tag.", required=True, references="tag"),
        Column("appearance_id", "id", "What carries it.", required=True, references="appearance"),
        Column("weight", "float", "How strongly."),
        _CREATED,
    ),
    key=("tag_id", "appearance_id"),
    edge=True,
)

CAPTURED_BY = Table(
    "captured_by",
    "CAPTURED_BY",
    "The camera of an appearance.",
    (
        Column("appearance_id", "id", "Which.", required=True, references="appearance"),
        Column("camera_id", "id", "By which camera.", required=True, references="camera"),
        Column("timestamp", "time", "When, as recorded.", required=True),
    ),
    key=("appearance_id",),
    edge=True,
    derived=True,
)

NEXT = Table(
    "next",
    "NEXT",
    "From an appearance to the same identity's next one, clocks corrected, ties by id.",
    (
        Column("from_appearance", "id", "Earlier.", required=True, references="appearance"),
        Column("to_appearance", "id", "Later.", required=True, references="appearance"),
        Column("time_delta", "int", "Time between them.", "ms"),
        Column("same_camera", "bool", "Whether one camera saw both."),
    ),
    key=("from_appearance",),
    edge=True,
    derived=True,
)

SAME_TRACK = Table(
    "same_track",
    "SAME_TRACK",
    "From an appearance to the next one of its (camera, track).",
    (
        Column("from_appearance", "id", "Earlier.", required=True, references="appearance"),
        Column("to_appearance", "id", "Later.", required=True, references="appearance"),
        Column("method", "text", "Always deterministic."),
        Column("tracking_id", "id", "The track."),
    ),
    key=("from_appearance",),
    edge=True,
    derived=True,
)

LOAD = Table(
    "load",
    "Load",
    "One run of the loader: what was read, under which options.",
    (
        Column("id", "id", "Key.", required=True),
        Column("options", "json", "The options that decide what the rows mean.", required=True),
        Column("at", "time", "When it began.", required=True),
        Column("complete", "bool", "Whether it reached its end.", required=True),
        Column("rows", "int", "Data rows of the appearance files."),
    ),
)

LOAD_FILE = Table(
    "load_file",
    "LoadFile",
    "One file of a load.",
    (
        Column("load_id", "id", "The load.", required=True, references="load"),
        Column("position", "int", "Place in the command.", required=True),
        Column("role", "text", "appearances, contacts, cameras, vectors:face, ...", required=True),
        Column("name", "text", "Name of the file.", required=True),
        Column("sha256", "text", "Of its bytes.", required=True),
        Column("options", "json", "What its rows mean.", required=True),
        Column("rows", "int", "Data rows."),
    ),
    key=("load_id", "position"),
)

LOAD_CHANGE = Table(
    "load_change",
    "LoadChange",
    "A row that a load changed and did not bring, as it was before: taking the load back needs it.",
    (
        Column("load_id", "id", "The load.", required=True, references="load"),
        Column("label", "text", "Label or kind of the row.", required=True),
        Column("key", "json", "Key of the row.", required=True),
        Column("before", "json", "The row as it was.", required=True),
    ),
    key=("load_id", "label", "key"),
)

# What a reader of appearances gets: the appearance, whose it is, and its corrected time.
SIGHTING = Table(
    "sighting",
    "Sighting",
    "An appearance with its identity; timestamp has the camera's clock offset added.",
    (
        *APPEARANCE.columns,
        Column("timestamp_recorded", "time", "The time as recorded."),
        Column("identity_id", "id", "Whose it is; missing while unidentified."),
        Column("confidence", "float", "Confidence of that link."),
        Column("method", "text", "How the link was made."),
    ),
)

NODES: dict[str, Table] = {
    table.label: table
    for table in (
        LOAD,
        LOAD_FILE,
        LOAD_CHANGE,
        CAMERA,
        PLACE,
        IDENTITY,
        APPEARANCE,
        OUTAGE,
        FLOOR_PLAN,
        TAG,
    )
}
EDGES: dict[str, Table] = {
    table.label: table
    for table in (
        HAS_APPEARANCE,
        CAPTURED_BY,
        NEXT,
        SAME_TRACK,
        PROBABLE_MATCH,
        ADJACENT_TO,
        TAGGED_IDENTITY,
        TAGGED_APPEARANCE,
    )
}
