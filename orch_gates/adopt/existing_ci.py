"""What the workflows say that a repository has already: who of them judges pull requests, by which statuses (pure)."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

import yaml

from orch_gates.adopt import marker
from orch_gates.forge.port.server import ForgeKind

_EVENT = "pull_request"
# A workflow with one of these may not run for a pull request, and then posts nothing.
_FILTERS = frozenset({"paths", "paths-ignore"})
# They would be read as patterns, or are filled in by the runner.
_PATTERN = frozenset("*?[]{}\\")
_MIRROR = re.compile(r"^[\s-]*uses:\s*[\"']?(?P<url>https?://[^\s@\"'#]+/checkout)@", re.M)
FOLDERS: Mapping[ForgeKind, tuple[str, ...]] = {
    ForgeKind.GITEA: (".gitea/workflows", ".github/workflows"),
    ForgeKind.FORGEJO: (".forgejo/workflows", ".gitea/workflows", ".github/workflows"),
    ForgeKind.GITHUB: (".github/workflows",),
}


@dataclass(frozen=True, slots=True)
class Ci:
    """The workflows of a forge's folder that judge every pull request.

    `contexts` are names or patterns of their statuses on any commit, `required` those that a pull request has by name,
    `workflows` what they are called, `left_out` the others and why.
    """

    folder: str = ""
    contexts: tuple[str, ...] = ()
    required: tuple[str, ...] = ()
    workflows: tuple[str, ...] = ()
    left_out: tuple[str, ...] = ()


def folder_of(kind: ForgeKind, paths: Mapping[str, str]) -> str:
    """Where a forge looks for workflows, with these there: the first folder that there is; a new one hides others."""
    usual = FOLDERS[kind]
    there = {str(PurePosixPath(path).parent) for path in paths}
    return next((folder for folder in usual if folder in there), usual[0])


def checkout(kind: ForgeKind, texts: Mapping[str, str]) -> str:
    """The url that workflows here take `actions/checkout` from; empty where it is none but that name.

    A server that takes no actions from GitHub has a mirror somewhere, and only these files know where.
    """
    if kind is ForgeKind.GITHUB:
        return ""
    found = (hit["url"] for _, text in sorted(texts.items()) for hit in _MIRROR.finditer(text))
    return next(found, "")


def pull_request_workflows(kind: ForgeKind, texts: Mapping[str, str]) -> Ci:
    """The workflows among these that judge pull requests, by path."""
    folder = folder_of(kind, texts)
    contexts: list[str] = []
    required: list[str] = []
    names: list[str] = []
    left_out: list[str] = []
    for path, text in sorted(texts.items()):
        if str(PurePosixPath(path).parent) != folder or marker.find(text) is not None or "/actions/queue@" in text:
            continue
        document = _document(text)
        if document is None:
            left_out.append(f"{path} cannot be read")
            continue
        filters = _filters(document)
        if filters is None:
            continue
        if filters & _FILTERS:
            left_out.append(f"{path} runs for some paths only, so its status cannot be required")
            continue
        name = str(document.get("name") or (path if kind is ForgeKind.GITHUB else PurePosixPath(path).name))
        names.append(name)
        for job, varies in _jobs(document):
            if _PATTERN.isdisjoint(job) and _PATTERN.isdisjoint(name):
                contexts.append(_context(kind, name, job, "*", varies=varies))
                required += [] if varies else [_context(kind, name, job, _EVENT, varies=False)]
            else:
                left_out.append(f"job {job} of {path} has a computed name, so its status is unknown")
    return Ci(folder, tuple(contexts), tuple(required), tuple(names), tuple(left_out))


def _context(kind: ForgeKind, workflow: str, job: str, event: str, *, varies: bool) -> str:
    if kind is ForgeKind.GITHUB:
        return f"{job} (*)" if varies else job
    return f"{workflow} / {job} ({event})"


def _document(text: str) -> Mapping[Any, Any] | None:
    try:
        found = yaml.safe_load(text)
    except (yaml.YAMLError, ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) and isinstance(found.get("jobs"), dict) else None


def _filters(document: Mapping[Any, Any]) -> frozenset[str] | None:
    """The filters of a workflow that runs on pull requests; None for another one."""
    # To YAML 1.1 the key `on` is the value true.
    on = document.get("on", document.get(True))
    if isinstance(on, str):
        return frozenset() if on == _EVENT else None
    if isinstance(on, list):
        return frozenset() if _EVENT in on else None
    if not isinstance(on, dict) or _EVENT not in on:
        return None
    filters = on[_EVENT]
    return frozenset(map(str, filters)) if isinstance(filters, dict) else frozenset()


def _jobs(document: Mapping[Any, Any]) -> Iterator[tuple[str, bool]]:
    """The name of each job, and whether several of its kind run, each with more to its name."""
    for key, job in document["jobs"].items():
        if not isinstance(job, dict):
            continue
        strategy = job.get("strategy")
        yield str(job.get("name") or key), isinstance(strategy, dict) and "matrix" in strategy
