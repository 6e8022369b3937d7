"""The local forge, ready to be asked."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from orch_gates import clock
from orch_gates.errors import GitError, SettingsError
from orch_gates.forge.local.checks import LocalReviews, LocalStatuses
from orch_gates.forge.local.issues import LocalIssues
from orch_gates.forge.local.protection import LocalProtections
from orch_gates.forge.local.pulls import LocalPulls
from orch_gates.forge.local.records import Records
from orch_gates.forge.local.repository import Repository
from orch_gates.forge.local.server import LocalServer, NoWorkflows
from orch_gates.forge.port.forge import Forge
from orch_gates.git.cli import open_repository
from orch_gates.state.store import Store


def connect(
    directory: Path, store: Store, who: str, env: Mapping[str, str], timeout: float, repository: str = ""
) -> Forge:
    """The bare repository at `directory` as a forge, asked by `who`.

    `store` is the state branch that keeps what git does not. `env` is what git and the hooks of the
    repository get, `timeout` seconds for each step of git. Hooks are told that it is `repository`
    (`owner/name`), or nothing: its path is no name that a gate may be switched off by (GATE-3).

    Raises:
        SettingsError: it is no bare repository, or nobody asks.
    """
    if not who.strip():
        raise SettingsError("the local forge needs a user name; set ORCH_STATE_BY")
    try:
        git = open_repository(directory, env, timeout=timeout)
        bare = git.is_bare()
    except GitError as error:
        raise SettingsError(f"the local forge cannot be used: {error}") from error
    if not bare:
        way = "make one with `git init --bare`"
        raise SettingsError(f"{directory} is not a bare repository, which the local forge needs; {way}")
    bench = Repository(git, repository, who, env)
    records = Records(store, who, clock.utc_now)
    return Forge(
        repository=repository or _named(git.git_dir()),
        server=LocalServer(bench, who, clock.utc_now),
        pulls=LocalPulls(records, bench),
        statuses=LocalStatuses(records, bench),
        reviews=LocalReviews(records, bench),
        protections=LocalProtections(records),
        issues=LocalIssues(records),
        labels=None,
        workflows=NoWorkflows(),
    )


def _named(git_dir: Path) -> str:
    """The last two names of its path, as servers lay out their repositories."""
    return f"{git_dir.parent.name or 'local'}/{git_dir.name.removesuffix('.git') or 'repository'}"
