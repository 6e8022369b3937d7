"""Looks at a repository: its remotes, default branch, languages, tests and workflows; writes nothing."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence, Set
from pathlib import Path, PurePosixPath

from orch_gates.adopt import projects
from orch_gates.adopt.blocks import PRE_COMMIT
from orch_gates.adopt.existing_ci import FOLDERS
from orch_gates.adopt.facts import WorkTreeFacts
from orch_gates.errors import GitError, ReportError, UsageError
from orch_gates.git.cli import Git
from orch_gates.git.heads import Heads
from orch_gates.report import files

_MOST_BYTES = 512 * 1024
_MOST_COMMITS = "500"
_USUAL = ("main", "master", "trunk", "develop")
_ORIGIN = "origin"
# A bot's commits make no second person.
_BOT = "[bot]"

AskedHeads = Callable[[], Heads]


def look(git: Git, heads: AskedHeads) -> WorkTreeFacts:
    """Find out what init has to know; the server is asked for its default branch only where the clone does not know it.

    Raises:
        UsageError: there is no work tree to write to.
        GitError: git cannot read the repository.
    """
    if git.is_bare():
        raise UsageError(
            "this repository has no work tree to write files to; run `orch-gates init` in a clone of it "
            "(its own hook is installed by `orch-gates hook install`)"
        )
    top = Path(git.text("rev-parse", "--show-toplevel"))
    names = _names(git, "--cached", "--others", "--exclude-standard")
    branch = git.leads_to("HEAD").removeprefix("refs/heads/")
    remotes = tuple(git.text("remote").splitlines())
    remote = _ORIGIN if _ORIGIN in remotes else remotes[0] if len(remotes) == 1 else ""
    url = git.run("config", "--get", f"remote.{remote}.url").stdout.decode("utf-8", "replace").strip() if remote else ""
    target, told_by = _target(git, remote, branch, heads)

    def read(name: str) -> str:
        return _text(top / name) or ""

    return WorkTreeFacts(
        top=top,
        branch=branch,
        target=target,
        told_by=told_by,
        remote=remote,
        url=url,
        remotes=remotes,
        authors=_authors(git),
        languages=projects.languages(names),
        tests=projects.suggestions(names, read),
        projects=projects.nested(names),
        workflows=_workflows(top),
        pre_commit=(top / PRE_COMMIT).is_file(),
        tracked=frozenset(_names(git, "--cached")),
        hidden=frozenset(name[2:] for name in _names(git, "-t", "--cached") if name.startswith("S ")),
        elsewhere=not top.samefile(Path.cwd()),
    )


def present(
    top: Path, paths: Sequence[str], hidden: Set[str] = frozenset()
) -> tuple[Mapping[str, str], Mapping[str, str]]:
    """The texts of the files at these paths, and what is in the way at others; `hidden` are there, and not on disk."""
    texts: dict[str, str] = {}
    obstacles: dict[str, str] = {}
    for path in paths:
        if linked := _link(top, path):
            obstacles[path] = linked
            continue
        try:
            texts[path] = files.read(top / path, _MOST_BYTES)
        except ReportError as error:
            if (top / path).exists():
                obstacles[path] = str(error)
            elif path in hidden:
                obstacles[path] = (
                    f"the file is in git, but not in this sparse checkout; run `git sparse-checkout add {path}`"
                )
    return texts, obstacles


def _link(top: Path, path: str) -> str:
    """Why nothing is written through a symbolic link: git keeps the link, and a forge follows none."""
    for part in (PurePosixPath(path), *PurePosixPath(path).parents):
        if (top / part).is_symlink():
            return f"{part} is a symbolic link, which forges do not follow; put a folder or file in its place"
    return ""


def _target(git: Git, remote: str, branch: str, heads: AskedHeads) -> tuple[str, str]:
    """The default branch, and who says so."""
    folder = f"refs/remotes/{remote}/"
    if remote and (known := git.leads_to(f"{folder}HEAD").removeprefix(folder)):
        return known, f"{remote}/HEAD"
    there = git.text("for-each-ref", "--format=%(refname)", folder).splitlines() if remote else []
    branches = {name.removeprefix(folder) for name in there}
    if remote == _ORIGIN and branches:
        try:
            if branch := heads().default().name:
                return branch, "the server"
        except GitError:
            # Without the network the clone's own branches have to do.
            pass
    local = set(git.text("for-each-ref", "--format=%(refname:lstrip=2)", "refs/heads/").splitlines())
    found = next((name for name in _USUAL if name in (branches or local)), "")
    return found or branch or _USUAL[0], "guessed: a usual name" if found else "guessed: the current branch"


def _names(git: Git, *which: str) -> tuple[str, ...]:
    """The files that git lists, from the top."""
    listed = git.run("ls-files", "-z", "--full-name", *which, ":/")
    return tuple(name for name in listed.stdout.decode("utf-8", "surrogateescape").split("\0") if name)


def _authors(git: Git) -> int:
    """How many people committed lately."""
    done = git.run("log", "--max-count", _MOST_COMMITS, "--format=%aE", "--all")
    found = {line.casefold() for line in done.stdout.decode("utf-8", "replace").splitlines()}
    return len({line for line in found if _BOT not in line})


def _workflows(top: Path) -> Mapping[str, str]:
    found: dict[str, str] = {}
    for folder in dict.fromkeys(folder for known in FOLDERS.values() for folder in known):
        here = top / folder
        paths = sorted(here.iterdir()) if here.is_dir() and not _link(top, folder) else ()
        for path in paths:
            if path.suffix in {".yml", ".yaml"} and (text := _text(path)) is not None:
                found[f"{folder}/{path.name}"] = text
    return found


def _text(path: Path) -> str | None:
    """The text of a file; None where there is none that can be read."""
    try:
        return files.read(path, _MOST_BYTES)
    except ReportError:
        return None
