"""The composition root: which adapter stands behind which port, chosen from the settings."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from orch_gates import clock
from orch_gates import settings as settings_module
from orch_gates.config import file as config_file
from orch_gates.config.file import Config
from orch_gates.errors import GitError, OrchError, RepositoryRulesError, SettingsError, UsageError
from orch_gates.gates import allowlist, allowlist_file, dependencies, secret_scan, security
from orch_gates.gates import range as ranges
from orch_gates.gates.allowlist import AllowList
from orch_gates.gates.dependencies import DependencyResult
from orch_gates.gates.range import Range
from orch_gates.gates.secret_scan import SecretFacts, Subject
from orch_gates.gates.security import SecurityFacts, Unproven
from orch_gates.git.cli import Git, default_branch_commit, open_repository
from orch_gates.model.verdict import Verdict
from orch_gates.scanners import early, engine, locate, repository_rules
from orch_gates.scanners.engine import Engine
from orch_gates.scanners.pip_audit import PipAudit
from orch_gates.settings import Settings

# Together with the worker's bound and our own process, what a check may hold in memory (SEC-9).
GIT_MEMORY_BYTES = 200_000_000


def repository(settings: Settings, directory: Path, *, inside_hook: bool = False) -> Git:
    """Git on the repository that holds a directory.

    Raises:
        GitError: there is none.
    """
    return open_repository(
        directory,
        settings.inherited_env,
        timeout=settings.security.budget.seconds,
        inside_hook=inside_hook,
    )


def work_tree(settings: Settings, directory: Path) -> Path | None:
    """The top folder of the work tree that a directory is in; None where it is in none."""
    try:
        return Path(repository(settings, directory).text("rev-parse", "--show-toplevel"))
    except GitError:
        return None


def configuring_commit(settings: Settings, git: Git) -> str:
    """The commit that configures a repository, outside of any push or event; empty where there is none (P5).

    Raises:
        UnknownRevision: the branch that it should be on is not here.
    """
    if git.is_bare():
        return default_branch_commit(git)
    return ranges.trusted(git, settings, base="", head="")


def configured(settings: Settings, git: Git, trusted: str) -> tuple[Settings, Config]:
    """The settings with the configuration file of a trusted commit between environment and defaults (P5).

    Raises:
        ConfigError: anything in the file is wrong.
        GitError: it cannot be read.
    """
    config = config_file.read(git, trusted)
    return settings_module.load(settings.inherited_env, config.given), config


def scan(
    settings: Settings,
    git: Git,
    subject: Callable[[Git], Subject],
    trusted: str,
    *,
    started: Engine | None = None,
    lenient: bool = False,
) -> Callable[[], SecretFacts]:
    """A scan of a subject with the engine that the settings choose, not yet run; `started` is one that is loading.

    A trusted commit adds the repository's own rules. `lenient`: a wrong file of them must not keep its own repair
    out, so the bundle's rules judge alone, and the doubt is told.
    """

    def run() -> SecretFacts:
        if started is not None and settings.security.engine == locate.OWN:
            return judged(started)
        given = locate.engine(settings.security.engine, settings.tools, settings.inherited_env)
        with engine.start(given, early.worker_env(settings), timeout=early.life(settings)) as anew:
            return judged(anew)

    def judged(running: Engine) -> SecretFacts:
        security = settings.security
        bounded = replace(git, timeout=security.budget.seconds, memory=GIT_MEMORY_BYTES)
        own = git.blob(trusted, repository_rules.PATH) if trusted else None
        try:
            return secret_scan.scan(
                bounded, subject(bounded), running, security.budget, pin=security.pin, own_rules=own or b""
            )
        except RepositoryRulesError as error:
            if not lenient:
                raise
            doubt = f"{error}; judged by the rules of orch-gates alone until this is mended on the default branch"
        facts = secret_scan.scan(bounded, subject(bounded), running, security.budget, pin=security.pin)
        return replace(facts, doubts=(*facts.doubts, doubt))

    return run


def working_directory() -> Path:
    """The working directory.

    Raises:
        UsageError: it is gone.
    """
    try:
        return Path.cwd()
    except OSError as error:
        raise UsageError(f"the working directory cannot be told: {error.strerror}") from error


def problems_of_rules(settings: Settings, data: bytes) -> Sequence[str]:
    """Everything that is wrong in a repository's own file of rules, as the engine itself says (SEC-6).

    Raises:
        ScannerError: the engine does not work.
    """
    given = locate.engine(settings.security.engine, settings.tools, settings.inherited_env)
    with engine.start(given, early.worker_env(settings), timeout=early.life(settings)) as running:
        try:
            running.add_rules(data, clock.monotonic() + settings.security.budget.seconds)
        except RepositoryRulesError as error:
            return error.problems
    return ()


def out_of_scope(settings: Settings) -> Verdict | None:
    """A SKIP where the security gate is switched off or meant for other repositories (GATE-3)."""
    reason = settings.scope(security.GATE).excludes(settings.ci.repository)
    return security.skipped(reason) if reason else None


def with_allow_list(settings: Settings, git: Git, facts: SecurityFacts, trusted: str) -> SecurityFacts:
    """The facts with the list of exceptions, read only when there is something to except."""
    if isinstance(facts.secrets, Unproven) or not facts.secrets.findings:
        return facts
    try:
        return replace(facts, allowed=allow_list(settings, git, trusted))
    except OrchError as error:
        return replace(facts, doubts=(*facts.doubts, str(error)))


def allow_list(settings: Settings, git: Git, trusted: str) -> AllowList:
    """The list of allowed findings at a trusted commit (P5, SEC-4); empty where there is none.

    Raises:
        ExceptionListError: it is malformed.
        SettingsError: the key is unusable.
        GitError: it cannot be read.
    """
    text = git.blob(trusted, allowlist.PATH) if trusted else None
    if text is None:
        return AllowList()
    return AllowList(allowlist_file.decode(text.decode("utf-8", "replace")), allow_key(settings, git))


def allow_key(settings: Settings, git: Git) -> bytes:
    """The key of the list's hashes: ORCH_ALLOW_KEY, ORCH_ALLOW_KEY_FILE, or a file beside the repository.

    Raises:
        SettingsError: it is too short to keep a hash from being guessed at, or unreadable.
    """
    if settings.allow_key:
        return _checked_key(settings.allow_key.encode("utf-8", "surrogateescape"), "ORCH_ALLOW_KEY")
    named = settings.allow_key_file
    path = Path(named) if named else key_file(git)
    if not named and not path.exists():
        return b""
    try:
        return _checked_key(path.read_bytes().strip(), str(path))
    except OSError as error:
        raise SettingsError(f"the key file {path} cannot be read: {error.strerror}") from error


def key_file(git: Git) -> Path:
    """Where the key of this repository's list lies unless a setting says otherwise: never in a commit."""
    return private_dir(git) / "allow-key"


def private_dir(git: Git) -> Path:
    """A folder for what belongs to this clone and to no commit."""
    return git.git_dir() / "orch-gates"


def _checked_key(key: bytes, source: str) -> bytes:
    if len(key) < allowlist.SHORTEST_KEY:
        raise SettingsError(f"{source} is shorter than {allowlist.SHORTEST_KEY} bytes")
    return key


def audit(settings: Settings, git: Git, found: Range, *, strict: bool) -> DependencyResult | None:
    """Audit the files of pins that a range changed (SEC-7); None where that is switched off."""
    if not settings.security.dep_audit_enabled:
        return None
    # The readers of YAML and TOML cost every hook that does not need them.
    from orch_gates.gates.changed_pins import changed_pins

    fail_closed = strict or settings.security.dep_audit_fail_closed
    auditor = PipAudit(
        program=locate.find_pip_audit(settings.tools, settings.inherited_env),
        env=settings.inherited_env,
        osv_url=settings.security.osv_url,
        timeout=settings.security.dep_audit_timeout,
    )
    try:
        changed = changed_pins(git, found.base, found.head)
    except OrchError as error:
        return dependencies.doubt(str(error), fail_closed=fail_closed)
    return dependencies.judge(dependencies.gather(changed, auditor), fail_closed=fail_closed, commit=found.head)
