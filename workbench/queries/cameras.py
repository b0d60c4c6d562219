"""``bench.cameras``: where the eyes are, and the ways between them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pandas as pd

from workbench.analytics.paths import By, CameraPath, camera_path, warn_if_complete
from workbench.model import Camera
from workbench.queries.picture import Picture
from workbench.queries.ranges import Ids, Moment, selection
from workbench.queries.tracks import MAX_GAP_S, Tracks
from workbench.queries.unknown import unknown
from workbench.storage.manager import HybridStorageManager

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

    from workbench.views.style import ThemeName


@dataclass(frozen=True, slots=True)
class CameraMap(Picture):
    """Where the cameras are and how people move between them: tables, and a map of them.

    Parameters
    ----------
    cameras : DataFrame
        Columns of ``schema.CAMERA``.
    adjacency : DataFrame
        Columns of ``schema.ADJACENT_TO``.
    flow : DataFrame
        ``from_camera, to_camera, transitions, median_s``.
    outages, floor_plans : DataFrame
        Columns of ``schema.OUTAGE`` and ``schema.FLOOR_PLAN``.
    """

    cameras: pd.DataFrame
    adjacency: pd.DataFrame
    flow: pd.DataFrame
    outages: pd.DataFrame = field(repr=False)
    floor_plans: pd.DataFrame = field(repr=False)
    _display_tz: str = field(default="UTC", repr=False)

    def __repr__(self) -> str:
        apart = self.flow["from_camera"] != self.flow["to_camera"]
        levels = self.cameras["level"].nunique()
        return (
            f"Map of {len(self.cameras)} cameras"
            + (f" on {levels} levels" if levels > 1 else "")
            + f": {len(self.adjacency)} ways, {self.flow['transitions'][apart].sum()} moves"
        )

    def to_frame(self) -> pd.DataFrame:
        """Return the flow: ``from_camera, to_camera, transitions, median_s`` (seconds)."""
        return self.flow.copy()

    def plot(
        self,
        *,
        title: str | None = None,
        level: str | None = None,
        theme: ThemeName = "light",
    ) -> Figure:
        """Return the map: cameras on the plan of each level, ways, moves as arrows by width."""
        from workbench.views.maps.camera_map import camera_map

        return camera_map(
            self.cameras,
            adjacency=self.adjacency,
            flow=self.flow,
            floor_plans=self.floor_plans,
            outages=self.outages,
            level=level,
            title=title,
            display_tz=self._display_tz,
            theme=theme,
        )


class Cameras:
    """Cameras, adjacency, outages, floor plans."""

    def __init__(self, manager: HybridStorageManager, *, display_tz: str = "UTC") -> None:
        self._manager = manager
        self._display_tz = display_tz

    def add(self, frame: pd.DataFrame) -> int:
        """Create cameras (columns of ``schema.CAMERA``), all or none; return how many were new.

        Raises
        ------
        InvalidInputError, ConflictError
            Nothing was written.
        """
        return self._manager.add_cameras(frame)

    def add_adjacency(self, frame: pd.DataFrame) -> int:
        """Write ways between cameras (columns of ``schema.ADJACENT_TO``); return how many.

        A way joins neighbours: two cameras with no other between them. The distances of all pairs
        are no adjacency; an ``AdjacencyWarning`` says so.
        """
        written = self._manager.add_adjacency(frame)
        warn_if_complete(frame)
        return written

    def add_outages(self, frame: pd.DataFrame) -> int:
        """Write outages (``camera_id, start, end, source``); return how many were new."""
        return self._manager.add_outages(frame)

    def update(self, frame: pd.DataFrame) -> int:
        """Change cameras by ``id``: the columns given, where not missing; return how many."""
        return self._manager.update_cameras(frame)

    def delete(self, ids: str | Sequence[str]) -> int:
        """Delete cameras that saw nothing; return how many."""
        return self._manager.delete_cameras([ids] if isinstance(ids, str) else ids)

    def get(self, camera_id: str) -> Camera:
        """Return one camera.

        Raises
        ------
        NotFoundError
            When it is not there.
        """
        found = self._manager.get_camera(camera_id)
        if found is None:
            raise unknown(self._manager.graph, "Camera", camera_id)
        return found

    def all(self) -> pd.DataFrame:
        """Return every camera, in order of id."""
        return self._manager.graph.nodes("Camera")

    def search(
        self,
        *,
        start: Moment = None,
        end: Moment = None,
        tz: str | None = None,
        camera: Ids = None,
        identity: Ids = None,
    ) -> pd.DataFrame:
        """Return the cameras that saw something of the kind, in order of id."""
        rows = self.all()
        if start is None and end is None and camera is None and identity is None:
            return rows
        chosen = selection(
            self._manager.graph, start=start, end=end, tz=tz, camera=camera, identity=identity
        )
        seen = self._manager.graph.sightings(chosen)["camera_id"]
        return rows[rows["id"].isin(seen)].reset_index(drop=True)

    def adjacency(self) -> pd.DataFrame:
        """Return the ways between cameras (columns of ``schema.ADJACENT_TO``)."""
        return self._manager.graph.edges("ADJACENT_TO")

    def outages(self) -> pd.DataFrame:
        """Return when which camera was out (columns of ``schema.OUTAGE``)."""
        return self._manager.graph.nodes("Outage")

    def floor_plans(self) -> pd.DataFrame:
        """Return the floor plans (columns of ``schema.FLOOR_PLAN``)."""
        return self._manager.graph.nodes("FloorPlan")

    def path(self, a: str, b: str, *, by: By = "hops") -> CameraPath:
        """Return the best way from one camera to another by hops, distance or time.

        Raises
        ------
        NotFoundError
            When a camera is not there, or no way leads from one to the other.
        """
        for camera in (a, b):
            self.get(camera)
        return camera_path(self.adjacency(), a, b, by=by, cameras=self.all())

    def map(
        self,
        *,
        start: Moment = None,
        end: Moment = None,
        tz: str | None = None,
        identity: Ids = None,
        max_gap_s: float = MAX_GAP_S,
    ) -> CameraMap:
        """Return the map of the site: cameras, ways between them, and who moved how often.

        Parameters
        ----------
        start, end : time, optional
            Half-open range of the moves counted; a naive one needs `tz`.
        identity : str or sequence of str, optional
            Whose moves; everybody's by default.
        max_gap_s : float
            Sightings at one camera with gaps of at most this are one visit, seconds.

        Raises
        ------
        NotFoundError
            When one of the identities is not there.
        """
        tracks = Tracks(self._manager.graph, display_tz=self._display_tz)
        with self._manager.graph.snapshot():
            return CameraMap(
                cameras=self.all(),
                adjacency=self.adjacency(),
                flow=tracks.flow(identity, start=start, end=end, tz=tz, max_gap_s=max_gap_s),
                outages=self.outages(),
                floor_plans=self.floor_plans(),
                _display_tz=self._display_tz,
            )
