"""A server hook that writes down what it was told: appended as one line of JSON, with no secret in it.

A copy of this file is installed, so it needs nothing but Python.
"""

import json
import os
import subprocess
import sys
from pathlib import Path

# The server's own environment reaches its hooks; only what git and the server say about a push is kept.
_KEPT = ("GITEA_", "GIT_", "ORCH_", "SSH_ORIGINAL_COMMAND", "HOME", "LC_ALL")
_SECRET = ("TOKEN", "SECRET", "PASSW")
_NONE = "0" * 40


def main() -> None:
    hook = Path(sys.argv[0]).parent.name.removesuffix(".d")
    if hook == "update":
        ref, old, new = sys.argv[1:4]
        updates = [[old, new, ref]]
    else:
        updates = [line.split() for line in sys.stdin]
    commits = {}
    for _, new, _ in updates:
        if new != _NONE:
            argv = ["git", "cat-file", "commit", new]
            commits[new] = subprocess.run(argv, check=True, capture_output=True).stdout.decode()
    env = {
        name: value
        for name, value in os.environ.items()
        if name.startswith(_KEPT) and not any(word in name for word in _SECRET)
    }
    record = {"hook": hook, "updates": updates, "commits": commits, "env": env, "cwd": str(Path.cwd())}
    with Path("recorded").open("a") as file:
        file.write(json.dumps(record) + "\n")
    refusal = Path("refuse", hook)
    if refusal.exists():
        sys.exit(refusal.read_text())


main()
