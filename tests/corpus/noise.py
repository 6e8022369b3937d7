"""Findings in public repositories that hold no live secret: the tree at the head, and the last commits.

`python -m tests.corpus noise REPO...` counts unique lines, ours beside gitleaks', and prints each line masked, so that
a person can say which of them are true.
"""

from __future__ import annotations

import re
import sys
import tempfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from scripts.generated import table
from tests.corpus import programs
from tests.corpus.programs import Found, NotJudged, git
from tests.corpus.trees import as_commits, borrowed, export

_COMMITS = 300
_LONG = re.compile(r"[A-Za-z0-9+/=_.~%!@#$^&*-]{20,}")


@dataclass(frozen=True, slots=True)
class Line:
    """A line with a finding: the same one at another commit is no new one."""

    path: str
    text: str

    def __str__(self) -> str:
        shown = _LONG.sub(lambda long: f"{long[0][:8]}…[{len(long[0])}]…{long[0][-2:]}", self.text)
        return f"{self.path}: {shown[:150]}"


@dataclass(frozen=True, slots=True)
class Noise:
    """What each program names in one place, and how often which of its rules does."""

    ours: frozenset[Line]
    theirs: frozenset[Line]

    def cells(self) -> list[str]:
        """For the table: ours, theirs, and both."""
        return [str(len(self.ours)), str(len(self.theirs)), str(len(self.ours & self.theirs))]

    def told(self) -> Iterable[str]:
        """Every line, and who names it."""
        for what, lines in (
            ("both", self.ours & self.theirs),
            ("ours only", self.ours - self.theirs),
            ("gitleaks only", self.theirs - self.ours),
        ):
            yield from (f"  {what}: {line}" for line in sorted(map(str, lines)))


def in_tree(repository: Path, program: Path) -> Noise:
    """The tree at the head."""
    chain = as_commits(repository, git(repository, "rev-parse", "HEAD"))
    ours = programs.gate(repository, chain).found
    with tempfile.TemporaryDirectory(prefix="orch-gates-noise-") as directory:
        tree = Path(directory, "tree")
        export(repository, chain[-1], tree)
        theirs = programs.gitleaks_dir(program, tree)
    return Noise(_unique(repository, chain[-1], ours), _unique(repository, chain[-1], theirs))


def in_range(repository: Path, program: Path) -> Noise:
    """The last three hundred first parents, with what they merged."""
    wanted = ["rev-list", "--first-parent", f"--max-count={_COMMITS + 1}", "HEAD"]
    chain = git(repository, *wanted).split()[::-1]
    ours = programs.gate(repository, chain).found
    theirs = programs.gitleaks_git(program, repository, chain[0], chain[-1])
    return Noise(_unique(repository, chain[-1], ours), _unique(repository, chain[-1], theirs))


def _unique(repository: Path, head: str, found: Sequence[Found]) -> frozenset[Line]:
    return frozenset(Line(item.path, _text(repository, item, head)) for item in found)


def _text(repository: Path, item: Found, head: str) -> str:
    # What is no file's line, a message for instance, stands for itself.
    try:
        text = programs.git_bytes(repository, "cat-file", "blob", f"{item.commit or head}:{item.path}")
        return text.split(b"\n")[item.first - 1].decode("utf-8", "replace").strip()
    except (NotJudged, IndexError):
        return f"line {item.line} of {item.commit[:10]}"


def main(arguments: Sequence[str]) -> int:
    """Count and print; never judges."""
    program = programs.gitleaks()
    if program is None or not arguments:
        print("usage: python -m tests.corpus noise REPO..., with gitleaks at hand", file=sys.stderr)
        return 2
    rows, lines = [], []
    for name in arguments:
        with tempfile.TemporaryDirectory(prefix="orch-gates-noise-") as directory:
            repository = borrowed(Path(name), Path(directory, "repo.git"))
            head = git(repository, "rev-parse", "HEAD")
            try:
                tree, span = in_tree(repository, program), in_range(repository, program)
            except NotJudged as error:
                lines.append(f"{name}: {error}")
                continue
        rows.append(["/".join(Path(name).parts[-2:]), head[:10], *tree.cells(), *span.cells()])
        lines += [f"{name}, tree", *tree.told(), f"{name}, range", *span.told()]
    print("\n".join(lines))
    sums = [str(sum(int(row[at]) for row in rows)) for at in range(2, 8)]
    places = [f"{where}, {what}" for where in ("tree", "range") for what in ("ours", "gitleaks", "both")]
    print("\n" + table(["repository", "head", *places], [*rows, ["all", "", *sums]]))
    return 0
