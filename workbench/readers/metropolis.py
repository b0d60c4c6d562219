"""NVIDIA Metropolis: what its perception, behaviour and multi-camera services write as JSON.

============ ===============================================================================
frame        ``sensorId, id, timestamp, objects: [...]``: a row for each object
message      ``sensor: {id}, @timestamp, object: {...}``: one row
behaviour    ``sensorId, objectId, timestamp, end, bboxes: [...], ...``: a row for each moment
multi-camera ``globalId, matched: [behaviour, ...]``: the same, of one identity
============ ===============================================================================

A sensor is the camera, an object's id its track there, a global id the identity. A behaviour that
lists no moments stands for two: its beginning and its end. ``coordinate`` and ``locations`` are
metres on the floor where the calibration of the site is Cartesian (x right, y up); the embedding
goes to a vector space. Names follow the published schemas (nv.schema, mdx.mtmc.schema).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from workbench.readers.json_lines import JsonFile

MEANING = {
    "timestamp": "timestamp",
    "camera_id": "sensorId",
    "identity_id": "globalId",
    "tracking_id": "objectId",
    "frame": "frame",
    "detection_confidence": "confidence",
    "floor_x_m": "x",
    "floor_y_m": "y",
    "bbox_x1": "leftX",
    "bbox_y1": "topY",
    "bbox_x2": "rightX",
    "bbox_y2": "bottomY",
}
_BOX = ("leftX", "topY", "rightX", "bottomY")
_OLD_BOX = ("topleftx", "toplefty", "bottomrightx", "bottomrighty")
_FIRST = ("timestamp", "sensorId", "globalId", "objectId", "frame", "type", "confidence", *_BOX)
COLUMNS = (*_FIRST, "x", "y")
_LISTS = ("timestamps", "frameIds", "bboxes", "confidences", "locations", "embeddings")
_USED = {"id", "bbox", "embedding", "coordinate", "confidence", "type", "objectType"}


class MetropolisFile(JsonFile):
    """The messages of NVIDIA Metropolis as text, one row for each object and moment."""

    format = "metropolis"

    @property
    def meaning(self) -> Mapping[str, str]:  # type: ignore[override]
        """Return what the columns mean, of those that are there."""
        return {ours: their for ours, their in MEANING.items() if their in self.columns}

    def flat(self, value: dict[str, Any]) -> Iterable[dict[str, Any]]:
        """Return the rows of one message."""
        if "matched" in value:
            behaviours = _dicts(value["matched"], "matched")
            who = {"globalId": value.get("globalId"), "type": value.get("objectType")}
            return [row for one in behaviours for row in _behaviour(one, who)]
        if value.get("objects") is not None:
            return [_object(one, _seen(value)) for one in _dicts(value["objects"], "objects")]
        if isinstance(value.get("object"), dict):
            return [_object(value["object"], _seen(value) | _rest(value))]
        return _behaviour(value, {"globalId": value.get("globalId")})


def is_metropolis(value: Any) -> bool:
    """Return whether a record is one of these messages.

    Examples
    --------
    >>> is_metropolis({"sensorId": "cam1", "timestamp": "...", "objects": []})
    True
    """
    if not isinstance(value, dict):
        return False
    of_frame = "sensorId" in value and isinstance(value.get("objects"), list)
    of_many = "globalId" in value and isinstance(value.get("matched"), list)
    of_one = isinstance(value.get("sensor"), dict) and isinstance(value.get("object"), dict)
    of_time = {"sensorId", "objectId", "timestamp", "end"} <= set(value)
    return of_frame or of_many or of_one or of_time


def _seen(value: dict[str, Any]) -> dict[str, Any]:
    """Return when and by which sensor a message was."""
    sensor = value.get("sensor")
    return {
        "timestamp": value.get("timestamp", value.get("@timestamp")),
        "sensorId": value.get("sensorId", sensor.get("id") if isinstance(sensor, dict) else None),
        "globalId": value.get("globalId"),
        "frame": value.get("frame", value.get("id") if "objects" in value else None),
    }


def _rest(value: dict[str, Any]) -> dict[str, Any]:
    """Return what a message says besides, to be kept as properties."""
    known = {"timestamp", "@timestamp", "sensorId", "sensor", "object", "globalId", "frame"}
    return _said(value, known | {"id"})


def _said(value: dict[str, Any], known: set[str]) -> dict[str, Any]:
    """Return what is said besides what is known, without what says nothing."""
    return {
        key: said
        for key, said in value.items()
        if key not in known and said is not None and said not in ("", [], {})
    }


def _object(one: dict[str, Any], seen: dict[str, Any]) -> dict[str, Any]:
    known = {*_USED, "globalId"}
    row = seen | _said(one, known)
    row["globalId"] = one.get("globalId", seen.get("globalId"))
    row |= {"objectId": one.get("id"), "type": one.get("type"), "confidence": one.get("confidence")}
    row |= _box(one.get("bbox")) | _place(one.get("coordinate")) | _vector(one.get("embedding"))
    return _whole(row)


def _behaviour(value: dict[str, Any], who: dict[str, Any]) -> list[dict[str, Any]]:
    """Return a row for each moment of a behaviour, or for its beginning and its end."""
    used = {*_USED, *_LISTS, "timestamp", "end", "startFrame", "endFrame", "objectId", "sensorId"}
    used |= {"locationMask", "embeddingMask", "roiMask", "sensor", "object"}
    base = _said(value, used)
    base |= {name: said for name, said in who.items() if said is not None}
    base |= {"sensorId": _seen(value)["sensorId"], "objectId": value.get("objectId")}
    base["type"] = value.get("objectType", who.get("type"))
    moments = value.get("timestamps")
    if not moments:
        ends = [("timestamp", "startFrame"), ("end", "endFrame")]
        found = [{"timestamp": value.get(t), "frame": value.get(f)} for t, f in ends if t in value]
        return [_whole(base | one) for one in found]
    listed = {name: _list(value, name, len(moments)) for name in _LISTS}
    return [
        _whole(
            base
            | {"timestamp": moment, "frame": listed["frameIds"][n]}
            | {"confidence": listed["confidences"][n]}
            | _box(listed["bboxes"][n])
            | _place(listed["locations"][n])
            | _vector(listed["embeddings"][n])
        )
        for n, moment in enumerate(moments)
    ]


def _list(value: dict[str, Any], name: str, moments: int) -> list[Any]:
    """Return a list of a behaviour, spread by its mask where it holds the masked moments only."""
    found = value.get(name) or []
    mask = value.get(f"{name.removesuffix('s')}Mask")
    if not isinstance(found, list):
        raise ValueError(f"{name} is no list")
    if len(found) == moments or not found:
        return found or [None] * moments
    if isinstance(mask, list) and len(mask) == moments and sum(map(bool, mask)) == len(found):
        left = iter(found)
        return [next(left) if one else None for one in mask]
    raise ValueError(f"{len(found)} {name} for {moments} timestamps")


def _box(said: Any) -> dict[str, Any]:
    if not isinstance(said, dict):
        return {}
    names = _OLD_BOX if _OLD_BOX[0] in said else _BOX
    return {ours: said.get(their) for ours, their in zip(_BOX, names, strict=True)}


def _place(said: Any) -> dict[str, Any]:
    if isinstance(said, dict):
        return {"x": said.get("x"), "y": said.get("y")}
    return {"x": said[0], "y": said[1]} if isinstance(said, list) and len(said) >= 2 else {}


def _vector(said: Any) -> dict[str, Any]:
    vector = said.get("vector") if isinstance(said, dict) else said
    return {"embedding": vector} if vector else {}


def _whole(row: dict[str, Any]) -> dict[str, Any]:
    """Return a row with the columns of the format first, in their order."""
    return dict.fromkeys(COLUMNS) | row


def _dicts(said: Any, name: str) -> Iterator[dict[str, Any]]:
    if not isinstance(said, list) or not all(isinstance(one, dict) for one in said):
        raise ValueError(f"{name} is no list of objects")
    yield from said
