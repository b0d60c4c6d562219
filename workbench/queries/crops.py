"""The pictures of appearances: drawn ones of the demo, and files below the folder of a load."""

from __future__ import annotations

import io
import json
import warnings
from pathlib import Path

from workbench.readers.frame_paths import picture_path
from workbench.stores.graph.base import GraphStore

THUMBNAIL_PX = 200
LARGEST_BYTES = 50_000_000
_FORMATS = ("JPEG", "PNG", "BMP", "WEBP")


class Crops:
    """Where the pictures of loads lie, asked once for each load.

    Parameters
    ----------
    graph : GraphStore
        Knows the loads and the folders they named with ``--frames-root``.
    """

    def __init__(self, graph: GraphStore) -> None:
        self._graph = graph
        self._roots: dict[str, Path | None] = {}

    def picture(self, frame_path: object, load_id: object) -> bytes | None:
        """Return a picture as PNG (drawn) or JPEG (a file, at most 200 pixels), None without one.

        Parameters
        ----------
        frame_path : str or missing
            Of the appearance.
        load_id : str or missing
            The load that brought it.
        """
        if not isinstance(frame_path, str) or not frame_path:
            return None
        found = drawn(frame_path)
        if found is not None or not isinstance(load_id, str):
            return found
        root = self.root(load_id)
        place = None if root is None else picture_path(root, frame_path)
        return None if place is None else thumbnail(place)

    def root(self, load_id: str) -> Path | None:
        """Return the folder that a load named for its pictures, None where it named none."""
        if load_id not in self._roots:
            load = self._graph.nodes("Load", ids=[load_id])
            said = json.loads(load["options"].iloc[0]) if len(load) else {}
            root = said.get("frames_root")
            self._roots[load_id] = Path(root) if isinstance(root, str) else None
        return self._roots[load_id]


def drawn(frame_path: object) -> bytes | None:
    """Return the drawing that a ``frame_path`` describes as PNG; None where it describes none."""
    from workbench.demo.silhouettes import draw, is_silhouette

    if not isinstance(frame_path, str) or not is_silhouette(frame_path):
        return None
    return draw(frame_path, width=80, height=160)


def thumbnail(path: Path) -> bytes | None:
    """Return a picture as a JPEG of at most 200 x 200 pixels; None where the file is none."""
    from PIL import Image

    try:
        if path.stat().st_size > LARGEST_BYTES:
            return None
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            with Image.open(path, formats=_FORMATS) as picture:
                picture.draft("RGB", (2 * THUMBNAIL_PX, 2 * THUMBNAIL_PX))
                small = picture.convert("RGB")
        small.thumbnail((THUMBNAIL_PX, THUMBNAIL_PX))
        out = io.BytesIO()
        small.save(out, format="JPEG", quality=85)
    except (OSError, ValueError, SyntaxError, Warning, Image.DecompressionBombError):
        return None
    return out.getvalue()
