"""gitleaks as the referee: what it finds on lines that a range adds, and our gate does not.

`python -m tests.corpus referee REPO...` judges whole histories and prints every difference;
`tests/contract/test_referee.py` does the same for small ones. `... referee placements KIND SEED` makes one of its
histories again, and `... referee placements` makes new ones of every kind.
"""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from random import SystemRandom

from orch_gates.scanners.rules.paths import is_program
from tests.corpus import placements, programs
from tests.corpus.programs import PLAIN, Found, NotJudged, git, masked
from tests.corpus.trees import export

_BEGIN = re.compile(r"-----BEGIN[ A-Z0-9_-]{0,100}PRIVATE KEY", re.IGNORECASE)
_END = re.compile(r"-----END[ A-Z0-9_-]{0,100}PRIVATE KEY", re.IGNORECASE)
_HUNK = re.compile(r"@@ -\S+ \+(\d+)(?:,(\d+))? @@")


@dataclass(frozen=True, slots=True)
class Difference:
    """A finding of gitleaks' that is none of ours; `named` is the reason why that is right, if there is one."""

    program: str
    theirs: Found
    line: str = field(repr=False)
    named: str = ""

    def __str__(self) -> str:
        at = self.theirs
        where = f"{at.commit[:10] or 'head'} {at.path}:{at.line}"
        return f"{self.program} {at.rule} {where} {masked(self.line, at.secret)!r} {self.named}".rstrip()


@dataclass(frozen=True, slots=True)
class Compared:
    """A range as both judge it: how much gitleaks found, how much we did, and what only gitleaks did."""

    theirs: int
    ours: int
    differences: list[Difference]

    def unnamed(self) -> list[Difference]:
        """What has no reason: a secret that the gate lets pass."""
        return [difference for difference in self.differences if not difference.named]


@dataclass(frozen=True, slots=True)
class _Range:
    repository: Path
    head: str
    ours: Sequence[Found]

    def lines(self, commit: str, path: str) -> list[str]:
        done = subprocess.run(
            ["git", "-C", str(self.repository), "cat-file", "blob", f"{commit or self.head}:{path}"],
            env=PLAIN,
            capture_output=True,
            check=False,
        )
        return [line.strip() for line in done.stdout.decode("utf-8", "replace").split("\n")]

    def blob(self, commit: str, path: str) -> str:
        """The object of a file; empty where a finding is in no file, but in a message or a name."""
        try:
            return git(self.repository, "rev-parse", "--verify", "--quiet", f"{commit or self.head}:{path}")
        except NotJudged:
            return ""

    def exists(self, commit: str, path: str) -> bool:
        return bool(git(self.repository, "ls-tree", commit or self.head, "--", path))


def compared(repository: Path, chain: Sequence[str], program: Path) -> Compared:
    """Both on `chain[0]..chain[-1]`, where `chain` is the line of first parents."""
    base, head = chain[0], chain[-1]
    judged = programs.gate(repository, chain)
    if judged.clipped:
        raise NotJudged(f"more findings than a report holds in {', '.join(judged.clipped)}")
    by_git = programs.gitleaks_git(program, repository, base, head)
    by_dir = _on_added_lines(repository, base, head, program)
    differences = [
        *missing(repository, head, judged.found, "git", by_git),
        *missing(repository, head, judged.found, "dir", by_dir),
    ]
    return Compared(len(by_git) + len(by_dir), len(judged.found), differences)


def missing(
    repository: Path, head: str, ours_found: Sequence[Found], program: str, theirs: Sequence[Found]
) -> Iterator[Difference]:
    """The findings of gitleaks' that are at no place where ours are."""
    subject = _Range(repository, head, ours_found)
    ours: dict[str, list[Found]] = {}
    for found in ours_found:
        ours.setdefault(found.path, []).append(found)
    for item in theirs:
        text = subject.lines(item.commit, item.path)
        matched = {line for line in text[item.first - 1 : item.last] if line}
        if not any(_same(subject, item, found, matched) for found in ours.get(item.path, [])):
            line = text[item.line - 1] if item.line <= len(text) else ""
            difference = Difference(program, item, line)
            named = next((reason for reason, holds in NAMED.items() if holds(subject, difference)), "")
            yield Difference(program, item, line, named)


def _same(subject: _Range, item: Found, found: Found, matched: set[str]) -> bool:
    """The same place; in another commit the line may have moved, so there its text decides."""
    if found.commit == item.commit:
        return item.first <= found.line <= item.last
    text = subject.lines(found.commit, found.path)
    return found.line <= len(text) and text[found.line - 1] in matched


def _on_added_lines(repository: Path, base: str, head: str, program: Path) -> list[Found]:
    added = _added_lines(repository, base, head)
    with tempfile.TemporaryDirectory(prefix="orch-gates-referee-") as directory:
        tree = Path(directory, "tree")
        export(repository, head, tree)
        found = programs.gitleaks_dir(program, tree)
    return [item for item in found if added.get(item.path, set()) & set(range(item.line, item.last + 1))]


def _added_lines(repository: Path, base: str, head: str) -> dict[str, set[int]]:
    """The lines of each file at the head that the base does not have there; moved files count with their old lines."""
    options = ["--unified=0", "--find-renames", "--text", "--no-textconv", "--no-ext-diff", "--no-color"]
    text = git(repository, "-c", "core.quotePath=false", "diff", *options, base, head)
    added: dict[str, set[int]] = {}
    path = ""
    for line in text.split("\n"):
        if line.startswith("+++ "):
            path = line[4:].rstrip("\t").strip('"').removeprefix("b/")
        elif hunk := _HUNK.match(line):
            start, count = int(hunk[1]), int(hunk[2] or 1)
            added.setdefault(path, set()).update(range(start, start + count))
    return added


def _same_object(subject: _Range, difference: Difference) -> bool:
    item = difference.theirs
    blob = subject.blob(item.commit, item.path)
    return bool(blob) and any(
        item.first <= found.line <= item.last and subject.blob(found.commit, found.path) == blob
        for found in subject.ours
        if found.path != item.path
    )


def _moved_on(subject: _Range, difference: Difference) -> bool:
    """Ours names the line where it was added; later in the range the file went elsewhere."""
    item = difference.theirs
    matched = set(filter(None, subject.lines(item.commit, item.path)[item.first - 1 : item.last]))
    return any(
        _same(subject, item, found, matched) and not subject.exists(item.commit, found.path)
        for found in subject.ours
        if found.path != item.path and found.commit != item.commit
    )


def _in_a_key(subject: _Range, difference: Difference) -> bool:
    """Ours names, with this very line in it, the private key that begins above it and has not ended."""
    wanted = difference.line.strip()
    for found in subject.ours:
        if found.path != difference.theirs.path or difference.theirs.commit not in {"", found.commit}:
            continue
        below = subject.lines(found.commit, found.path)[found.line - 1 :]
        if below and _BEGIN.search(below[0]) and wanted in below[1:]:
            return not any(map(_END.search, below[: below.index(wanted, 1)]))
    return False


def _a_name(_subject: _Range, difference: Difference) -> bool:
    """Without quotes and after `=`, a word in a program is the name of something else."""
    item = difference.theirs
    bare = re.search(rf"[=:][ \t]*{re.escape(item.secret)}[ \t]*;?$", difference.line)
    return bare is not None and item.secret.isidentifier() and is_program(item.path)


def _in_a_word(_subject: _Range, difference: Difference) -> bool:
    """Two letters and hexadecimal digits are in many a digest and encoded text; a name beside them is looked for."""
    item = difference.theirs
    longer = re.compile(rf"[0-9A-Za-z]{re.escape(item.secret)}|{re.escape(item.secret)}[0-9A-Za-z]")
    return item.rule == "twilio-api-key" and longer.search(difference.line) is not None


# Why a finding of gitleaks' may be none of ours: a reason, and how it is checked.
NAMED: dict[str, Callable[[_Range, Difference], bool]] = {
    "the same file, byte for byte, is named at another path": _same_object,
    "the file was moved after the line was added, and is named at its old path": _moved_on,
    "it stands in a private key that is named where it begins": _in_a_key,
    "it is a name, without quotes, in a program": _a_name,
    "letters or digits go on around a format that proves little": _in_a_word,
}


def main(arguments: Sequence[str]) -> int:
    """Compare over the histories of the named repositories; 1 if anything is unnamed."""
    program = programs.gitleaks()
    if program is None or not arguments:
        print(
            "usage: python -m tests.corpus referee REPO... | placements [KIND SEED], with gitleaks at hand",
            file=sys.stderr,
        )
        return 2
    if arguments[0] == "placements":
        return _replayed(program, *arguments[1:]) if arguments[1:] else _explored(program)
    unnamed = sum(_told(Path(name), program) for name in arguments)
    print(f"{unnamed} without a reason")
    return int(unnamed > 0)


def _explored(program: Path) -> int:
    """A new history of every kind, each named so that it can be made again."""
    missed = 0
    for kind in placements.KINDS:
        seed = SystemRandom().randrange(10**9)
        print(f"placements '{kind}' {seed}", flush=True)
        missed |= _replayed(program, kind, str(seed))
    return missed


def _replayed(program: Path, kind: str, seed: str) -> int:
    """The history that a failed test names by its kind and seed."""
    with tempfile.TemporaryDirectory(prefix="orch-gates-referee-") as directory:
        repository = Path(directory, "placements.git")
        placements.history(repository, placements.KINDS[kind], int(seed))
        return int(_told(repository, program) > 0)


def _told(repository: Path, program: Path) -> int:
    """Print what differs in a whole history; answers how much of it has no reason."""
    chain = git(repository, "rev-list", "--reverse", "--first-parent", "HEAD").split()
    try:
        answer = compared(repository, chain, program)
    except NotJudged as error:
        print(f"{repository}: {error}", flush=True)
        return 1
    print(f"{repository} at {chain[-1]}: {len(chain)} first parents, gitleaks {answer.theirs}, ours {answer.ours}")
    print("".join(f"  {difference}\n" for difference in answer.differences), end="", flush=True)
    return len(answer.unnamed())
