"""What somebody does to the state branch without the program: one commit on the server, past its hooks.

A test of what the guard says of such a commit pushes it instead.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Mapping

from tests.builders import Repo

STATE = "refs/heads/orch-state"


def edit_state(server: Repo, files: Mapping[str, str | bytes | None]) -> str:
    """Commit files on top of the branch, `None` for one that is to go; answers the commit."""
    who = f"A Tester <tester@example.invalid> {int(time.time())} +0000"
    stream = [f"commit {STATE}\ncommitter {who}\ndata 7\nby hand\nfrom {STATE}^0\n".encode()]
    for path, content in files.items():
        quoted = '"' + re.sub(r'(["\\])', r"\\\1", path).replace("\n", "\\n") + '"'
        if content is None:
            stream.append(f"D {quoted}\n".encode())
            continue
        data = content.encode() if isinstance(content, str) else content
        stream.append(f"M 100644 inline {quoted}\ndata {len(data)}\n".encode() + data + b"\n")
    server.git("fast-import", "--quiet", stdin=b"".join(stream))
    return server.git("rev-parse", STATE)


def edit_state_file(server: Repo, path: str, change: Callable[[str], str]) -> str:
    """Change the text of one file."""
    return edit_state(server, {path: change(server.git("show", f"{STATE}:{path}") + "\n")})
