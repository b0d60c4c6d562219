"""Pictures: tables in, a plotly figure or an HTML text out.

Nothing here fetches anything: no store, no network. What a reader sees comes from the tables given,
escaped. Importing this folder imports plotly; nothing outside of it does.

Every view takes ``theme="light"`` or ``"dark"`` and returns a plain plotly ``Figure``.
"""

from workbench.views.charts.activity import activity
from workbench.views.charts.neighbours import neighbours
from workbench.views.charts.timeline import timeline
from workbench.views.maps.camera_map import camera_map
from workbench.views.maps.trajectory_map import trajectory_map
from workbench.views.style import keep_outputs_small

__all__ = ["activity", "camera_map", "neighbours", "timeline", "trajectory_map"]

keep_outputs_small()
