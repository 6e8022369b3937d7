"""Recall on labelled sets that others made, where they are at hand; none of them is kept here.

`python -m tests.corpus labels leaky-repo=REPO noseyparker=REPO creddata=REPO repositories=FOLDER`, where the folder
holds the repositories that CredData labels, as `owner+name/repo`.
"""

from __future__ import annotations

import binascii
import csv
import hashlib
import io
import json
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import yaml

from scripts.generated import table
from tests.bench.history import Importer, commit, init
from tests.corpus import programs
from tests.corpus.judged import DIR, GIT, OURS
from tests.corpus.programs import Found, NotJudged, git

# Kinds that CredData labels and that open nothing by themselves.
NAMES_OF_THINGS = {"UUID", "Firebase Domain", "AWS S3 Bucket", "Tencent WeChat API App ID"}
RULES = "crates/noseyparker/data/default/builtin/rules"


@dataclass(frozen=True, slots=True)
class Label:
    """Lines of a file that hold a credential, or look as if they did; 0 stands for the whole file."""

    path: str
    first: int
    last: int
    true: bool
    most: int = 1
    kinds: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Labelled:
    """A set: its name and commit, its files and its labels."""

    name: str
    files: dict[str, bytes]
    labels: list[Label]


def leaky_repo(source: Path) -> Labelled:
    """Files with a number of lines that are a risk each; which lines is not said."""
    rows = [row for row in csv.reader(_show(source, ".leaky-meta/secrets.csv").splitlines()) if len(row) == 3]
    risks = {row[0]: int(row[1]) for row in rows if not row[0].startswith("#") and int(row[1])}
    present = set(git(source, "ls-tree", "-r", "--name-only", "HEAD").split("\n"))
    files = {path: _blob(source, "HEAD", path) for path in risks if path in present}
    return Labelled(_named("leaky-repo", source), files, [Label(path, 0, 0, True, risks[path]) for path in files])


def noseyparker(source: Path) -> Labelled:
    """The examples of its rules, and the examples that its rules are not to match; each a file."""
    examples: dict[str, bool] = {}
    for path in git(source, "ls-tree", "--name-only", f"HEAD:{RULES}").split("\n"):
        for rule in yaml.safe_load(_show(source, f"{RULES}/{path}"))["rules"]:
            examples |= dict.fromkeys(map(str, rule.get("negative_examples") or ()), False)
            examples |= dict.fromkeys(map(str, rule.get("examples") or ()), True)
    made = [(f"{at}.txt", text, true) for at, (text, true) in enumerate(examples.items())]
    files = {path: f"{text}\n".encode() for path, text, _ in made}
    return Labelled(
        _named("Nosey Parker's examples", source), files, [Label(path, 0, 0, true) for path, _, true in made]
    )


def creddata(source: Path, repositories: Path) -> Labelled:
    """The labelled lines of the repositories at hand, at the commits that the set names."""
    files: dict[str, bytes] = {}
    labels: list[Label] = []
    count = 0
    for key, url in json.loads(_show(source, "snapshot.json")).items():
        at, wanted = repositories / "+".join(url.split("/")[-2:]) / "repo", key[:40]
        if not at.is_dir() or not _has(at, wanted):
            continue
        count += 1
        name = f"{binascii.crc32(binascii.unhexlify(key)):08x}"
        paths = {_file_id(path): path for path in git(at, "ls-tree", "-r", "-z", "--name-only", wanted).split("\0")}
        for row in csv.DictReader(io.StringIO(_show(source, f"meta/{name}.csv"))):
            if path := paths.get(row["FileID"]):
                files.setdefault(f"{name}/{path}", _blob(at, wanted, path))
                first, last = int(row["LineStart"]), int(row["LineEnd"])
                kinds = ("/".join(url.split("/")[-2:]), row["Category"])
                labels.append(Label(f"{name}/{path}", first, last, row["GroundTruth"] == "T", kinds=kinds))
    return Labelled(_named(f"CredData, {count} repositories", source), files, labels)


def _file_id(path: str) -> str:
    return hashlib.sha256(path.encode("utf-8", "surrogateescape")).hexdigest()[:8]


def _named(name: str, source: Path) -> str:
    return f"{name} at {git(source, 'rev-parse', '--short=10', 'HEAD')}"


def _show(source: Path, path: str) -> str:
    return _blob(source, "HEAD", path).decode("utf-8", "replace")


def _blob(source: Path, wanted: str, path: str) -> bytes:
    return programs.git_bytes(source, "cat-file", "blob", f"{wanted}:{path}")


def _has(source: Path, wanted: str) -> bool:
    try:
        return bool(git(source, "cat-file", "-t", wanted))
    except NotJudged:
        return False


def found(labelled: Labelled) -> dict[str, list[Found]]:
    """The findings of every program in the files of a set; each distinct file is judged once, for all its paths."""
    first: dict[bytes, str] = {}
    for path, content in labelled.files.items():
        first.setdefault(content, path)
    with tempfile.TemporaryDirectory(prefix="orch-gates-labels-") as directory:
        repository, tree = init(Path(directory, "repo.git")), Path(directory, "tree")
        with Importer(repository) as stream:
            commit(stream, 0, "Begin", {"README": b"The set follows.\n"})
            for number, (content, path) in enumerate(first.items(), 1):
                commit(stream, number, f"File {number}", {path: content})
        for content, path in first.items():
            (tree / path).parent.mkdir(parents=True, exist_ok=True)
            (tree / path).write_bytes(content)
        chain = git(repository, "rev-list", "--reverse", "main").split()
        judged = programs.gate(repository, chain)
        if judged.clipped:
            print(
                f"{labelled.name}: counted in part, as a report holds no more: {len(judged.clipped)} files",
                file=sys.stderr,
            )
        answers = {OURS: judged.found}
        if program := programs.gitleaks():
            answers[GIT] = programs.gitleaks_git(program, repository, chain[0], chain[-1])
            answers[DIR] = programs.gitleaks_dir(program, tree)
    return answers


def rows(labelled: Labelled) -> Iterator[list[str]]:
    """A row for the true labels of a set, one for the false ones, and one for every kind with thirty true ones."""
    answers = found(labelled)
    same: dict[bytes, str] = {}
    judged_as = {path: same.setdefault(content, path) for path, content in labelled.files.items()}

    def row(what: str, labels: Sequence[Label]) -> list[str]:
        hits = [sum(_hit(label, judged_as[label.path], theirs) for label in labels) for theirs in answers.values()]
        total = sum(label.most for label in labels)
        return [what, str(total), *(f"{hit} ({100 * hit / total:.0f} %)" for hit in hits)]

    true = [label for label in labelled.labels if label.true]
    yield row(labelled.name, true)
    proper = [label for label in true if not NAMES_OF_THINGS & set(label.kinds)]
    if len(proper) < len(true):
        yield row("... without names of things (UUIDs, buckets, domains, app ids)", proper)
    if false := [label for label in labelled.labels if not label.true]:
        yield row(f"{labelled.name}: labelled false, hit", false)
    for kind, count in Counter(kind for label in true for kind in label.kinds).most_common():
        if count >= 30:
            yield row(f"... {kind}", [label for label in true if kind in label.kinds])


def _hit(label: Label, path: str, answers: Sequence[Found]) -> int:
    lines = {item.line for item in answers if item.path == path and _within(label, item)}
    return min(label.most, len(lines))


def _within(label: Label, item: Found) -> bool:
    return label.first == 0 or (item.first <= label.last and item.last >= label.first)


def main(arguments: Sequence[str]) -> int:
    """Print the table of the sets that are named."""
    given = dict(argument.partition("=")[::2] for argument in arguments)
    at = {name: Path(value) for name, value in given.items()}
    sets: list[Labelled] = []
    if "leaky-repo" in at:
        sets.append(leaky_repo(at["leaky-repo"]))
    if "noseyparker" in at:
        sets.append(noseyparker(at["noseyparker"]))
    if "creddata" in at and "repositories" in at:
        sets.append(creddata(at["creddata"], at["repositories"]))
    if not sets:
        print(__doc__, file=sys.stderr)
        return 2
    lines = [row for labelled in sets for row in rows(labelled)]
    print(table(["set", "labels", *([OURS, GIT, DIR][: len(lines[0]) - 2])], lines))
    return 0
