"""The composition root: which adapter stands behind which port, chosen from the settings."""

from __future__ import annotations

from pathlib import Path

from orch_gates import settings as settings_module
from orch_gates.config import file as config_file
from orch_gates.config.file import Config
from orch_gates.errors import GitError, UsageError
from orch_gates.gates import range as ranges
from orch_gates.git.cli import Git, default_branch_commit, open_repository
from orch_gates.settings import Settings


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


def working_directory() -> Path:
    """The working directory.

    Raises:
        UsageError: it is gone.
    """
    try:
        return Path.cwd()
    except OSError as error:
        raise UsageError(f"the working directory cannot be told: {error.strerror}") from error
