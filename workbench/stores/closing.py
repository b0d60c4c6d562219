"""What a store says when it is asked after it was closed: the same, whatever keeps it."""

from __future__ import annotations

from typing import Any, NoReturn

from workbench.errors import StoreError


class _Closed:
    """Stands where a driver was: whatever is asked of it is refused."""

    def __init__(self, home: str) -> None:
        self._home = home

    def close(self) -> None:
        """Do nothing: closing twice is fine."""

    def __getattr__(self, name: str) -> NoReturn:
        raise StoreError(
            "This bench was closed.",
            where=self._home,
            next="Open it again: bench = workbench.open(...)",
        )


def closed(home: str) -> Any:
    """Return what takes the place of a driver that was closed; `home` is the store's folder."""
    return _Closed(home)
