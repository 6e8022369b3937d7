"""The composition root: which adapter stands behind which port, chosen from the settings."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, assert_never

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

if TYPE_CHECKING:
    from orch_gates.forge.detect import Place
    from orch_gates.forge.http import Observe
    from orch_gates.forge.port.forge import Forge
    from orch_gates.git.heads import Heads
    from orch_gates.state.git_store import GitStore


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


def store(settings: Settings, directory: Path) -> GitStore:
    """The state branch: where ORCH_STATE_REMOTE says, else in this bare repository, else at this clone's origin.

    Raises:
        SettingsError: nothing says where it is.
        GitError: the clone cannot be read.
    """
    # pygit2 costs every hook and `--version` that does not need it.
    from orch_gates.document_kinds import KINDS
    from orch_gates.git.tree import Author
    from orch_gates.state import place
    from orch_gates.state.git_store import GitStore, Identity

    wanted = settings.state
    found = place.find(wanted.remote, directory, settings.inherited_env, timeout=wanted.timeout)
    source = place.source(found, wanted.branch, settings.tools.cache_dir, settings.inherited_env)
    author = Author(wanted.author_name, wanted.author_email)
    return GitStore(source, Identity(author, wanted.by), wanted.timeout, KINDS)


def forge_place(settings: Settings, directory: Path) -> Place | None:
    """The forge that is meant here; None where none is, and recorded reports are read instead.

    Raises:
        SettingsError: what is said about it cannot be used.
        GitError: the clone cannot be read.
    """
    from orch_gates.forge.detect import Job, Said, choose
    from orch_gates.state import place

    wanted, timeout = settings.forge, settings.state.timeout
    if not wanted.token and wanted.token_env != "ORCH_FORGE_TOKEN":
        # The value is not repeated: somebody may have given the token itself.
        raise SettingsError(
            "ORCH_FORGE_TOKEN_ENV (--token-env) has to name a variable that is set; it is no place for the token itself"
        )
    try:
        origin = place.find("", directory, settings.inherited_env, timeout=timeout).url
    except SettingsError:
        origin = ""
    said = Said(wanted.kind, wanted.url, wanted.repository, bool(wanted.token))
    return choose(said, Job(settings.ci.forge, settings.ci.server_url), origin)


def no_forge(settings: Settings) -> str:
    """Why no forge is meant here, and what to do about it, in words for a person."""
    if settings.forge.kind == "none":
        return "no forge is asked, as ORCH_FORGE (--forge) is none; take that away"
    if settings.ci.forge:
        return f"no forge is known here: the job's own takes a token, in {settings.forge.token_env}"
    return "no forge is known here; ORCH_FORGE_URL (--url) says where it is"


def forge(settings: Settings, directory: Path, observe: Observe) -> Forge | None:
    """The forge that is meant here, ready to be asked; None where none is.

    Raises:
        SettingsError: what is said about it cannot be used.
        ForgeUnavailable: it had to be asked which kind it is, and did not answer.
    """
    found = forge_place(settings, directory)
    return None if found is None else connected(settings, directory, found, observe)


def connected(settings: Settings, directory: Path, found: Place, observe: Observe) -> Forge:
    """A forge, ready to be asked; each adapter is loaded only where it is used.

    Raises:
        SettingsError, ForgeUnavailable: as `forge`.
    """
    from orch_gates.forge import probe
    from orch_gates.forge.port.server import Kind

    wanted = settings.forge
    kind = found.kind or probe.kind(found.url, wanted.timeout, observe)
    match kind:
        case Kind.GITEA | Kind.FORGEJO:
            from orch_gates.forge.gitea import connect as gitea

            return gitea.connect(found.url, found.repository, wanted.token, wanted.timeout, observe)
        case Kind.GITHUB:
            from orch_gates.forge.github import connect as github

            # A job on a GitHub of one's own is told where the API is.
            own = settings.ci.forge == kind and found.url == settings.ci.server_url.rstrip("/")
            api = settings.ci.api_url if own else ""
            return github.connect(found.url, found.repository, wanted.token, wanted.timeout, observe, api=api)
        case Kind.LOCAL:
            from orch_gates.forge.local import connect as local

            bare = Path(found.url).expanduser().resolve()
            if not bare.is_dir():
                # Without a `/` it may be anything, also a token in the wrong variable.
                where = str(bare) if "/" in found.url else "the path in ORCH_FORGE_URL (--url)"
                raise SettingsError(f"no bare repository is at {where}; the url of a server begins with https://")
            return local.connect(
                bare,
                store(settings, directory),
                settings.state.by,
                settings.inherited_env,
                wanted.timeout,
                wanted.repository,
            )
        case _:
            assert_never(kind)


def heads(settings: Settings, directory: Path) -> Heads:
    """The branches with the tasks' code: at this clone's origin, or in this bare repository.

    Raises:
        SettingsError: nothing says where they are.
        GitError: the clone cannot be read.
    """
    from orch_gates.git.heads import Heads
    from orch_gates.git.remote import Remote
    from orch_gates.state import place

    timeout = settings.state.timeout
    found = place.find("", directory, settings.inherited_env, timeout=timeout)
    return Heads(Remote.at(found.url, settings.inherited_env, found.config), place.local(found), timeout)
