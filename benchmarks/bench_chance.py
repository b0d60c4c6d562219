"""Is it chance, held against the truth of simulated sites: what is found, and what is false."""

from __future__ import annotations

import numpy as np
import pandas as pd
from measure import Report, small
from scipy import stats

from tests.analytics.busy_site import BusySite
from workbench.analytics.significance import Significance, significance

SEEDS = range(20)
Q = 0.05


def pairs_of(rows: pd.DataFrame) -> set[tuple[str, str]]:
    """Return who the pairs are."""
    return set(rows[["a", "b"]].itertuples(index=False, name=None))


def poisson(found: Significance) -> pd.DataFrame:
    """Return the pairs that a Poisson tail of the number of encounters flags: every one counted."""
    rows = found.pairs
    rate = rows["expected"] + 0.5 / found.samples
    p = stats.poisson.sf(rows["observed"] - 1, rate)
    q = np.minimum(stats.false_discovery_control(p) * found.tested / len(p), 1)
    return rows[q <= Q]


def too_small(found: Significance, leave: set[tuple[str, str]]) -> float:
    """Return how far the p of true strangers lie above the diagonal (one-sided Kolmogorov-Smirnov).

    Pairs that never met have p = 1.
    """
    rows = found.pairs
    rows = rows[[pair not in leave for pair in zip(rows["a"], rows["b"], strict=True)]]
    p = np.append(rows["p"], np.ones(found.tested - len(leave) - len(rows)))
    return float(stats.kstest(p, "uniform", alternative="greater").statistic)


def tried(report: Report, what: str, people: int, seeds: range, **kind: int) -> None:
    """Note what is found on sites of one kind."""
    rows = []
    for seed in seeds:
        site = BusySite(seed, people=people, **kind)
        found = significance(site.visits(), seed=seed)
        truth = site.pairs
        said = pairs_of(found.pairs[found.pairs["q"] <= Q])
        counted = pairs_of(found.pairs.sort_values("count", ascending=False).head(len(truth)))
        each = pairs_of(poisson(found))
        rows.append(
            {
                "planted": len(truth), "found": len(said & truth), "by count": len(counted & truth),
                "false": len(said - truth), "rate": len(said - truth) / max(len(said), 1),
                "of classes": len(said & site.classmates),
                "poisson": len(each & truth), "poisson rate": len(each - truth) / max(len(each), 1),
                "tested": found.tested, "ks": too_small(found, truth | site.classmates),
            }
        )  # fmt: skip
    table = pd.DataFrame(rows)
    n, whole = len(table), table.sum()
    if whole["planted"]:
        report.fact(f"{what}: planted pairs found at q <= {Q}", n, _of(whole["found"], whole))
        report.fact(f"{what}: ... in as many first by count", n, _of(whole["by count"], whole))
        report.fact(
            f"{what}: ... by a Poisson tail of every encounter", n, _of(whole["poisson"], whole)
        )
    if kind.get("classes"):
        members = f"{whole['of classes']:.0f} of {whole['false']:.0f}"
        report.fact(f"{what}: flagged without being planted, classmates among them", n, members)
        return
    rate, naive = table["rate"].mean(), table["poisson rate"].mean()
    error = table["rate"].std() / np.sqrt(n)
    report.fact(
        f"{what}: false discovery rate", n, f"{rate:.3f} ± {error:.3f}", target=f"<= {Q}",
        good=rate <= Q,
    )  # fmt: skip
    report.fact(f"{what}: ... of a Poisson tail of every encounter", n, f"{naive:.3f}")
    share = whole["false"] / whole["tested"]
    report.fact(f"{what}: share of strangers flagged", n, f"{share:.2g}")
    report.fact(
        f"{what}: p above the diagonal by (Kolmogorov-Smirnov, 0 is best)",
        n,
        f"{table['ks'].max():.4f}",
    )


def _of(found: float, whole: pd.Series) -> str:
    return f"{found:.0f} of {whole['planted']:.0f}"


def main() -> int:
    """Return 0 if the rates hold."""
    little = small(__doc__)
    people, seeds = (60, SEEDS[:2]) if little else (300, SEEDS)
    report = Report("Is it chance?", judged=not little)
    tried(report, "2 days together", people, seeds, planted=6)
    tried(report, "4 days together", people, seeds, planted=6, together_days=4)
    tried(report, "nothing planted", people, seeds, planted=0)
    tried(report, "3 classes of 8 by timetable", people, seeds, planted=6, classes=3)
    return report.print(seed=seeds[0])


if __name__ == "__main__":
    raise SystemExit(main())
