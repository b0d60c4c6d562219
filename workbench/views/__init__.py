"""Pictures: tables in, a plotly figure or an HTML text out.

Nothing here fetches anything: no store, no network. What a reader sees comes from the tables given,
escaped. Importing this folder imports plotly; nothing outside of it does.

Every view takes ``theme="light"`` or ``"dark"`` and returns a plain plotly ``Figure``.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from workbench.errors import MissingExtraError
from workbench.views.charts.activity import activity
from workbench.views.charts.neighbours import neighbours
from workbench.views.charts.timeline import timeline
from workbench.views.maps.camera_map import camera_map
from workbench.views.maps.trajectory_map import trajectory_map
from workbench.views.style import keep_outputs_small

if TYPE_CHECKING:
    from workbench.views.explorers.co_occurrence_explorer import CoOccurrenceExplorer
    from workbench.views.explorers.similarity_explorer import SimilarityExplorer
    from workbench.views.explorers.trajectory_explorer import TrajectoryExplorer

__all__ = [
    "CoOccurrenceExplorer",
    "SimilarityExplorer",
    "TrajectoryExplorer",
    "activity",
    "camera_map",
    "neighbours",
    "timeline",
    "trajectory_map",
]

# What needs the extra `lab`, and is looked up when it is first used.
_EXPLORERS = {
    "CoOccurrenceExplorer": "workbench.views.explorers.co_occurrence_explorer",
    "SimilarityExplorer": "workbench.views.explorers.similarity_explorer",
    "TrajectoryExplorer": "workbench.views.explorers.trajectory_explorer",
}

keep_outputs_small()


def __getattr__(name: str) -> Any:
    if name not in _EXPLORERS:
        raise AttributeError(f"module 'workbench.views' has no attribute {name!r}")
    try:
        return getattr(import_module(_EXPLORERS[name]), name)
    except ModuleNotFoundError as error:
        raise MissingExtraError(
            f"{name} needs the package {error.name}, which is not installed.",
            where="workbench.views.explorers",
            next="pip install 'identity-workbench[lab]'",
        ) from error
