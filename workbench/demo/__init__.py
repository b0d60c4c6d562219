"""Sites to start with: a simulated building with planted stories, and one computed by hand.

:func:`simulate` makes the first, as tables and vectors; :func:`tiny_site_folder` says where the
files of the second are.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from workbench.errors import NotFoundError

if TYPE_CHECKING:
    from workbench.demo.site import Site, simulate

__all__ = ["Site", "simulate", "tiny_site_folder"]


def __getattr__(name: str) -> Any:
    # The simulation brings networkx and Pillow along: only for whoever wants it.
    if name in ("Site", "simulate"):
        from workbench.demo import site

        return getattr(site, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def tiny_site_folder() -> Path:
    """Return the folder of the tiny site: 4 cameras, 5 people, 30 sightings computed by hand.

    Its files are ``appearances.csv``, ``cameras.csv``, ``adjacency.csv``, ``outages.csv``,
    ``identities.csv``, ``floor_plan.yaml`` with ``floor_plan.png``, ``face.npz``, ``reid.npz``,
    ``answers.json`` and a ``README.md`` that explains the answers.

    Raises
    ------
    NotFoundError
        When the package was installed without it.

    Examples
    --------
    >>> (tiny_site_folder() / "appearances.csv").is_file()
    True
    """
    here = Path(__file__).resolve().parent
    # A wheel has it beside this file; a checkout has it where people look for data.
    for folder in (here / "tiny_site", here.parents[1] / "data" / "tiny_site"):
        if (folder / "appearances.csv").is_file():
            return folder
    raise NotFoundError(
        "The tiny site is not there.",
        where=str(here / "tiny_site"),
        next="Install the package again: pip install --force-reinstall identity-workbench",
    )
