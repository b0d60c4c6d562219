"""From a face to a story you can defend: identities seen by many cameras, in a notebook.

Two lines to begin with::

    bench = workbench.open_demo()
    bench.tracks.trajectory("p1").plot()
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

    from workbench import errors, views
    from workbench.session import Workbench, ingest, open, open_demo, restore

__version__ = "0.1.0"
__all__ = [
    "Workbench",
    "__version__",
    "errors",
    "ingest",
    "open",
    "open_demo",
    "restore",
    "views",
]

# Importing pandas, FAISS and plotly takes longer than a command that needs none of them, so the
# public names are looked up when they are first used.
_HOMES = {
    "Workbench": ("workbench.session", "Workbench"),
    "ingest": ("workbench.session", "ingest"),
    "open": ("workbench.session", "open"),
    "open_demo": ("workbench.session", "open_demo"),
    "restore": ("workbench.session", "restore"),
    "errors": ("workbench.errors", None),
    "views": ("workbench.views", None),
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'workbench' has no attribute {name!r}")
    module, attribute = _HOMES[name]
    found = import_module(module)
    value = found if attribute is None else getattr(found, attribute)
    globals()[name] = value
    return value


def load_ipython_extension(shell: InteractiveShell) -> None:
    """Give a notebook ``%sql`` and ``%cypher``: IPython calls it for ``%load_ext workbench``."""
    import_module("workbench.magics").register(shell)


def __dir__() -> list[str]:
    return sorted(__all__)
