"""Whether a repository is the one that this very program comes from: then it never rolls itself back (WCH-3, T20)."""

from __future__ import annotations

import json
import re
from importlib import metadata
from pathlib import Path

from orch_gates import __version__
from orch_gates.errors import GitError
from orch_gates.forge.detect import same_repository
from orch_gates.git.cli import Git
from orch_gates.workspace import Workspace

OWN = "this repository hosts the pipeline itself, so its deploys are never rolled back automatically"
_COMMIT = re.compile(r"\+g([0-9a-f]{7,40})")


def why_alert_only(workspace: Workspace) -> str:
    """Why nothing is rolled back from here; empty where this is another repository than that of this program.

    It is told by what the program is made of and by where it was installed from, never by a setting.
    """
    try:
        return OWN if _is_own(workspace) else ""
    except GitError as error:
        return f"could not check whether this repository hosts the pipeline itself: {error}"


def _is_own(workspace: Workspace) -> bool:
    package = Path(__file__).resolve().parent.parent
    git = workspace.git
    top = None if git.is_bare() else Path(git.text("rev-parse", "--show-toplevel")).resolve()
    # A virtual environment in a checkout is not the checkout's own program.
    if top is not None and (top / package.name).resolve() == package:
        return True
    built_from = _COMMIT.search(__version__)
    commit = built_from[1] if built_from is not None else ""
    if commit and git.has(commit) and git.blob(commit, f"{package.name}/__init__.py") is not None:
        return True
    # A shallow clone has no older commits, and still the source of the program; other versions look for this path, too.
    configured = workspace.config.revision
    source = f"{package.name}/{Path(__file__).resolve().relative_to(package).as_posix()}"
    if configured and git.blob(configured, source) is not None:
        return True
    return _is_installed_from(git, top or git.git_dir(), package)


def _is_installed_from(git: Git, here: Path, package: Path) -> bool:
    installed = _installed_from(package)
    if not installed:
        return False
    urls = git.run("config", "--get-all", "remote.origin.url").stdout.decode("utf-8", "replace").splitlines()
    return any(same_repository(installed, url) for url in (*urls, str(here)))


def _installed_from(package: Path) -> str:
    """The address that pip installed this program from; empty where that is not known."""
    try:
        found = metadata.distribution("orch-gates")
        # Another copy than the one that runs may be installed beside it.
        if Path(str(found.locate_file(package.name))).resolve() != package:
            return ""
        said = json.loads(found.read_text("direct_url.json") or "{}")
    except (metadata.PackageNotFoundError, ValueError, OSError):
        return ""
    url = said.get("url") if isinstance(said, dict) else None
    return url if isinstance(url, str) else ""
