"""Samples put into one repository, and which of them each program finds."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from tests.bench.history import Importer, commit, init
from tests.corpus import programs
from tests.corpus.programs import Judged, git
from tests.corpus.samples import Sample

OURS, GIT, DIR = "orch-gates", "gitleaks git", "gitleaks dir"
_FILES, _SPAN = 20, 6


@dataclass(frozen=True, slots=True)
class Answers:
    """The paths in which each program found something, and the engine that ours ran."""

    paths: Mapping[str, frozenset[str]]
    engine: str


def judge(samples: Sequence[Sample]) -> Answers:
    """Every sample by our gate and, where it is here, by gitleaks."""
    with tempfile.TemporaryDirectory(prefix="orch-gates-corpus-") as directory:
        repository, tree = Path(directory, "repo.git"), Path(directory, "tree")
        chain = _committed(repository, samples)
        spans = [chain[at : at + _SPAN + 1] for at in range(0, len(chain) - 1, _SPAN)]
        with ThreadPoolExecutor(os.cpu_count()) as pool:
            parts: list[Judged] = list(pool.map(lambda span: programs.gate(repository, span), spans))
        paths = {OURS: frozenset(found.path for part in parts for found in part.found)}
        if program := programs.gitleaks():
            for sample in samples:
                path = tree / sample.path
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(sample.content)
            found = programs.gitleaks_git(program, repository, chain[0], chain[-1])
            paths[GIT] = frozenset(item.path for item in found)
            paths[DIR] = frozenset(item.path for item in programs.gitleaks_dir(program, tree))
        return Answers(paths, parts[0].engine())


def _committed(repository: Path, samples: Sequence[Sample]) -> list[str]:
    init(repository)
    with Importer(repository) as stream:
        commit(stream, 0, "Begin", {"README": b"The samples follow.\n"})
        for number, at in enumerate(range(0, len(samples), _FILES), 1):
            files = {sample.path: sample.content for sample in samples[at : at + _FILES]}
            commit(stream, number, f"Part {number}", files)
    return git(repository, "rev-list", "--reverse", "main").split()
