"""``find``: who looks like somebody."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from workbench.cli.answer import Answer
from workbench.cli.options import FILE, TEXT, Call, answering, time_range
from workbench.cli.options import cameras as camera_option
from workbench.errors import InvalidInputError

if TYPE_CHECKING:
    import pandas as pd

    from workbench.cli.terminal import Screen
    from workbench.queries.similarity import Neighbours
    from workbench.session import Workbench

MOST = 1_000_000


@click.command()
@click.option("--appearance", type=TEXT, metavar="ID", help="Look for what this one shows.")
@click.option("--identity", type=TEXT, metavar="ID", help="Look for her mean vector.")
@click.option("--vector", type=FILE, metavar="FILE", help="One vector: .npy, or a list in .json.")
@click.option(
    "--vectors", type=FILE, metavar="FILE", help="Many vectors: .npy, .npz (ids, vectors), Parquet."
)
@click.option("--space", type=TEXT, default="face", show_default=True, help="The vector space.")
@click.option(
    "--k", type=click.IntRange(1, MOST), metavar="N", help="How many for each query.  [default: 10]"
)
@camera_option
@time_range
@click.option("--min-similarity", type=float, metavar="COSINE", help="Only from this cosine on.")
@click.option(
    "--by",
    type=click.Choice(["appearance", "identity"]),
    default="appearance",
    show_default=True,
    help="Every appearance, or the best one of each identity.",
)
@answering
def find(
    call: Call,
    appearance: str | None,
    identity: str | None,
    vector: Path | None,
    vectors: Path | None,
    cameras: Sequence[str],
    k: int | None,
    min_similarity: float | None,
    **given: Any,
) -> Answer:
    """Find who looks like an appearance, an identity, or a vector.

    Exactly one of --appearance, --identity, --vector, --vectors is needed. The answer is ordered by
    cosine, ties by id; a cosine is no probability, and there is no threshold unless asked for.
    """
    asked = {"appearance": appearance, "identity": identity, "vector": vector, "vectors": vectors}
    _exactly_one(asked)
    search = call.settings.faiss.search
    given["camera"] = list(cameras) or None
    given["k"] = k if k is not None else search.default_k
    given["min_similarity"] = search.min_similarity if min_similarity is None else min_similarity
    with call.bench() as bench:
        if vectors is not None:
            found = _many(bench, vectors, given)
        elif vector is not None:
            from workbench.cli.query_vector import one_vector

            found = bench.similarity.like(vector=one_vector(vector), **given)
        else:
            found = bench.similarity.like(appearance=appearance, identity=identity, **given)
        shown = [*found.hits["identity_id"].dropna().unique(), *([identity] if identity else [])]
        return _answer(
            found, bench.manager.graph.called("Identity", shown), of_identity=identity is not None
        )


def _exactly_one(asked: Mapping[str, object]) -> None:
    said = [f"--{name}" for name, value in asked.items() if value is not None]
    if len(said) != 1:
        raise InvalidInputError(
            "One thing to look for is needed, "
            + ("not several." if said else "and none was given."),
            where=" ".join(said) or "find",
            next="Give exactly one of --appearance, --identity, --vector, --vectors.",
        )


def _many(bench: Workbench, path: Path, given: dict[str, Any]) -> Neighbours:
    """Return the answer to a file of queries; a row that means "no vector" finds nothing."""
    import numpy as np

    from workbench.readers import Embeddings

    rows = Embeddings(path)
    names = [str(n) for n in range(rows.rows)] if rows.ids is None else rows.ids.tolist()
    there = rows.has_vector.nonzero()[0]
    if not len(there):
        raise InvalidInputError(
            "There is no vector in the file: every row is NaN or zero.",
            where=str(path),
            next="Give a file with at least one vector.",
        )
    if len(there) < rows.rows:
        click.echo(
            f"note: {rows.rows - len(there):,} of {rows.rows:,} queries have no vector", err=True
        )
    matrix, _ = rows.by_position(np.asarray(there))
    found = bench.similarity.like(vector=matrix, names=[names[n] for n in there], **given)
    return replace(found, queries=names)


def _answer(found: Neighbours, names: Mapping[str, str], *, of_identity: bool) -> Answer:
    hits = found.hits
    rows = hits.drop(columns="query")
    results = {
        str(query): rows.loc[group.index] for query, group in hits.groupby("query", sort=False)
    }
    nothing = rows.iloc[:0]
    document = {
        "space": found.space,
        "k": found.k,
        "exact": found.exact,
        "precision": found.precision,
        "plan": found.plan,
        "queries": [
            {"query": query, "results": results.get(query, nothing)} for query in found.queries
        ],
    }
    return Answer(
        document=document,
        table=hits,
        text=lambda screen: _text(screen, found, results, names, of_identity),
    )


def _text(
    screen: Screen,
    found: Neighbours,
    results: Mapping[str, pd.DataFrame],
    names: Mapping[str, str],
    of_identity: bool,
) -> str:
    parts = []
    for query in found.queries[:20]:
        rows = results.get(query, found.hits.iloc[:0].drop(columns="query"))
        told = screen.table(_with_names(rows, names))
        name = names.get(query) if of_identity else None
        whose = f"{screen.cell(query)} ({screen.cell(name)})" if name else screen.cell(query)
        parts.append(f"{whose} in {screen.cell(found.space)}\n{told}")
    if len(found.queries) > 20:
        parts.append(f"20 of {len(found.queries):,} queries; --csv gives all")
    parts.append(f"{found.plan} ({found.precision}); similarity is a cosine, no probability")
    return "\n\n".join(parts)


def _with_names(rows: pd.DataFrame, names: Mapping[str, str]) -> pd.DataFrame:
    """Return hits with a column of names beside the identities, where one of them is known."""
    who = rows["identity_id"].map(dict(names)).astype("str")
    if who.isna().all():
        return rows
    shown = rows.copy()
    shown.insert(list(shown.columns).index("identity_id") + 1, "name", who)
    return shown
