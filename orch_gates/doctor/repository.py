"""What is in the repository: its configuration, its history, attributes that servers ignore, exceptions that ended."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta

from orch_gates.config.file import PATH
from orch_gates.doctor.check import Check, Group
from orch_gates.doctor.finding import CheckFinding, NotUsedError, bad, not_used, ok, warning, worst
from orch_gates.doctor.subject import DoctorSubject
from orch_gates.errors import ConfigError, ExceptionListError
from orch_gates.gates import ci_green
from orch_gates.gates.security import allowlist, allowlist_file, baseline, baseline_file
from orch_gates.gates.staging import infra, infra_file
from orch_gates.git import clone as clones
from orch_gates.git.cli import Git

_FILTER = "remote.origin.partialclonefilter"
_ATTRIBUTES = ".gitattributes"
_UNION = "merge=union"
_SOON = timedelta(days=14)


@dataclass(frozen=True, slots=True)
class ConfigFacts:
    """Whether there is a configuration file on the default branch, and why it cannot be used."""

    present: bool
    commit: str
    problem: str = ""


@dataclass(frozen=True, slots=True)
class HistoryFacts:
    """Whether history is cut off here, and the filter that left content out which is still missing."""

    shallow: bool
    filter: str = ""


@dataclass(frozen=True, slots=True)
class UnionFacts:
    """The paths that are to be merged by union; `caught_up`: every branch is caught up here before a server merges."""

    paths: tuple[str, ...]
    caught_up: bool


@dataclass(frozen=True, slots=True)
class ContextFacts:
    """The statuses that a green commit has to have, and the least number of them, by the settings of `ci-green`.

    `stopped`: there is a merge queue, which is not run without their names.
    """

    contexts: tuple[str, ...]
    least: int
    stopped: bool = False


@dataclass(frozen=True, slots=True)
class ExceptionFacts:
    """The exceptions on the target branch, each as its list, what it is about, and its last day.

    `broken` are lists that cannot be read, with the reason.
    """

    today: date
    entries: tuple[tuple[str, str, date], ...] = ()
    broken: tuple[str, ...] = ()


def _gather_config(subject: DoctorSubject) -> ConfigFacts:
    workspace = subject.workspace
    return ConfigFacts(workspace.config.present, workspace.config.revision, workspace.problem)


def config_finding(facts: ConfigFacts) -> CheckFinding:
    """What configures the repository can be used; where it cannot, every gate refuses."""
    if facts.problem:
        return bad(facts.problem, f"orch-gates config check {PATH}")
    if not facts.present:
        return not_used(f"no {PATH} on the default branch, so the defaults count")
    return ok(f"{PATH} at {facts.commit[:10]} is valid")


def _gather_history(subject: DoctorSubject) -> HistoryFacts:
    entries = clones.read(subject.git, subject.settings.inherited_env).entries
    filters = [entry.value for entry in entries if entry.key == _FILTER]
    missing = bool(filters) and _lacks_objects(subject.git)
    return HistoryFacts(subject.git.is_shallow(), filters[-1] if missing else "")


def _lacks_objects(git: Git) -> bool:
    """Whether anything is missing here: a filter stays in the configuration also once all of it was fetched."""
    listed = git.read("rev-list", "--objects", "--missing=print", "--all")
    return listed.startswith(b"?") or b"\n?" in listed


def history_finding(facts: HistoryFacts) -> CheckFinding:
    """A range in a clone whose history is cut off proves nothing (SEC-2, MRG-9)."""
    if facts.shallow:
        return bad(
            "this clone is shallow, so ranges and merges cannot be verified",
            "git fetch --unshallow (in CI: `fetch-depth: 0` in the checkout step)",
        )
    if facts.filter:
        return bad(
            f"this clone was made with --filter={facts.filter}, and lacks content that must be judged",
            "git fetch --refetch --no-filter origin (in CI: take `filter` out of the checkout step)",
        )
    return ok("the whole history is here")


def _gather_union(subject: DoctorSubject) -> UnionFacts:
    workspace = subject.workspace
    trusted = workspace.config.revision
    content = (subject.git.blob(trusted, _ATTRIBUTES) if trusted else None) or b""
    # Git skips a byte order mark there too.
    text = content.decode("utf-8-sig", "replace")
    rows = [line.split() for line in text.splitlines() if not line.startswith("#")]
    paths = tuple(row[0] for row in rows if _UNION in row[1:])
    if not paths:
        raise NotUsedError(f"no path has {_UNION} in {_ATTRIBUTES}")
    merged = workspace.settings.merge.fence != "none" or workspace.config.queue != ""
    return UnionFacts(paths, merged or _merges_tasks(subject))


def _merges_tasks(subject: DoctorSubject) -> bool:
    """Whether there are tasks, and their merges go through the gate."""
    try:
        subject.state  # noqa: B018 - the pipeline moves nothing without it
    except NotUsedError:
        return False
    stages = subject.workspace.pipeline.stages
    return any(gate.name == "merge" for stage in stages for gate in stage.gates)


def _gather_contexts(subject: DoctorSubject) -> ContextFacts:
    workspace = subject.workspace
    settings = workspace.settings
    subject.state  # noqa: B018 - without tasks nothing is moved by a status
    if workspace.problem:
        raise ConfigError(f"{PATH} cannot be used; see the check configuration")
    gates = {gate.name for stage in workspace.pipeline.stages for gate in stage.gates}
    without_ci = settings.scope(ci_green.NAME).excludes(settings.ci.repository)
    # A merge without a command waits for the statuses of the merged commit.
    by_status = (ci_green.NAME in gates and not without_ci) or ("merge" in gates and not settings.merge.test)
    queue = workspace.config.queue != "" and not (without_ci and settings.merge.test)
    if not (by_status or queue):
        raise NotUsedError("nothing here waits for a status of CI")
    if workspace.forge_place is None:
        raise NotUsedError(f"{workspace.why_no_forge}, so {ci_green.NAME} reads a report")
    named = tuple(context for context in settings.ci_green.contexts if context.strip("*"))
    return ContextFacts(named, settings.ci_green.least, stopped=queue and not settings.ci_green.contexts)


def contexts_finding(facts: ContextFacts) -> CheckFinding:
    """A status that CI has not posted yet is missed by nobody, where none is named (P2, ENG-1)."""
    mend = (
        f'list them in {PATH}: `ci_green: {{contexts: ["NAME"]}}`; `orch-gates gate {ci_green.NAME}` shows their names'
    )
    if facts.contexts:
        return ok(f"{', '.join(facts.contexts)}")
    if facts.stopped:
        return bad("ci_green.contexts names no status, so the merge queue does not run", mend)
    if facts.least > 1:
        return ok(f"any {facts.least} statuses")
    why = "ci_green.contexts names no status: a commit is green once its first status is, even if others have not begun"
    return warning(why, mend)


def union_finding(facts: UnionFacts) -> CheckFinding:
    """Servers ignore it; where branches are caught up here first, which honours it, that is no matter (MRG-11)."""
    paths = ", ".join(facts.paths)
    if facts.caught_up:
        return ok(
            f"{paths}: orch-gates applies {_UNION} when it catches a branch up, so the server, which ignores it, has "
            "nothing left to merge"
        )
    return warning(
        f"{paths}: Gitea, Forgejo and GitHub ignore {_UNION}, so two branches that add to one of these conflict there",
        "merge through the gate, which catches branches up here: docs/how-to/merge-through-the-gate.md",
    )


def _gather_exceptions(subject: DoctorSubject) -> ExceptionFacts:
    workspace = subject.workspace
    entries: list[tuple[str, str, date]] = []
    broken: list[str] = []
    for read in (_allowed, _known, _infra):
        try:
            entries += read(subject.git, workspace.config.revision)
        except ExceptionListError as error:
            broken.append(str(error))
    if not entries and not broken:
        raise NotUsedError("no exceptions: no allowed finding, baseline or waiver")
    return ExceptionFacts(workspace.now.date(), tuple(entries), tuple(broken))


def _allowed(git: Git, trusted: str) -> Iterator[tuple[str, str, date]]:
    for entry in allowlist_file.read(git, trusted):
        yield allowlist.PATH, f"{entry.path} ({entry.rule}, of {entry.owner})", entry.expires


def _known(git: Git, trusted: str) -> Iterator[tuple[str, str, date]]:
    found = baseline_file.read(git, trusted)
    # One that was emptied by `secrets expire` holds nothing that could end.
    if found is not None and found.entries:
        yield baseline.PATH, f"the baseline of {found.owner}", found.expires


def _infra(git: Git, trusted: str) -> Iterator[tuple[str, str, date]]:
    for entry in infra_file.read(git, trusted).entries:
        yield infra.PATH, f"{entry.id} (of {entry.owner})", entry.expires


_MENDS = {
    infra.PATH: f"review it: take it out of {infra.PATH}, or give it another last day",
    allowlist.PATH: "orch-gates secrets expire --past (takes them out; merge that into the target branch)",
    baseline.PATH: "orch-gates secrets expire --past (takes them out; merge that into the target branch)",
}


def exceptions_finding(facts: ExceptionFacts) -> CheckFinding:
    """One that ended holds no more, and should be looked at anew; a list that cannot be read refuses everything."""
    found = [bad(why, "orch-gates help allow (fix the list by hand)") for why in facts.broken]
    soon = []
    for place, about, last in facts.entries:
        if last < facts.today:
            found.append(warning(f"{about} in {place} expired after {last}", _MENDS[place]))
        elif last - facts.today <= _SOON:
            soon.append(f"{about} until {last}")
    ending = f"; soon over: {', '.join(soon)}" if soon else ""
    count = len(facts.entries)
    return worst(*found, ok(f"{count} {'exception holds' if count == 1 else 'exceptions hold'}{ending}"))


CHECKS = (
    Check("configuration", Group.REPOSITORY, _gather_config, config_finding),
    Check("history", Group.REPOSITORY, _gather_history, history_finding, seconds=60),
    Check("ci-contexts", Group.REPOSITORY, _gather_contexts, contexts_finding, seconds=60),
    Check("union-merge", Group.REPOSITORY, _gather_union, union_finding, seconds=60),
    Check("exceptions", Group.REPOSITORY, _gather_exceptions, exceptions_finding),
)
