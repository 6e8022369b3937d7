"""A process that shows the cards as `orch-gates notify run` does, and dies at one of its effects.

`python -m tests.card_worker DIRECTORY DIES_AT`: every commit of the state, every call of Telegram, every comment and
every post has a moment before and one after it. At the DIES_AT-th of these the process is killed.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from orch_gates.cli.forge import notifying
from orch_gates.workspace import open_workspace
from tests.merge_worker import Moments

_CODE = Path(__file__).parent.parent
_EFFECTS = {"transact", "call", "comment", "edit_comment", "send"}


def worker(directory: Path, env: Mapping[str, str], *, dies_at: int) -> subprocess.Popen[str]:
    """Start one."""
    return subprocess.Popen(
        [sys.executable, "-m", "tests.card_worker", str(directory), str(dies_at)],
        env={**os.environ, **env, "PYTHONPATH": str(_CODE)},
        cwd=directory,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


class Watched:
    """A port whose effects have moments; all else is passed on."""

    def __init__(self, port: Any, moments: Moments) -> None:
        self._port = port
        self._moments = moments

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._port, name)
        if name not in _EFFECTS:
            return found

        def performed(*args: Any, **values: Any) -> Any:
            self._moments.pass_by()
            answer = found(*args, **values)
            self._moments.pass_by()
            return answer

        return performed


def main(directory: str, dies_at: str) -> None:
    """One run."""
    moments = Moments(int(dies_at), 0)

    def watched(port: Any) -> Any:
        return None if port is None else Watched(port, moments)

    workspace = open_workspace(Path(directory))
    publisher, apart = notifying.publisher_of(workspace)
    assert not apart, apart
    chat, comments = publisher.chat, publisher.comments
    if chat is not None:
        chat = replace(chat, bot=watched(chat.bot))
    if comments is not None:
        comments = replace(comments, forge=replace(comments.forge, issues=watched(comments.forge.issues)))
    hook = watched(publisher.webhook)
    watching = replace(publisher, store=watched(publisher.store), chat=chat, webhook=hook, comments=comments)
    snapshot = publisher.store.load()
    print(watching.publish(snapshot, notifying.wanted(workspace, snapshot)), flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
