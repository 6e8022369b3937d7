"""`orch-gates gate NAME` for a gate by itself, without a task and without a state branch (GATE-1)."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from orch_gates.cli.boundary import exit_codes
from orch_gates.cli.gate.output import Output, verdict_options
from orch_gates.cli.gate.publish import outputs, publish
from orch_gates.cli.options import ForgeOptions, forge_options
from orch_gates.errors import UsageError
from orch_gates.gates.gate import Gate
from orch_gates.settings import load

if TYPE_CHECKING:
    from orch_gates.forge.port.forge import Forge

_BRANCH = click.Option(
    ["--branch"],
    default="",
    metavar="NAME",
    help="The branch whose pull request is judged [the event's, or the current one].",
)
# By whether the gate asks a forge where one is known.
_SOURCES = {
    True: "Without REPORT, the gate asks the forge about the commit at HEAD; if no forge is known, it needs a report.",
    False: "REPORT has to say so about the commit at HEAD.",
}


@dataclass(frozen=True, slots=True)
class _Request:
    """What the command line names; empty where it names nothing."""

    report: Path | None
    head: str
    branch: str
    repo: Path


def command(gate: Gate[Any]) -> click.Command:
    """The command of one gate."""

    @click.command(gate.name, short_help=gate.about)
    @click.argument("report", required=False, type=click.Path(path_type=Path))
    @click.option("--head", default="", metavar="REF", help="The commit to judge [HEAD, or the CI event's].")
    @click.option("--repo", default=".", type=click.Path(path_type=Path), help="A directory in the repository.")
    @verdict_options
    @click.option("--status", is_flag=True, help=f"Post the verdict on the commit, as the status orch/{gate.name}.")
    @forge_options
    def run(
        report: Path | None,
        head: str,
        repo: Path,
        status: bool,
        options: ForgeOptions,
        output: Output,
        branch: str = "",
    ) -> None:
        with exit_codes():
            _judge(gate, _Request(report, head, branch, repo), options, output, status=status)

    if gate.of_a_branch:
        run.params.append(_BRANCH)
    run.help = (
        f"{gate.about} {_SOURCES[gate.asks_forge]}\n\n"
        "A report that is missing, malformed or about another commit never passes.\n\n"
        f"\b\nExamples:\n  orch-gates gate {gate.name}\n"
        f"  orch-gates gate {gate.name} build/report.md --head HEAD~1 --json"
    )
    return run


def _judge(gate: Gate[Any], request: _Request, options: ForgeOptions, output: Output, *, status: bool) -> None:
    from orch_gates.gates import range as ranges
    from orch_gates.gates.evaluate import evaluate
    from orch_gates.gates.gate import Ports, Subject, Unknown
    from orch_gates.workspace import open_workspace

    outputs(load(overrides=options.overrides), request.repo)
    workspace = open_workspace(request.repo, options.overrides, options.observe, before_push=True)
    settings, git = workspace.settings, workspace.git
    event = ranges.read_event(settings) if not request.head else ranges.Event()
    subject = Subject(
        git.resolve(request.head or event.head or "HEAD"),
        request.branch or ranges.source_branch(git, event),
        ranges.target_branch(git, settings, event),
    )

    def forge() -> Forge | None:
        """A report that is named counts, whatever a forge would answer."""
        found = None if request.report is not None else workspace.forge
        if found is not None and gate.of_a_branch and not subject.branch:
            raise UsageError("HEAD is detached, so the pull request is unknown; name its branch with --branch")
        return found

    def report(name: str) -> str | None:
        return _text(request.report or Path(name))

    # Only its name: a status is read by others, whom the folders of this machine do not concern.
    ports = Ports(settings, report, forge, named=request.report.name if request.report else "")
    answer = evaluate(gate.name, subject, ports, (gate,))
    verdict = answer.as_verdict(gate.name) if isinstance(answer, Unknown) else answer
    file = verdict.evidence.get("report")
    publish(settings, verdict, request.report or (Path(str(file)) if file else None), None, as_json=output.as_json)
    output.show(settings, verdict)
    code = verdict.outcome.exit_code
    if status:
        from orch_gates.cli.gate import post_status

        judged = "" if isinstance(answer, Unknown) else subject.head
        code = post_status.post(workspace, verdict, judged)
    raise SystemExit(code)


def _text(path: Path) -> str | None:
    from orch_gates.documents.frontmatter import MAX_DOCUMENT
    from orch_gates.report import files

    return files.read(path, MAX_DOCUMENT) if path.exists() else None
