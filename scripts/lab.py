"""Open JupyterLab on the notebooks with one store. `make lab [STORE=dir]` runs it.

It listens on this machine only, asks for its token, and asks nobody for news, updates or
extensions. Without a store it is the demo, made first where it is missing. Words it does not know
go to JupyterLab (`--no-browser`, `--port=8889`).
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
FIRST = "01_first_look.ipynb"


def store_of(given: str | None) -> Path:
    """Return the folder of the store: the one given, else the demo, made where it is missing.

    Raises
    ------
    workbench.errors.WorkbenchError
        When there is no store in that folder.
    """
    import workbench
    from workbench.session import DEMO_FOLDER

    folder = Path(given).resolve() if given is not None else ROOT / DEMO_FOLDER
    if given is None and not folder.exists():
        print("Making the demo store ...", file=sys.stderr)
        workbench.open_demo(folder).close()
    workbench.open(folder).close()
    return folder


def words_of(notebooks: Path, more: list[str]) -> list[str]:
    """Return the command that opens JupyterLab; `more` are words of the user.

    Raises
    ------
    workbench.errors.InvalidInputError
        When JupyterLab would refuse who runs it.
    """
    refuse_root(more)
    opened = ["--LabApp.default_url=/lab/tree/" + FIRST] if (notebooks / FIRST).exists() else []
    return [
        *[sys.executable, "-m", "jupyterlab"],
        f"--ServerApp.root_dir={notebooks}",
        *opened,
        "--ServerApp.ip=127.0.0.1",
        # Nothing is fetched: no news, no look for a newer version, no list of extensions.
        "--LabApp.news_url=None",
        "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate",
        "--LabApp.extension_manager=readonly",
        f"--LabApp.app_settings_dir={ROOT / 'scripts' / 'lab_settings'}",
        *more,
    ]


def refuse_root(words: list[str]) -> None:
    """Say before anything is made what JupyterLab would say after.

    Raises
    ------
    workbench.errors.InvalidInputError
        When this is the root user and no word says that this is meant.
    """
    from workbench.errors import InvalidInputError

    if os.geteuid() == 0 and "--allow-root" not in words:
        raise InvalidInputError(
            "JupyterLab does not run as root unless told to.",
            where="make lab",
            next="Be another user; or, in a container: make lab LAB_WORDS=--allow-root",
        )


def serve(
    about: str | None,
    words_of: Callable[[Path, list[str]], list[str]],
    said: str,
    settings: Mapping[str, str] | None = None,
) -> int:
    """Become a server of the notebooks, or return the exit code of `workbench` for what is wrong.

    Parameters
    ----------
    about : str
        What the help says.
    words_of : callable
        Given the folder of the notebooks and the words of the user, the command to become.
    said : str
        What is said first; the store stands behind it.
    settings : mapping of str to str, optional
        More variables of the environment.
    """
    parser = argparse.ArgumentParser(description=about)
    parser.add_argument("--store", metavar="DIR", help="the demo unless given")
    parser.add_argument("--notebooks", metavar="DIR", type=Path, default=ROOT / "notebooks")
    known, more = parser.parse_known_args()
    import workbench.cli.program  # noqa: F401 - what an error says to type is known by it
    from workbench.cli.failing import failed
    from workbench.errors import WorkbenchError

    try:
        words = words_of(known.notebooks.resolve(), more)
        store = store_of(known.store)
    except WorkbenchError as error:
        return failed(error, [])
    print(f"{said} with the store {store}", file=sys.stderr, flush=True)
    # A plain figure is its own numbers too: no copy of plotly.js in the notebook, no address.
    ours = {"WORKBENCH_STORE": str(store), "PLOTLY_RENDERER": "plotly_mimetype"}
    os.execve(words[0], words, os.environ | ours | dict(settings or {}))


def main() -> int:
    """Become JupyterLab, or return the exit code of `workbench` for what is wrong."""
    return serve(__doc__, words_of, "JupyterLab")


if __name__ == "__main__":
    raise SystemExit(main())
