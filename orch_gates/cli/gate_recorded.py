"""`orch-gates gate NAME` for the gates that read a report: each usable alone, without a state branch (GATE-1)."""

from __future__ import annotations

from pathlib import Path

import click

from orch_gates.cli.boundary import exit_codes, say
from orch_gates.cli.options import ForgeOptions, forge_options
from orch_gates.cli.publish import outputs, publish
from orch_gates.settings import load

# What each of them is about; their files and words are in gates/registry.py, which is dear to import.
ABOUT = {
    "ci-green": "CI is green",
    "review-approved": "The review has approved it",
    "tests-passed": "The tester has passed it",
    "staging-status": "It runs on staging",
    "deploy-status": "It is deployed",
}


def command(name: str) -> click.Command:
    """The command of one gate."""

    @click.command(name, short_help=f"{ABOUT[name]}, says a report about this commit.")
    @click.argument("report", required=False, type=click.Path(path_type=Path))
    @click.option("--head", default="", metavar="REF", help="The commit to judge [HEAD, or the CI event's].")
    @click.option("--repo", default=".", type=click.Path(path_type=Path), help="A directory in the repository.")
    @click.option("--json", "as_json", is_flag=True, help="Print the verdict as JSON.")
    @click.option("--status", is_flag=True, help=f"Post the verdict on the commit, as the status orch/{name}.")
    @forge_options
    def run(report: Path | None, head: str, repo: Path, as_json: bool, status: bool, options: ForgeOptions) -> None:
        with exit_codes():
            _judge(name, report, head, repo, options, as_json=as_json, status=status)

    run.help = (
        f"{ABOUT[name]}, says REPORT about the commit at HEAD.\n\n"
        "A report that is absent, malformed or about another commit proves nothing, and never passes.\n\n"
        f"\b\nExamples:\n  orch-gates gate {name}\n  orch-gates gate {name} build/report.md --head HEAD~1 --json"
    )
    return run


def _judge(
    name: str, report: Path | None, head: str, repo: Path, options: ForgeOptions, *, as_json: bool, status: bool
) -> None:
    from orch_gates import wiring
    from orch_gates.gates import range as ranges
    from orch_gates.gates import registry
    from orch_gates.report import machine, text

    settings = load(overrides=options.overrides)
    outputs(settings, repo)
    git = wiring.repository(settings, repo)
    settings, _ = wiring.configured(settings, git, wiring.configuring_commit(settings, git))
    commit = git.resolve(head or ranges.read_event(settings).head or "HEAD")
    path = report or Path(registry.RECORDED[name].file)
    sources = registry.Sources(read=lambda _: _text(path), head=commit, branch="", target="", settings=settings)
    verdict = registry.judge(name, sources)
    publish(settings, verdict, path, None, as_json=as_json)
    say(machine.as_json(verdict) if as_json else text.for_cli(verdict))
    code = verdict.outcome.exit_code
    if status:
        from orch_gates.cli import post_status

        code = post_status.post(settings, repo, verdict, commit, options.observe)
    raise SystemExit(code)


def _text(path: Path) -> str | None:
    from orch_gates.documents.frontmatter import MAX_DOCUMENT
    from orch_gates.report import files

    return files.read(path, MAX_DOCUMENT) if path.exists() else None
