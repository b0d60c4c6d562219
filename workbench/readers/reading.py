"""A file of appearances, whatever its format, as batches."""

from __future__ import annotations

import shlex
from pathlib import Path

from workbench.errors import InvalidInputError
from workbench.readers.appearances import AppearanceReader
from workbench.readers.batches import BatchReader
from workbench.readers.contacts import ContactReader
from workbench.readers.detect import detect, table_format
from workbench.readers.files import BATCH_ROWS, TextFile
from workbench.readers.mot import MotReader
from workbench.readers.opening import open_text
from workbench.readers.options import LoadOptions
from workbench.readers.reid_names import NamesReader

_CONTAINERS = ("csv", "parquet")
# What is not appearances, and the option that takes it.
_OTHERS = {
    "cameras": ("a table of cameras", "--cameras"),
    "adjacency": ("a table of ways between cameras", "--adjacency"),
    "outages": ("a table of outages", "--outages"),
    "identities": ("a table of identities", "--identities"),
    "sources": ("a table of sources", "--sources"),
    "floor-plan": ("a floor plan", "--floor-plan"),
    "embeddings": ("vectors", "--vectors"),
}
READERS: dict[str, type[AppearanceReader] | type[ContactReader]] = {
    "mot": MotReader,
    "aicity": AppearanceReader,
    "reid": NamesReader,
    "metropolis": AppearanceReader,
    "jsonl": AppearanceReader,
    "csv": AppearanceReader,
    "parquet": AppearanceReader,
    "contacts": ContactReader,
}


def read_appearances(
    path: str | Path, options: LoadOptions | None = None, *, batch_rows: int = BATCH_ROWS
) -> BatchReader:
    r"""Return the appearances of a file: iterate it to get each ``Batch``, again if need be.

    Columns and options are checked here, before a row is read; ``reader.check()`` then refuses what
    only the whole file shows (a torn gzip, a time without zone). Neither leaves anything behind.

    Parameters
    ----------
    path : path
        The file, or a folder of images whose names say everything.
    options : LoadOptions, optional
        How it is to be read.
    batch_rows : int
        Data rows of a batch; what memory holds at a time.

    Returns
    -------
    BatchReader
        ``.format``, ``.options`` (resolved; its ``meaning()`` is recorded), ``.name``,
        ``.columns_read_as``, ``.count()`` data rows, ``.check()``, and iteration.

    Raises
    ------
    NotFoundError
        When there is no such file.
    InvalidInputError
        When it cannot be read as it is, with the question or the option that is missing.

    Examples
    --------
    >>> import tempfile, pathlib
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     file = pathlib.Path(folder, "seen.csv")
    ...     _ = file.write_text("time,cam,pid\n2026-01-01T08:00Z,c1,Ada\n")
    ...     batch = next(iter(read_appearances(file)))
    >>> batch.rows[["timestamp", "camera_id", "identity_id"]].astype(str).values.tolist()
    [['2026-01-01 08:00:00+00:00', 'c1', 'Ada']]
    """
    options = options or LoadOptions()
    try:
        file = open_text(path, format=options.format, space=options.space)
        return READERS[_format(file, options)](file, options, batch_rows=batch_rows)
    except InvalidInputError as error:
        # Who maps columns says that these are appearances: what is wrong then is the mapping.
        other = None if options.columns else _something_else(path, options)
        raise error if other is None else other from error


def _something_else(path: str | Path, options: LoadOptions) -> InvalidInputError | None:
    """Return the error that says what a file is, where it is known and no appearances."""
    found = detect(path)
    if found.format not in _OTHERS:
        return None
    # An identity in each row is all that a table of identities is told by.
    stated = (options.camera, options.fps, options.time_unit, options.identity_from)
    if found.format == "identities" and any(stated):
        return None
    what, option = _OTHERS[found.format]
    if found.format == "embeddings":
        option = found.next.split()[3]
    name = shlex.quote(str(path))
    given = f"{option} SPACE={name}" if option == "--vectors" else f"{option} {name}"
    alone = found.format not in ("embeddings", "sources")
    return InvalidInputError(
        f"{Path(path).name!r} looks like {what}, not like appearances.",
        where=str(path),
        next=f"Use {given} "
        + ("(alone, or beside a file of appearances)." if alone else "beside its appearances."),
    )


def _format(file: TextFile, options: LoadOptions) -> str:
    if options.format == "contacts":
        return "contacts"
    if options.format in _CONTAINERS and options.format != file.format:
        raise InvalidInputError(
            f"{file.path.name!r} is {file.format}, not {options.format}.",
            where="--format",
            next=f"Leave --format out, or write --format {file.format}.",
        )
    # Who maps columns has another reading of them in mind than the one their names suggest.
    if options.format == "auto" and not options.columns and table_format(file) == "contacts":
        return "contacts"
    return file.format
