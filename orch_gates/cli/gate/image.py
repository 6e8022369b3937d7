"""`orch-gates gate image` and `orch-gates image`: prove what an image was built of, and tag it (IMG-1)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import wraps
from pathlib import Path
from typing import Any

import click

from orch_gates.cli.boundary import exit_codes
from orch_gates.cli.gate import post_status
from orch_gates.cli.gate.output import Output, verdict_options
from orch_gates.cli.gate.publish import outputs, publish
from orch_gates.cli.options import ForgeOptions, forge_options
from orch_gates.errors import UsageError
from orch_gates.gates import policy, registry, verdict_report
from orch_gates.gates import range as ranges
from orch_gates.gates.gate import out_of_scope
from orch_gates.gates.image import freshness, gather
from orch_gates.gates.image.gather import GatheredImage, Question
from orch_gates.gates.security.allowlist_file import private_dir
from orch_gates.model.ids import OID
from orch_gates.model.verdict import Outcome, Verdict
from orch_gates.oci import reference
from orch_gates.oci.promote import promote as lead
from orch_gates.oci.registry import Registry
from orch_gates.report import files
from orch_gates.settings import load
from orch_gates.workspace import Workspace, open_workspace

_GATE = "image-freshness"
_OPTIONS = (
    click.option("--tested", default="", metavar="DIGEST", help="The digest that was tested on staging."),
    click.option("--revision", default="", metavar="SHA", help="The validated commit [HEAD, or the CI event's]."),
    click.option(
        "--base", default="", metavar="REF", help="The image of the FROM line; labels inherited from it do not count."
    ),
    click.option("--repo", default=".", type=click.Path(path_type=Path), help="A directory in the repository."),
    click.option("--report", type=click.Path(path_type=Path), help="Where the report goes [in the git directory]."),
)


@dataclass(frozen=True, slots=True)
class ImageRequest:
    """What the command line says about an image; empty where it says nothing."""

    tested: str
    revision: str
    base: str
    repo: Path
    report: Path | None


def _request_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command the options about an image; they arrive as its argument `request`."""

    @wraps(command)
    def run(*args: Any, tested: str, revision: str, base: str, repo: Path, report: Path | None, **values: Any) -> Any:
        return command(*args, request=ImageRequest(tested, revision, base, repo, report), **values)

    for option in reversed(_OPTIONS):
        run = option(run)
    return run


@click.command("image", short_help="The image tested on staging is that of this commit.")
@click.option("--image", "named", required=True, metavar="REF", help="The image, as host/name:tag or host/name@digest.")
@_request_options
@verdict_options
@click.option("--status", is_flag=True, help=f"Post the verdict on the commit, as the status orch/{_GATE}.")
@forge_options
def gate(named: str, request: ImageRequest, status: bool, options: ForgeOptions, output: Output) -> None:
    """The image that was tested on staging is the image of this commit.

    Reads the registry. The tag must point to the tested digest. For every platform, the label
    org.opencontainers.image.revision must name the commit, or org.orch-gates.tree its tree. A label inherited from the
    base image does not count. Writes 19-image-report.md, which `orch-gates task report` records.

    The login is ORCH_REGISTRY_USER and ORCH_REGISTRY_TOKEN, or that of `docker login`.

    \b
    Examples:
      orch-gates gate image --image git.example.org/acme/app:staging --tested "$DIGEST"
      orch-gates gate image --image git.example.org/acme/app@sha256:... --revision v1.2 --json
    """
    with exit_codes():
        place = outputs(load(overrides=options.overrides), request.repo, request.report).report
        workspace = open_workspace(request.repo, options.overrides, options.observe, before_push=True)
        verdict, _, written = judged(workspace, named, request, place)
        shown = written and (request.report or written)
        publish(workspace.settings, verdict, shown, None, as_json=output.as_json)
        output.show(workspace.settings, verdict, *([f"Report: {shown}\n"] if shown else []))
        code = verdict.outcome.exit_code
        if status:
            code = post_status.post(workspace, verdict, str(verdict.evidence.get("head") or ""))
        raise SystemExit(code)


def judged(
    workspace: Workspace, named: str, request: ImageRequest, place: Path | None, *, writes: bool = False
) -> tuple[Verdict, Promotable | None, Path | None]:
    """The verdict as its report states it; what may be promoted, if it is a PASS; and where the report is.

    Out of scope nothing is asked and nothing written (GATE-3).

    Raises:
        OrchError: what is asked makes no sense, or the report could not be written.
    """
    settings = workspace.settings
    if (skipped := out_of_scope(_GATE, settings)) is not None:
        return skipped, None, None
    question = _question(workspace, named, request)
    if place is None:
        files.make_folder(private_dir(workspace.git))
    path = place or private_dir(workspace.git) / freshness.FILE_NAME
    # A run that is killed half-way must not leave an older verdict to be believed.
    files.remove(path)
    own = Registry(question.image, settings.registry, writes=writes)
    seen = gather.gather(question, workspace.git, own)
    verdict = freshness.judge(seen.facts, policy.IMAGE_FRESHNESS)
    gate = registry.find(_GATE)
    assert gate is not None
    assert gate.record is not None
    word = str(verdict.evidence.get("image_status") or "")
    verdict = verdict_report.write(gate.record, path, verdict, head=question.commit, word=word, now=workspace.now)
    passed = verdict.outcome is Outcome.PASS
    return verdict, Promotable(question, seen, own) if passed else None, path


@dataclass(frozen=True, slots=True)
class Promotable:
    """An image that passed, as it was seen, and the registry that it is in."""

    question: Question
    seen: GatheredImage
    registry: Registry


def _question(workspace: Workspace, named: str, request: ImageRequest) -> Question:
    git = workspace.git
    event = ranges.Event() if request.revision else ranges.read_event(workspace.settings)
    revision = request.revision or event.head or "HEAD"
    # A full id of a commit that is not here can still be compared with a label.
    commit = revision if OID.fullmatch(revision) and not git.has(revision) else git.resolve(revision)
    return Question(
        reference.parse(named, "--image"),
        commit,
        reference.digest(request.tested, "--tested") if request.tested else "",
        reference.parse(request.base, "--base") if request.base else None,
    )


@click.group()
def image() -> None:
    """Tag an image that was built once and tested.

    \b
    Example:
      orch-gates image promote git.example.org/acme/app:staging --tested "$DIGEST" --tag production
    """


@image.command(short_help="Set tags to an image by its digest, once the gate has passed.")
@click.argument("named", metavar="SRC")
@click.option("--tag", "tags", multiple=True, required=True, metavar="TAG", help="A tag to set; may be repeated.")
@_request_options
@verdict_options
def promote(named: str, tags: tuple[str, ...], request: ImageRequest, output: Output) -> None:
    """Set tags to the image SRC by its digest, once the gate has passed; nothing is built or copied.

    It gets the tag rev-COMMIT too, which points to it for good. Everything that was written is read back. A second time
    it changes nothing.

    \b
    Examples:
      orch-gates image promote git.example.org/acme/app:staging --tested "$DIGEST" --tag v1.2 --tag production
    """
    with exit_codes():
        if not request.tested:
            raise UsageError(
                "--tested DIGEST is missing; give the digest that was tested on staging: nothing else is promoted"
            )
        wanted = [reference.tag(tag, "--tag") for tag in tags]
        place = outputs(load(), request.repo, request.report).report
        workspace = open_workspace(request.repo, before_push=True)
        verdict, passed, written = judged(workspace, named, request, place, writes=True)
        more = []
        if passed is not None:
            assert passed.seen.manifest is not None
            done = lead(passed.registry, passed.seen.manifest, passed.question.commit, wanted)
            more = [
                *(f"Tagged: {passed.registry.image.tagged(tag)}\n" for tag in done.written),
                *(f"Already tagged: {passed.registry.image.tagged(tag)}\n" for tag in done.kept),
            ]
            verdict = replace(verdict, evidence={**verdict.evidence, "tags": ", ".join((*done.written, *done.kept))})
        publish(workspace.settings, verdict, written, None, as_json=output.as_json)
        output.show(workspace.settings, verdict, *more)
        # Nothing is promoted out of scope, and who asked for it is told by the exit code (GATE-5).
        raise SystemExit(2 if verdict.outcome is Outcome.SKIP else verdict.outcome.exit_code)
