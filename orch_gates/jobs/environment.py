"""What a job's command is told in its environment, and what it is not: pure but for the feedback's file (JOB-1)."""

from __future__ import annotations

import base64
import re
from collections.abc import Collection, Iterator, Mapping

from orch_gates.documents.escape import clip, markdown, markdown_code
from orch_gates.model.feedback import Feedback
from orch_gates.model.job import Job
from orch_gates.model.task import Task

MOST_FEEDBACK = 30_000
_SHORTEST_TOKEN = 8
_PATH_SHOWN = 300
_TEXT_SHOWN = 2000
_MOST_CONFIGURED = 1000
_GIT_CONFIG = re.compile(r"GIT_CONFIG_(?:KEY|VALUE)_[0-9]+")


def variables(task: Task, job: Job, head: str, feedback_file: str) -> dict[str, str]:
    """What the command is told about its work; `head` is the commit at the head of the task's branch, if any."""
    return {
        "ORCH_TASK": task.id,
        "ORCH_ROLE": job.role,
        "ORCH_STAGE": job.stage,
        "ORCH_ATTEMPT": job.attempt,
        "ORCH_NUMBER": str(job.number),
        "ORCH_BRANCH": task.branch,
        "ORCH_HEAD": head,
        "ORCH_FEEDBACK": feedback(task.feedback, task.id),
        "ORCH_FEEDBACK_FILE": feedback_file,
    }


def feedback(found: Feedback | None, task: str) -> str:
    """A gate's words as Markdown, as long as an environment may be; empty where there are none."""
    if found is None:
        return ""
    parts = [f"# {markdown(found.gate)}\n\n{markdown(found.reason)}\n"]
    if found.next_step:
        parts.append(f"\nNext: {markdown(found.next_step)}\n")
    left, shown = MOST_FEEDBACK - 200 - sum(map(_size, parts)), 0
    for line in _findings(found):
        left -= _size(line)
        if left < 0:
            break
        parts.append(line if shown else f"\n{line}")
        shown += 1
    if shown < found.findings_total:
        parts.append(f"\n{found.findings_total - shown} more findings: `orch-gates task show {task}`\n")
    return "".join(parts).encode("utf-8", "replace")[:MOST_FEEDBACK].decode("utf-8", "ignore")


def _findings(found: Feedback) -> Iterator[str]:
    for one in found.findings:
        place = clip(one.path, _PATH_SHOWN) + (f":{one.line}" if one.line else "")
        where = f"{markdown_code(place)} " if place else ""
        fix = f" {markdown(clip(one.fix, _TEXT_SHOWN))}" if one.fix else ""
        commands = "".join(f" {markdown_code(clip(command, _TEXT_SHOWN))}" for command in one.commands)
        yield f"- {where}{markdown_code(one.rule)}: {markdown(clip(one.description, _TEXT_SHOWN))}{fix}{commands}\n"


def _size(text: str) -> int:
    return len(text.encode("utf-8", "surrogatepass"))


def without_secrets(env: Mapping[str, str], names: Collection[str], token: str) -> dict[str, str]:
    """The environment without these variables, and without any that holds the token, also as git sends it."""
    forms = (token, base64.b64encode(f"x-access-token:{token}".encode()).decode("ascii"))
    secret = [form for form in forms if len(token) >= _SHORTEST_TOKEN]

    def holds(value: str) -> bool:
        return any(form in value for form in secret)

    kept = {name: value for name, value in env.items() if name not in names and not holds(value)}
    return _numbered_anew(env, kept) if len(kept) < len(env) else kept


def _numbered_anew(env: Mapping[str, str], kept: dict[str, str]) -> dict[str, str]:
    """Without a gap in what git is configured by: with one git does not run."""
    count = env.get("GIT_CONFIG_COUNT", "")
    if not count.isdecimal():
        return kept
    numbers = range(min(int(count), _MOST_CONFIGURED))
    pairs = [(f"GIT_CONFIG_KEY_{number}", f"GIT_CONFIG_VALUE_{number}") for number in numbers]
    left = [(kept[key], kept[value]) for key, value in pairs if key in kept and value in kept]
    found = {name: value for name, value in kept.items() if not _GIT_CONFIG.fullmatch(name)}
    for number, (key, value) in enumerate(left):
        found |= {f"GIT_CONFIG_KEY_{number}": key, f"GIT_CONFIG_VALUE_{number}": value}
    return found | {"GIT_CONFIG_COUNT": str(len(left))}
