"""The nearest appearances by cosine."""

from __future__ import annotations

import pandas as pd
import plotly.graph_objects as go

from workbench.views import style


def neighbours(hits: pd.DataFrame, *, space: str, display_tz: str = "UTC") -> go.Figure:
    """Return a picture of hits: one row each, cosine to the right, coloured by identity.

    Parameters
    ----------
    hits : DataFrame
        ``query, rank, appearance_id, identity_id, similarity, camera_id, timestamp``.
    space : str
        The vector space the cosines are of.
    display_tz : str
        Zone of the times shown.
    """
    figure = go.Figure(layout={"template": style.LIGHT})
    return figure
