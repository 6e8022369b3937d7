"""The commands of `docs/how-to/begin-with-init.md`, run as written."""

from __future__ import annotations

import os
import pty
import subprocess
from pathlib import Path

from tests.blocks import Shell, blocks
from tests.builders import PROGRAM, bare, clone

PAGE = "docs/how-to/begin-with-init.md"


def test_the_commands_of_the_page_work(tmp_path: Path) -> None:
    """Level 0 is pushed, level 1 is written; what was changed by hand stays in the end, and nothing else."""
    server = bare(tmp_path / "app.git")
    shell = Shell(tmp_path / "person", {"ORCH_CACHE_DIR": str(tmp_path / "cache"), "ORCH_FORGE": "gitea"})
    work = clone(server, shell.here / "app")
    work.commit("first", {"Makefile": "test:\n\ttrue\n"})
    shell.here = work.path
    output = shell.series(PAGE, "init", 3)
    assert "would create     .gitea/workflows/queue.yml" in output
    assert "left alone       .gitea/workflows/queue.yml: somebody edited this file by hand" in output
    assert ".gitea" in server.git("ls-tree", "--name-only", "main")
    left = sorted(str(path.relative_to(work.path)) for path in work.path.glob("[!.]*"))
    assert left == ["Makefile"]
    assert [path.name for path in work.path.glob(".gitea/workflows/*")] == ["queue.yml"]
    assert not (work.path / ".orch-gates.yaml").exists()


def test_a_person_is_asked(tmp_path: Path) -> None:
    """At a terminal, as the page begins."""
    work = clone(bare(tmp_path / "app.git"), tmp_path / "app")
    work.commit("first", {"Makefile": "test:\n\ttrue\n"})
    (script,) = (block["script"] for block in blocks(PAGE, "asked"))
    ours, theirs = pty.openpty()
    env = {
        **os.environ,
        "ORCH_CACHE_DIR": str(tmp_path / "cache"),
        "PATH": f"{PROGRAM.parent}{os.pathsep}{os.environ['PATH']}",
    }
    with subprocess.Popen(
        ["sh", "-c", script], cwd=work.path, stdin=theirs, stdout=theirs, stderr=theirs, env=env
    ) as child:
        os.close(theirs)
        os.write(ours, b"0\ny\n")
        seen = b""
        while True:
            try:
                seen += os.read(ours, 65536)
            except OSError:
                break
        assert child.wait(60) == 0, seen.decode()
    os.close(ours)
    assert (work.path / ".orch-gates.yaml").is_file(), seen.decode()
