"""Contact lists (``t,i,j``: two people met): two appearances a row, at a place of their own."""

from __future__ import annotations

import numpy as np
import pandas as pd

from workbench import schema
from workbench.errors import InvalidInputError
from workbench.readers import columns
from workbench.readers.appearances import properties
from workbench.readers.batches import BatchReader, Cells, by_value, with_format
from workbench.readers.clock import number_clock
from workbench.readers.files import BATCH_ROWS, TextFile
from workbench.readers.options import LoadOptions, option
from workbench.readers.row_ids import from_options, row_ids

COLUMNS = ("t", "i", "j")
_USELESS = ("camera", "box", "fps", "identity_from")
_PERSON = {name: schema.Column(name, "id", "One of the two.", required=True) for name in ("i", "j")}


class ContactReader(BatchReader):
    """The appearances of a contact list; ``t`` counts seconds from the start time or 1970.

    Parameters
    ----------
    file : TextFile
        The open file.
    options : LoadOptions
        How it is to be read.
    batch_rows : int
        Data rows of a batch; each becomes two appearances.

    Raises
    ------
    InvalidInputError
        When ``t``, ``i`` or ``j`` is missing, or an option has no use for contacts.
    """

    def __init__(
        self, file: TextFile, options: LoadOptions, *, batch_rows: int = BATCH_ROWS
    ) -> None:
        for name in _USELESS:
            if getattr(options, name) is not None:
                raise InvalidInputError(
                    f"{option(name)} has no use for a contact list: it has people and times only.",
                    where=option(name),
                    next="Leave it out.",
                )
        mapped = columns.table(file.columns, COLUMNS, {}, options.columns, "columns")
        missing = [name for name in COLUMNS if name not in mapped.theirs]
        if missing:
            raise InvalidInputError(
                f"{file.path.name!r} has no {', '.join(missing)}, which a contact list needs.",
                where=f"{file.path.name}, line 1",
                next="Name them: " + " ".join(f"--columns {name}=COLUMN" for name in missing),
            )
        clock = number_clock(mapped.theirs["t"], options)
        resolved = with_format(options, "contacts")
        super().__init__(file, resolved, mapped, clock, batch_rows=batch_rows)
        self._added = from_options(options)

    def _rows(self, cells: Cells) -> dict[str, pd.Series]:
        text = cells.text("t")
        times, reasons = by_value(text, self.clock.read)
        cells.problems.add(reasons, self.clock.column, text)
        who = {name: self._person(cells, name) for name in ("i", "j")}
        alone = (cells.text("i") == cells.text("j")).to_numpy(dtype=bool)
        cells.problems.note(alone, "a contact with oneself", cells.theirs["j"], cells.text("j"))
        ids = {w: row_ids(cells.frame, self._added | {"who": w}) for w in ("place", "i", "j")}
        rows = {"timestamp": times, "place_id": ids["place"]}
        if self.mapped.properties:
            rows["properties"] = properties(cells, self.mapped.properties)
        return rows | {f"id_{w}": ids[w] for w in who} | {f"identity_{w}": who[w] for w in who}

    def _person(self, cells: Cells, name: str) -> pd.Series:
        text = cells.text(name)
        found = cells.checked(_PERSON[name], self.options.prefixed(text))
        return found.mask(text.isin(self.options.unidentified))

    def _expanded(self, rows: pd.DataFrame) -> tuple[pd.DataFrame, np.ndarray]:
        each = np.repeat(np.arange(len(rows)), 2)
        both = rows.iloc[each].reset_index(drop=True)
        second = pd.Series(np.arange(len(both)) % 2 == 1)
        both["id"] = both["id_i"].mask(second, both["id_j"])
        both["identity_id"] = both["identity_i"].mask(second, both["identity_j"])
        return both, each
