"""Write environment.yml from pyproject.toml: one list of requirements, two ways to install it.

conda-forge gives Python and the packages whose conda and pip names and metadata agree. The others
(faiss-cpu: conda names its metadata differently and pip would install a second copy; neo4j: the
conda package has another name, and neo4j-rust-ext is of one version with it) and this package come
by pip. `--check` writes nothing.
"""

from __future__ import annotations

import argparse
import re
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
BY_PIP = {"faiss-cpu", "neo4j", "neo4j-rust-ext"}
# Of the test extra only the notebook checker is for people; the rest comes with the package.
FROM_TEST = {"nbval"}


def name_of(requirement: str) -> str:
    """Return the lower-case name in a requirement: 'numpy' of 'numpy>=2.0,<3'."""
    match = re.match(r"[A-Za-z0-9._-]+", requirement)
    if match is None:
        raise ValueError(f"not a requirement: {requirement!r}")
    return match.group().lower()


def render(pyproject: str) -> str:
    """Return the text of environment.yml for the text of pyproject.toml."""
    project = tomllib.loads(pyproject)["project"]
    extras = project["optional-dependencies"]
    wanted = [*project["dependencies"], *extras["lab"], *extras["app"], *extras["neo4j"]]
    wanted += [entry for entry in extras["test"] if name_of(entry) in FROM_TEST]
    wanted.sort(key=name_of)
    conda = [entry.lower() for entry in wanted if name_of(entry) not in BY_PIP]
    pip = [entry.lower() for entry in wanted if name_of(entry) in BY_PIP]
    lines = [
        "# Written by scripts/write_environment.py from pyproject.toml; edit that, not this.",
        "name: workbench",
        "channels:",
        "  - conda-forge",
        "  - nodefaults",
        "dependencies:",
        f'  - "python{project["requires-python"]}"',
        "  - pip",
        *[f'  - "{entry}"' for entry in conda],
        "  - pip:",
        *[f'      - "{entry}"' for entry in pip],
        '      - "-e .[lab,app,neo4j,test]"',
    ]
    return "\n".join(lines) + "\n"


def main() -> int:
    """Return 0 if environment.yml is what pyproject.toml says, 1 if --check finds otherwise."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="compare only")
    arguments = parser.parse_args()
    text = render((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    target = ROOT / "environment.yml"
    if not arguments.check:
        target.write_text(text, encoding="utf-8")
        return 0
    same = target.exists() and target.read_text(encoding="utf-8") == text
    if not same:
        print("environment.yml is stale: python scripts/write_environment.py", file=sys.stderr)
    return 0 if same else 1


if __name__ == "__main__":
    raise SystemExit(main())
