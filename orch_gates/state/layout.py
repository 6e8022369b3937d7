"""Where the documents of tasks, leases and the branch itself are (ST-1); what they are is in `kinds`."""

from __future__ import annotations

from orch_gates.model.ids import TaskId, shard
from orch_gates.state.paths import PathPattern

ROOT = "orch-state.md"
README = "README.md"
# In a ref of its own.
SWEEP = "sweep.md"
TASK_FILE = "task.md"
TASKS = "tasks"
LEASES = "leases"
ARCHIVE = "archive"

TASK_PATH = PathPattern(f"{TASKS}/{{shard}}/{{task}}/{TASK_FILE}")
ATTEMPT_FILE = "attempt.md"
CARD_FILE = "card.md"
JOBS = "jobs"
ATTEMPT_PATH = PathPattern(f"{TASKS}/{{shard}}/{{task}}/{ATTEMPT_FILE}")
CARD_PATH = PathPattern(f"{TASKS}/{{shard}}/{{task}}/{CARD_FILE}")
JOB_PATH = PathPattern(f"{TASKS}/{{shard}}/{{task}}/{JOBS}/{{attempt}}.md")
REPORT_PATH = PathPattern(f"{TASKS}/{{shard}}/{{task}}/reports/{{head}}/{{report}}.md")
# Of before reports were kept for each commit.
OLD_REPORT_PATH = PathPattern(f"{TASKS}/{{shard}}/{{task}}/{{report}}.md")
LEASE_PATH = PathPattern(f"{LEASES}/{{branch}}.md")
PROVEN_PATH = PathPattern("proven/{branch}.md")
MARKERS_PATH = PathPattern("markers/{branch}.md")
QUEUE_PATH = PathPattern("queues/{branch}.md")
ENVIRONMENTS = "environments"
WATCHES = "watches"
ENVIRONMENT_PATH = PathPattern(f"{ENVIRONMENTS}/{{environment}}.md")
WATCH_PATH = PathPattern(f"{WATCHES}/{{deploy}}.md")


def task_folder(task: TaskId) -> str:
    """The folder with all that belongs to a task."""
    return f"{TASKS}/{shard(task)}/{task}"


def task_path(task: TaskId) -> str:
    """The task's own document."""
    return TASK_PATH.path(task=task)


def attempt_path(task: TaskId) -> str:
    """The newest attempt to merge a task."""
    return ATTEMPT_PATH.path(task=task)


def card_path(task: TaskId) -> str:
    """What people were shown of a task."""
    return CARD_PATH.path(task=task)


def job_path(task: TaskId, attempt: str) -> str:
    """One run of a task."""
    return JOB_PATH.path(task=task, attempt=attempt)


def report_path(task: TaskId, name: str, head: str = "") -> str:
    """A report about a commit of a task, by its file name; without the commit where it stood before."""
    report = name.removesuffix(".md")
    if not head:
        return OLD_REPORT_PATH.path(task=task, report=report)
    return REPORT_PATH.path(task=task, head=head, report=report)


def lease_path(target: str) -> str:
    """The lease on a target branch."""
    return LEASE_PATH.path(branch=target)


def proven_path(target: str) -> str:
    """The trees that were tested for a target branch."""
    return PROVEN_PATH.path(branch=target)


def markers_path(target: str) -> str:
    """What has to stay in a target branch."""
    return MARKERS_PATH.path(branch=target)


def queue_path(target: str) -> str:
    """What holds for the merge queue of a target branch."""
    return QUEUE_PATH.path(branch=target)


def environment_path(name: str) -> str:
    """What an environment runs."""
    return ENVIRONMENT_PATH.path(environment=name)


def watch_path(deploy: str) -> str:
    """The watch over a deploy."""
    return WATCH_PATH.path(deploy=deploy)


def archive_folder(year: int, task: TaskId) -> str:
    """Where a finished task's folder goes."""
    return f"{ARCHIVE}/{year:04}/{shard(task)}/{task}"
