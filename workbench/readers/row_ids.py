"""Ids for rows that bring none: uuid5 over what stands in the row.

The name that is hashed is this JSON text, without blanks, letters outside ASCII as themselves::

    [[["camera_id","HC3"],["frame","17"],...],{"fps":"30","start_time":"2026-01-01T00:00:00.000000Z"}]

First the row's cells as ``[column, text]`` under the file's own column names, sorted by name, empty
cells included; then what options added to the row: ``camera``, ``dataset``, ``fps`` and
``start_time``, each only where it was given, and ``frames_below`` for a folder of images below the
frames root. Both appearances of a contact carry ``"who"`` ("i" or
"j") there too, and the place of the contact carries ``"who":"place"``. Shorter keys repeat in
real data: (identity, camera, frame) 436 times in CHIRLA.
"""

from __future__ import annotations

import hashlib
import uuid

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from workbench.readers.options import LoadOptions
from workbench.schema import canonical_json

NAMESPACE = uuid.UUID("6f1c8f0e-6f0b-5d1c-9a53-0e6a0f2b7c41")
_ESCAPED = r'["\\\x00-\x1f]'
_HEX = np.frombuffer(b"0123456789abcdef", dtype="uint8")
_DASHES = ((0, 8, 0), (8, 12, 9), (12, 16, 14), (16, 20, 19), (20, 32, 24))


def from_options(options: LoadOptions) -> dict[str, str]:
    """Return what the options add to the name of a row."""
    given = {
        "camera": options.camera,
        "dataset": options.dataset,
        "fps": options.fps,
        "start_time": options.start_time,
    }
    return {name: str(value) for name, value in given.items() if value is not None}


def row_ids(frame: pd.DataFrame, added: dict[str, str]) -> pd.Series:
    """Return an id for each row of text (``str``): equal rows have equal ids.

    Parameters
    ----------
    frame : DataFrame of str
        All cells of the rows under the file's own names.
    added : dict of str to str
        What came from options (:func:`from_options`).

    Examples
    --------
    >>> frame = pd.DataFrame({"b": ["1", "1"], "a": ["x", "y"]}, dtype="str")
    >>> row_ids(frame, {}).tolist()[0] == str(uuid.uuid5(NAMESPACE, '[[["a","x"],["b","1"]],{}]'))
    True
    """
    prefix = NAMESPACE.bytes
    names = _names(frame, canonical_json(added)).cast(pa.large_binary()).to_pylist()
    digests = [hashlib.sha1(prefix + n, usedforsecurity=False).digest() for n in names]
    return pd.Series(_written(digests), index=frame.index, dtype="str")


def _names(frame: pd.DataFrame, added: str) -> pa.Array:
    pieces: list[object] = []
    for position, column in enumerate(sorted(frame.columns)):
        start = ("[[" if position == 0 else "],") + f"[{canonical_json(column)},"
        pieces += [pa.scalar(start, pa.large_string()), _json_texts(frame[column])]
    pieces.append(pa.scalar(f"]],{added}]", pa.large_string()))
    return pc.binary_join_element_wise(*pieces, pa.scalar("", pa.large_string()))


def _json_texts(cells: pd.Series) -> pa.Array:
    text = pa.array(cells, type=pa.large_string())
    if pc.any(pc.match_substring_regex(text, _ESCAPED)).as_py():
        return pa.array([canonical_json(cell) for cell in cells], type=pa.large_string())
    quote = pa.scalar('"', pa.large_string())
    return pc.binary_join_element_wise(quote, text, quote, pa.scalar("", pa.large_string()))


def _written(digests: list[bytes]) -> np.ndarray:
    """Return the digests written as UUIDs of version 5."""
    raw = np.frombuffer(b"".join(digests), dtype="uint8").reshape(-1, 20)[:, :16].copy()
    raw[:, 6] = raw[:, 6] & 0x0F | 0x50
    raw[:, 8] = raw[:, 8] & 0x3F | 0x80
    digits = _HEX[np.stack([raw >> 4, raw & 15], axis=2).reshape(-1, 32)]
    text = np.full((len(raw), 36), ord("-"), dtype="uint8")
    for start, end, to in _DASHES:
        text[:, to : to + end - start] = digits[:, start:end]
    return text.view("S36").reshape(-1).astype("U36").astype(object)
