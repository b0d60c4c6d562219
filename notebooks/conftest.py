"""What nbval compares: everything but the numbers inside a picture.

`make test` runs it. By hand, with a store of the demo:
`WORKBENCH_STORE=workbench-demo pytest notebooks --nbval --nbval-current-env`.
"""

from __future__ import annotations

from typing import Any

import pytest

PICTURE = "application/vnd.plotly.v1+json"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Leave out plotly's JSON: its last digits are the processor's. The line beside it stays."""
    for item in items:
        compared: Any = item.parent
        if hasattr(compared, "skip_compare"):
            compared.skip_compare = (*compared.skip_compare, PICTURE)
