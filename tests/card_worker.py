"""A process that shows the cards as `orch-gates notify run` does, and dies at one of its effects (`tests.workers`)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from orch_gates.cli.forge import cards
from orch_gates.workspace import open_workspace
from tests import workers
from tests.workers import Moments, Watched
from tests.zygote import Child

# Commits of the state, calls of Telegram, comments and posts.
_EFFECTS = {"transact", "call", "comment", "edit_comment", "send"}


def worker(directory: Path, env: Mapping[str, str], *, dies_at: int) -> Child:
    """Start one."""
    return workers.start("card_worker", directory, env, dies_at)


def main(directory: str, dies_at: str) -> None:
    """One run."""
    moments = Moments(int(dies_at))

    def watched(port: Any) -> Any:
        return None if port is None else Watched(port, moments, _EFFECTS)

    workspace = open_workspace(Path(directory))
    publisher, apart = cards.publisher_of(workspace)
    assert not apart, apart
    chat, comments = publisher.chat, publisher.comments
    if chat is not None:
        chat = replace(chat, bot=watched(chat.bot))
    if comments is not None:
        comments = replace(comments, forge=replace(comments.forge, issues=watched(comments.forge.issues)))
    hook = watched(publisher.webhook)
    watching = replace(publisher, store=watched(publisher.store), chat=chat, webhook=hook, comments=comments)
    snapshot = publisher.store.load()
    print(watching.publish(snapshot, cards.wanted(workspace, snapshot)), flush=True)
