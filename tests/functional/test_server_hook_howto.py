"""The commands of the how-to for the server's hook are run as written, with folders of the test's (DOC-1)."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.blocks import Shell, shown
from tests.builders import PROGRAM, bare, clone

PAGE = "docs/how-to/install-the-server-hook.md"
DISPATCHER = """\
#!/bin/sh
data=$(cat)
for hook in "$GIT_DIR"/hooks/pre-receive.d/*; do
    [ ! -x "$hook" ] || printf '%s\\n' "$data" | "$hook" || exit 1
done
"""

pytestmark = pytest.mark.slow


def plain(text: str, folder: Path) -> str:
    """Output as the page has it: its folders, and no digests or versions."""
    output = text.replace(str(PROGRAM), "/opt/orch-gates/bin/orch-gates").replace(str(folder), "/srv/git")
    return re.sub(r"sha256:[0-9a-f]{64}|(?<=orch-gates )\d\S+", "X", output)


def test_the_hook_of_a_bare_repository(tmp_path: Path) -> None:
    """Installed, seen beside a repository without one, renewed from another installation, and taken away."""
    folder = tmp_path / "git"
    folder.mkdir()
    server = bare(folder / "app.git")
    shell = Shell(tmp_path / "admin")
    here = {"/opt/orch-gates/bin/": f"{PROGRAM.parent}/", "/srv/git": str(folder)}
    installed, status, removed = shown(PAGE)[1:4]
    bare(folder / "new.git")
    output = plain(shell.series(PAGE, "hook", 2, here), folder)
    assert output.splitlines() == [*plain(installed, folder).splitlines(), "", *plain(status, folder).splitlines()]
    shell.series(PAGE, "upgrade", 1, {"/opt/orch-gates-2/bin/": f"{PROGRAM.parent}/", "/srv/git": str(folder)})
    assert plain(shell.series(PAGE, "uninstall", 1, here), folder) == removed
    assert not (server.path / "hooks" / "pre-receive").exists()


def test_replace_refs_are_ignored(tmp_path: Path) -> None:
    """What somebody put in the place of a commit is neither shown nor stops the pushes of others."""
    server = bare(tmp_path / "app.git")
    Shell(tmp_path / "admin").series(PAGE, "replace", 1, {"/srv/git": str(tmp_path)})
    work = clone(server, tmp_path / "work")
    good = work.commit("good", {"a": "good\n"})
    evil = work.git("commit-tree", "HEAD^{tree}", "-m", "evil")
    refs = [f"{good}:refs/heads/main", f"{evil}:refs/replace/{good}", f"{good}:refs/replace/{evil}"]
    work.git("push", "--quiet", "origin", *refs)
    assert server.git("log", "-1", "--format=%s", "main") == "good"
    work.commit("more", {"b": "more\n"})
    work.git("push", "--quiet", "origin", "HEAD:refs/heads/topic")


def test_gitea_calls_the_hook(tmp_path: Path) -> None:
    """In one repository, and by the loop in all that have none; not in wikis."""
    folder = tmp_path / "gitea-repositories"
    (folder / "acme").mkdir(parents=True)
    servers = [bare(folder / "acme" / name) for name in ("app.git", "lib.git", "lib.wiki.git")]
    for server in servers:
        dispatcher = server.path / "hooks" / "pre-receive"
        dispatcher.parent.mkdir(exist_ok=True)
        dispatcher.write_text(DISPATCHER)
        dispatcher.chmod(0o755)
        (dispatcher.parent / "pre-receive.d").mkdir()
    here = {"/opt/orch-gates/bin/": f"{PROGRAM.parent}/", "/var/lib/gitea/data/gitea-repositories": str(folder)}
    output = Shell(tmp_path / "admin").series(PAGE, "gitea", 2, here)
    hooks = [(server.path / "hooks/pre-receive.d/orch-gates").is_file() for server in servers]
    assert hooks == [True, True, False]
    assert output.count("proven: a push of a random token was refused") == 2
