"""A tree of a repository as a range of commits, so that the gate judges all of it."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

from tests.corpus.programs import PLAIN, NotJudged, git

_PARTS = 16


def borrowed(source: Path, repository: Path) -> Path:
    """A bare repository with the objects of another one, into which anything may be written."""
    done = subprocess.run(
        ["git", "clone", "--quiet", "--bare", "--shared", str(source), str(repository)],
        env=PLAIN,
        capture_output=True,
        check=False,
    )
    if done.returncode:
        raise NotJudged(f"{source} cannot be cloned: {done.stderr[-300:]!r}")
    return repository


def as_commits(repository: Path, commit: str) -> list[str]:
    """An empty commit and some that add the tree part by part; files whose content is not here are left out."""
    entries = git(repository, "ls-tree", "-r", "-z", "--full-tree", commit).strip("\0").split("\0")
    absent = _absent(repository, commit)
    kept = [entry for entry in entries if " blob " in entry.partition("\t")[0] and entry.split()[2] not in absent]
    index = {**PLAIN, "GIT_INDEX_FILE": f"{repository}.index"}
    chain = [_commit(repository, _git(repository, ["mktree"], PLAIN), "")]
    size = max(len(kept) // _PARTS + 1, 1)
    for at in range(0, len(kept), size):
        part = b"".join(os.fsencode(entry) + b"\0" for entry in kept[at : at + size])
        _git(repository, ["update-index", "-z", "--index-info"], index, part)
        chain.append(_commit(repository, _git(repository, ["write-tree"], index), chain[-1]))
    git(repository, "update-ref", "refs/heads/judged-tree", chain[-1])
    Path(f"{repository}.index").unlink(missing_ok=True)
    return chain


def export(repository: Path, commit: str, tree: Path) -> None:
    """The files of a commit in a folder, without what would configure gitleaks there."""
    tree.mkdir()
    index = {**PLAIN, "GIT_INDEX_FILE": f"{tree}.index"}
    places = [f"--git-dir={git(repository, 'rev-parse', '--absolute-git-dir')}", f"--work-tree={tree}"]
    for command in (["read-tree", commit], ["checkout-index", "--all", "--force"]):
        subprocess.run(["git", *places, *command], cwd=tree, env=index, check=True, capture_output=True)
    # A judged tree does not configure its own referee.
    for name in (".gitleaks.toml", ".gitleaksignore"):
        (tree / name).unlink(missing_ok=True)


def _absent(repository: Path, commit: str) -> set[str]:
    listed = git(repository, "rev-list", "--objects", "--no-walk", "--missing=print", commit).split("\n")
    return {line[1:] for line in listed if line.startswith("?")}


def _commit(repository: Path, tree: str, parent: str) -> str:
    return git(repository, "commit-tree", tree, *(["-p", parent] if parent else []), "-m", "a part")


def _git(repository: Path, args: list[str], env: dict[str, str], stdin: bytes = b"") -> str:
    done = subprocess.run(["git", *args], cwd=repository, env=env, input=stdin, capture_output=True, check=True)
    return done.stdout.decode().strip()
