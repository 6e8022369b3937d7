"""Where each document is on the state branch, and what a path means (ST-1, OWN-3)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TypeAlias

from orch_gates.model.ids import OID, TASK_ID, TaskId, shard

ROOT = "orch-state.md"
README = "README.md"
TASK_FILE = "task.md"
ARCHIVE = "archive"
PULLS = "forge/pulls"
ISSUES = "forge/issues"

_ATTEMPT = re.compile(r"[0-9a-f]{16}")
_REPORT = re.compile(r"[0-9]{2}-[a-z][a-z0-9-]{0,60}\.md")
_BRANCH = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]|%2F){0,199}")
_YEAR = re.compile(r"[0-9]{4}")
_NUMBER = re.compile(r"[1-9][0-9]{0,8}")
_SWEEP = re.compile(r"[a-z0-9][a-z0-9._-]{0,60}\.md")


@dataclass(frozen=True, slots=True)
class RootFile:
    """What the whole branch is."""


@dataclass(frozen=True, slots=True)
class ReadmeFile:
    """The page that explains the branch; any text."""


@dataclass(frozen=True, slots=True)
class TaskFile:
    """A task's own document."""

    task: TaskId


@dataclass(frozen=True, slots=True)
class JobFile:
    """One run for a task."""

    task: TaskId
    attempt: str


@dataclass(frozen=True, slots=True)
class ReportFile:
    """A report about a task; `name` is the file's name."""

    task: TaskId
    name: str


@dataclass(frozen=True, slots=True)
class LeaseFile:
    """The lease on a target branch."""

    target: str


@dataclass(frozen=True, slots=True)
class SweepFile:
    """What the scheduled sweep remembers."""

    name: str


@dataclass(frozen=True, slots=True)
class PullFile:
    """A pull request of the local forge."""

    number: int


@dataclass(frozen=True, slots=True)
class IssueFile:
    """An issue of the local forge."""

    number: int


@dataclass(frozen=True, slots=True)
class StatusesFile:
    """What was said about a commit at the local forge."""

    commit: str


@dataclass(frozen=True, slots=True)
class ProtectionFile:
    """The local forge's rule for a branch."""

    branch: str


ForgeFile: TypeAlias = PullFile | IssueFile | StatusesFile | ProtectionFile


@dataclass(frozen=True, slots=True)
class Archived:
    """A file of a finished task: `inner` is what it was before."""

    year: int
    inner: TaskFile | JobFile | ReportFile


@dataclass(frozen=True, slots=True)
class Unknown:
    """No document lives here; `why` says what is wrong with the path."""

    why: str


Place: TypeAlias = (
    RootFile | ReadmeFile | TaskFile | JobFile | ReportFile | LeaseFile | SweepFile | ForgeFile | Archived | Unknown
)


def task_folder(task: TaskId) -> str:
    """The folder with all that belongs to a task."""
    return f"tasks/{shard(task)}/{task}"


def task_path(task: TaskId) -> str:
    """The task's own document."""
    return f"{task_folder(task)}/{TASK_FILE}"


def job_path(task: TaskId, attempt: str) -> str:
    """One run of a task."""
    return f"{task_folder(task)}/jobs/{attempt}.md"


def report_path(task: TaskId, name: str) -> str:
    """A report about a task, by its file name."""
    return f"{task_folder(task)}/{name}"


def lease_path(target: str) -> str:
    """The lease on a target branch."""
    return f"leases/{_of_branch(target)}"


def pull_path(number: int) -> str:
    """A pull request of the local forge."""
    return f"{PULLS}/{number}.md"


def issue_path(number: int) -> str:
    """An issue of the local forge."""
    return f"{ISSUES}/{number}.md"


def statuses_path(commit: str) -> str:
    """What was said about a commit at the local forge."""
    return f"forge/statuses/{commit[:2]}/{commit}.md"


def protection_path(branch: str) -> str:
    """The local forge's rule for a branch."""
    return f"forge/protection/{_of_branch(branch)}"


def archive_folder(year: int, task: TaskId) -> str:
    """Where a finished task's folder goes."""
    return f"{ARCHIVE}/{year:04}/{shard(task)}/{task}"


def classify(path: str) -> Place:
    """What a path means; total, for any text."""
    match path.split("/"):
        case ["orch-state.md"]:
            return RootFile()
        case ["README.md"]:
            return ReadmeFile()
        case ["tasks", folder, task, *rest]:
            return _in_task(folder, task, rest)
        case ["leases", name] if branch := _branch_of(name):
            return LeaseFile(branch)
        case ["sweep", name] if _SWEEP.fullmatch(name):
            return SweepFile(name)
        case ["archive", year, folder, task, *rest] if _YEAR.fullmatch(year):
            inner = _in_task(folder, task, rest)
            return inner if isinstance(inner, Unknown) else Archived(int(year), inner)
        case ["forge", *rest]:
            return _of_forge(rest)
        case _:
            return Unknown("no document lives here")


def _of_forge(rest: list[str]) -> ForgeFile | Unknown:
    match rest:
        case ["pulls", name] if number := _number_of(name):
            return PullFile(number)
        case ["issues", name] if number := _number_of(name):
            return IssueFile(number)
        case ["statuses", folder, name] if name.endswith(".md") and OID.fullmatch(name.removesuffix(".md")):
            commit = name.removesuffix(".md")
            return StatusesFile(commit) if folder == commit[:2] else Unknown(f"it belongs in {commit[:2]!r}")
        case ["protection", name] if branch := _branch_of(name):
            return ProtectionFile(branch)
        case _:
            return Unknown("a forge has pulls/<n>.md, issues/<n>.md, statuses/<xx>/<commit>.md, protection/<branch>.md")


def _number_of(name: str) -> int:
    number = name.removesuffix(".md")
    return int(number) if name.endswith(".md") and _NUMBER.fullmatch(number) else 0


def _branch_of(name: str) -> str:
    branch = name.removesuffix(".md")
    return branch.replace("%2F", "/") if name.endswith(".md") and _BRANCH.fullmatch(branch) else ""


def _of_branch(branch: str) -> str:
    return f"{branch.replace('/', '%2F')}.md"


def _in_task(folder: str, task: str, rest: list[str]) -> TaskFile | JobFile | ReportFile | Unknown:
    if not TASK_ID.fullmatch(task):
        return Unknown("the folder's name is no task id")
    if folder != shard(task):
        return Unknown(f"task {task} lives in folder {shard(task)!r}")
    match rest:
        case ["task.md"]:
            return TaskFile(TaskId(task))
        case ["jobs", name] if name.endswith(".md") and _ATTEMPT.fullmatch(name.removesuffix(".md")):
            return JobFile(TaskId(task), name.removesuffix(".md"))
        case [name] if _REPORT.fullmatch(name):
            return ReportFile(TaskId(task), name)
        case _:
            return Unknown("a task has task.md, jobs/<attempt>.md and reports named like 17-security-report.md")
