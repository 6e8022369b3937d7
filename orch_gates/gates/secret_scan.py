"""Gathering for the `security` gate: what was added, scanned, and proven to be scanned (SEC-2)."""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from orch_gates import clock
from orch_gates.content.bundle import Bundles
from orch_gates.content.fragments import Fragment, FragmentSource, Origin, ref_names
from orch_gates.errors import BudgetExceeded, ScannerError
from orch_gates.git import objects
from orch_gates.git.cli import Git
from orch_gates.git.placement import Placement, placements
from orch_gates.model.finding import Finding
from orch_gates.scanners.digest import FileDigest
from orch_gates.scanners.paths import applies
from orch_gates.scanners.port import Engine, Match, Scan, SecretScanner
from orch_gates.settings import Budget

FIX_COMMITTED = (
    "revoke the credential first, then take it out of every commit that has it (git rebase -i {commit}^) and push again"
)
FIX_STAGED = "take it out of the file, stage the file again, and keep the value outside the repository"
FIX_UNCOMMITTED = "revoke the credential, and delete the tag or ref that leads to this object, which is in no commit"
FIX_NAME = "choose a name that holds no credential, and revoke the one that was used"


@dataclass(frozen=True, slots=True)
class SecretFinding:
    """A finding with the secret's bytes, which only the list of exceptions may look at (SEC-5)."""

    finding: Finding
    secret: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class SecretFacts:
    """The numbers that make a clean answer believable, and what was found."""

    engine: Engine
    engine_digest: str
    config_digest: str
    commits_expected: int
    commits_read: int
    objects_expected: int
    objects_read: int
    bytes_read: int
    bytes_bundled: int
    bytes_scanned: int
    canaries: int
    canaries_found: int
    findings: tuple[SecretFinding, ...]


@dataclass(frozen=True, slots=True)
class Subject:
    """What is judged: new objects with their places, and the names that refs are given."""

    new: objects.NewObjects
    placed: Sequence[Placement]
    commits_expected: int
    ref_names: tuple[str, ...] = ()
    extra: tuple[Fragment, ...] = ()


def pushed(
    git: Git,
    tips: Sequence[str],
    excluded: Sequence[str],
    budget: Budget,
    *,
    names: Iterable[str] = (),
    quarantine: str = "",
) -> Subject:
    """Everything that tips add to what is excluded, and everything else in the quarantine.

    Raises:
        BudgetExceeded: more objects or larger ones than the budget allows.
        GitError: the objects cannot be listed.
    """
    new = objects.list_new(git, tips, excluded, most=budget.objects)
    expected = objects.count_commits(git, tips, excluded) if tips else 0
    if quarantine:
        main_store = str(git.git_dir() / "objects")
        strays = objects.list_quarantined(git, new, quarantine, main_store)
        new = objects.NewObjects(new.commits, {**new.headers, **objects.headers(git, strays)})
    for oid, header in new.headers.items():
        if header.size > budget.object_bytes:
            raise BudgetExceeded(
                f"object {oid[:10]} has {header.size} bytes, more than the {budget.object_bytes} that one "
                "may have; keep large files outside git (LFS), or raise ORCH_SECURITY_MAX_OBJECT_BYTES"
            )
    return Subject(new, tuple(placements(git, new.commits)), expected, tuple(names))


def scan(git: Git, subject: Subject, scanner: SecretScanner, budget: Budget) -> SecretFacts:
    """Scan everything a subject adds.

    Raises:
        BudgetExceeded: more text or more time than the budget allows (SEC-9).
        GitError: an object could not be read.
        ScannerError, ProcessError: the engine failed.
    """
    deadline = clock.monotonic() + budget.seconds
    digest = FileDigest(Path(scanner.engine.path))
    id_bytes = 32 if git.text("rev-parse", "--show-object-format") == "sha256" else 20
    with tempfile.TemporaryDirectory(prefix="orch-gates-") as directory:
        bundles = Bundles(_folder(directory, "all"), scanner.canary, budget.content_bytes)
        with objects.reader(git) as reader:
            source = FragmentSource(reader, subject.new, id_bytes)
            bundles.write(_in_time(_all_fragments(source, subject), deadline, budget))
        first = _Pass(bundles, scanner.scan(bundles.directory, timeout=_remaining(deadline, budget)))
        passes = [first]
        if crossed := first.crossed():
            apart = Bundles(_folder(directory, "apart"), scanner.canary, budget.content_bytes)
            for bundle in crossed:
                bundles.write_apart(bundle, apart)
            result = scanner.scan(apart.directory, timeout=_remaining(deadline, budget))
            passes.append(_Pass(apart, result))
    return SecretFacts(
        engine=scanner.engine,
        engine_digest=digest.result(),
        config_digest=FileDigest(scanner.engine.config).result() if scanner.engine.config else "built-in",
        commits_expected=subject.commits_expected,
        commits_read=source.commits_read,
        objects_expected=len(subject.new.headers),
        objects_read=source.objects_read,
        bytes_read=source.bytes_read,
        bytes_bundled=sum(one.bundles.bytes_written for one in passes),
        bytes_scanned=sum(one.result.bytes_scanned for one in passes),
        canaries=sum(len(one.bundles.canaries) for one in passes),
        canaries_found=sum(one.canaries_found() for one in passes),
        findings=_findings(passes),
    )


@dataclass(frozen=True, slots=True)
class _Pass:
    """One run of the engine over one set of bundles."""

    bundles: Bundles
    result: Scan

    def canaries_found(self) -> int:
        seen = {(match.bundle, match.secret) for match in self.result.matches}
        return sum(item in seen for item in self.bundles.canaries.items())

    def crossed(self) -> list[str]:
        """Bundles in which a match ran over from one fragment into the next.

        It may have swallowed the beginning of a real one there, so their fragments have to be
        looked at apart. A match that reaches as far as the canary counts too.
        """
        return sorted({match.bundle for match in self.result.matches if self.bundles.runs_over(match.text)})

    def matches(self) -> list[Match]:
        """All matches but the canaries."""
        return [match for match in self.result.matches if not self._is_canary(match)]

    def _is_canary(self, match: Match) -> bool:
        canary = self.bundles.canaries.get(match.bundle)
        return canary is not None and (canary in match.text or canary in match.secret)


def _folder(parent: str, name: str) -> Path:
    folder = Path(parent) / name
    folder.mkdir()
    return folder


def _in_time(fragments: Iterable[Fragment], deadline: float, budget: Budget) -> Iterator[Fragment]:
    for fragment in fragments:
        _remaining(deadline, budget)
        yield fragment


def _remaining(deadline: float, budget: Budget) -> float:
    remaining = deadline - clock.monotonic()
    if remaining <= 0:
        raise BudgetExceeded(_too_slow(budget))
    return remaining


def _all_fragments(source: FragmentSource, subject: Subject) -> Iterable[Fragment]:
    yield from subject.extra
    yield from ref_names(subject.ref_names)
    yield from source.fragments(subject.placed)


def _too_slow(budget: Budget) -> str:
    return f"the check took longer than {budget.seconds:.0f} s; push in smaller parts, or raise ORCH_SECURITY_TIMEOUT_S"


def _findings(passes: Sequence[_Pass]) -> tuple[SecretFinding, ...]:
    matches = [match for one in passes for match in one.matches()]
    secrets = sorted({match.secret for match in matches if match.secret}, key=len, reverse=True)
    # Pieces overlap, so one secret may be seen twice; it is one by its place and its bytes.
    found: dict[tuple[Origin, int, str, bytes], SecretFinding] = {}
    for one in passes:
        for match in one.matches():
            if one.bundles.runs_over(match.text):
                continue
            place = one.bundles.locate(match.bundle, match.line, match.secret)
            if place is None:
                raise ScannerError(f"the scanner reported {match.rule} outside of what it was given")
            fragment, offset = place
            line = fragment.first_line + offset
            if _counts(match, fragment, line):
                item = _finding(match, fragment, line, offset, secrets)
                found.setdefault((fragment.origin, line, match.rule, match.secret), item)
    return tuple(found.values())


def _counts(match: Match, fragment: Fragment, line: int) -> bool:
    origin = fragment.origin
    paths = (origin.path, *origin.also) if origin.carrier == "file" else ("",)
    if not any(applies(match.rule, match.generic, path) for path in paths):
        return False
    if fragment.fresh is None:
        return True
    # A name may be new above a value that is not: the match begins where its name does.
    above = match.text[: max(0, match.text.find(match.secret))].lstrip().count(b"\n")
    lines = range(line - above, line + match.text.count(b"\n") + 1)
    return any(number in fragment.fresh for number in lines)


def _finding(match: Match, fragment: Fragment, line: int, offset: int, secrets: Sequence[bytes]) -> SecretFinding:
    origin = fragment.origin
    column = fragment.data.split(b"\n")[offset].find(match.secret)
    path = _redacted(origin.path, secrets)
    # The secret is part of the digest only through its place: the id may be printed (SEC-5).
    place = f"{origin.oid}\0{origin.carrier}\0{origin.path}\0{line}\0{match.rule}\0{column}"
    if origin.carrier == "file":
        missing = FIX_STAGED if origin.path else FIX_UNCOMMITTED
        fix = FIX_COMMITTED.format(commit=origin.commit[:10]) if origin.commit else missing
    elif origin.carrier in {"commit", "tag"}:
        fix = "revoke the credential, then write the message again without it (git commit --amend, or git tag -f)"
    else:
        fix = FIX_NAME
    finding = Finding(
        id=hashlib.sha256(place.encode("utf-8", "surrogateescape")).hexdigest()[:12],
        rule=match.rule,
        path=path or f"({origin.carrier})",
        line=line if origin.carrier == "file" else 0,
        commit=origin.commit,
        description=match.description,
        fix=fix,
        carrier=origin.carrier,
    )
    return SecretFinding(finding, match.secret)


def _redacted(text: str, secrets: Sequence[bytes]) -> str:
    for secret in secrets:
        text = text.replace(secret.decode("utf-8", "surrogateescape"), "[redacted]")
    return text
