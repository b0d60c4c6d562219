"""How far long work is: a bar in a terminal or a notebook that goes away, nothing elsewhere."""

from __future__ import annotations

import io
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from tqdm import tqdm

_EVERY_S = 0.2


@contextmanager
def progress(total: int, what: str) -> Iterator[Callable[[int], None]]:
    """Yield a function to call with how many steps of `total` were done since the last call."""
    if _in_notebook():
        with _notebook_bar(total, what) as step:
            yield step
        return
    silent = sys.stderr is None or not sys.stderr.isatty()  # a program without a console has none
    with tqdm(total=total, desc=what, disable=silent, file=sys.stderr, leave=False) as bar:

        def step(many: int) -> None:
            bar.update(many)

        yield step


def _in_notebook() -> bool:
    shell = sys.modules.get("IPython")
    return shell is not None and hasattr(shell.get_ipython(), "kernel")


@contextmanager
def _notebook_bar(total: int, what: str) -> Iterator[Callable[[int], None]]:
    # On stderr a notebook would show it as a warning, and keep it.
    from IPython.display import display

    def said(text: str) -> dict[str, Any]:
        return {"text/plain": text}

    handle = display(said(""), raw=True, display_id=True)
    told = time.monotonic()
    with tqdm(total=total, desc=what, file=io.StringIO(), leave=False) as bar:

        def step(many: int) -> None:
            nonlocal told
            bar.update(many)
            if time.monotonic() - told > _EVERY_S:
                told = time.monotonic()
                handle.update(said(str(bar)), raw=True)

        try:
            yield step
        finally:
            handle.update(said(""), raw=True)
