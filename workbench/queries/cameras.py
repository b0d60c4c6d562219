"""``bench.cameras``: where the eyes are, and the ways between them."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from workbench.analytics.paths import By, CameraPath, camera_path
from workbench.errors import NotFoundError
from workbench.model import Camera
from workbench.queries.ranges import Ids, Moment, selection
from workbench.storage.manager import HybridStorageManager


class Cameras:
    """Cameras, adjacency, outages, floor plans."""

    def __init__(self, manager: HybridStorageManager) -> None:
        self._manager = manager

    def add(self, frame: pd.DataFrame) -> int:
        """Create cameras (columns of ``schema.CAMERA``), all or none; return how many were new.

        Raises
        ------
        InvalidInputError, ConflictError
            Nothing was written.
        """
        return self._manager.add_cameras(frame)

    def add_adjacency(self, frame: pd.DataFrame) -> int:
        """Write ways between cameras (columns of ``schema.ADJACENT_TO``); return how many."""
        return self._manager.add_adjacency(frame)

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
            raise NotFoundError(
                f"There is no camera {camera_id!r}.",
                where=f"camera {camera_id}",
                next="See which there are with: workbench cameras",
            )
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
        return camera_path(self.adjacency(), a, b, by=by, cameras=self.all())
