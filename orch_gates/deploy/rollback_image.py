"""Whether the image that an environment would be rolled back to can still be had (IMG-1, WCH-3)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from enum import StrEnum

from orch_gates.deploy import environments
from orch_gates.errors import ImageMissing, OrchError, ReportError
from orch_gates.gates import registry as gates
from orch_gates.gates.recorded import read
from orch_gates.model.environment import Deployed, Running
from orch_gates.model.ids import TaskId, moment
from orch_gates.oci import reference
from orch_gates.oci.reference import Reference
from orch_gates.oci.registry import Registry
from orch_gates.state import layout
from orch_gates.state.snapshot import Snapshot
from orch_gates.variables.services import RegistrySettings

_IMAGE = "image-freshness"
# Seconds for one answer, and four times as many for all: a rollback is not to wait for a registry that is down.
_ANSWER_S = 1.25


class Presence(StrEnum):
    """What its registry says of an image."""

    KEPT = "kept"
    MISSING = "missing"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class RollbackImage:
    """The image of the last verified deploy, and what became of it; `text` is for people, empty where all is well."""

    presence: Presence
    text: str = ""

    @property
    def warning(self) -> str:
        """The same, so that nobody overlooks that a rollback would fail."""
        return f"WARNING: {self.text}" if self.presence is Presence.MISSING else self.text


def looked_for(snapshot: Snapshot, name: str, running: Running | None) -> tuple[Deployed, Reference] | None:
    """The last verified deploy and its image; None where there is none, or its repository is recorded nowhere.

    The repository is that of the image report about that deploy, else of the one about the deploy under way, if any.
    """
    verified = environments.page(snapshot, name).environment.verified
    if verified is None or not verified.digest:
        return None
    repository = next(_repositories(snapshot, verified, running), "")
    if not repository:
        return None
    return verified, reference.parse(f"{repository}@{verified.digest}", "the recorded image")


def ask(verified: Deployed, image: Reference, settings: RegistrySettings) -> RollbackImage:
    """Ask the registry for an image and each of its platforms, by digest; whatever keeps that from an answer is one."""
    # The state branch names the image, and does not choose where a login goes.
    known = settings.host.lower() == image.host
    bounded = replace(settings, timeout=min(settings.timeout, _ANSWER_S))
    registry = Registry(image, bounded if known else replace(bounded, user="", token=""))
    what = f"{image} of deploy {verified.deploy} ({verified.revision[:10]}), the last verified one,"
    try:
        top = registry.manifest(image.digest)
        for part in top.parts:
            if not part.attestation:
                registry.manifest(part.digest, part.size)
    except ImageMissing as error:
        return RollbackImage(
            Presence.MISSING,
            f"{what} is no longer in its registry, so a rollback is impossible: {error}. Push the image again under "
            "its own tag; `orch-gates image promote` gives each revision a tag that keeps its image",
        )
    except OrchError as error:
        hint = "" if known else "; ORCH_REGISTRY_HOST says which registry the login is for"
        why = f"could not check whether {what} is still in its registry: {error}{hint}"
        return RollbackImage(Presence.UNKNOWN, why)
    return RollbackImage(Presence.KEPT)


def _repositories(snapshot: Snapshot, verified: Deployed, running: Running | None) -> Iterator[str]:
    gate = gates.find(_IMAGE)
    assert gate is not None
    assert gate.record is not None
    for path in _reports(verified, running, gate.record.file):
        if (text := snapshot.text(path)) is None:
            continue
        try:
            report, _ = read(gate.record, text)
        except ReportError:
            continue
        if isinstance(image := report.evidence.get("image"), str) and image:
            yield image


def _reports(verified: Deployed, running: Running | None, file: str) -> Iterator[str]:
    if verified.task:
        task = TaskId(verified.task)
        path = layout.report_path(task, file, verified.revision)
        yield path
        year = moment(verified.at).year
        # A task is archived in the year in which it ended.
        for archived in (year, year + 1):
            yield path.replace(layout.task_folder(task), layout.archive_folder(archived, task), 1)
    if running is not None:
        yield layout.report_path(TaskId(running.task), file, running.revision)
