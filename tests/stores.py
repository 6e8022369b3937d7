"""The store of a state branch, as the settings say where it is, without a command around it."""

from __future__ import annotations

from pathlib import Path

from orch_gates import clock, workspace
from orch_gates.document_kinds import KINDS
from orch_gates.git.tree import Author
from orch_gates.settings import Settings
from orch_gates.state.branch import remote
from orch_gates.state.branch.git_store import CommitIdentity, GitStore
from orch_gates.workspace import Workspace


def open_store(settings: Settings, directory: Path) -> GitStore:
    """That at ORCH_STATE_REMOTE, also outside of any repository; else that of the repository here."""
    state = settings.state
    if not state.remote:
        return Workspace(settings, workspace.repository(settings, directory), clock.utc_now()).store
    there = remote.RemoteUrl(state.remote, ())
    source = remote.source(there, state.branch, settings.tools.cache_dir, settings.inherited_env)
    author = Author(state.author_name, state.author_email)
    return GitStore(source, CommitIdentity(author, state.by or "a-tester"), state.timeout, KINDS)
