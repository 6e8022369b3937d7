"""Pull requests from forks in the merge queue, on a real Gitea: nobody can catch up their branch from here (MRG-13)."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from orch_gates.model.ids import TaskId
from orch_gates.state import layout
from tests.builders import load_hook_early
from tests.e2e import merge_project
from tests.e2e.gitea import Gitea
from tests.e2e.merge_project import HOOK, Copied, GiteaRig
from tests.e2e.repository import Repository, eventually

QUEUE = "  fence: hook\npipeline: merge-queue\nci_green: {contexts: [ci]}\n"


@pytest.fixture
def rig(gitea: Gitea, tmp_path: Path) -> GiteaRig:
    """A project with the fence whose pull requests need CI and one approval."""
    for name in ("hook", "template"):
        (tmp_path / name).mkdir()
    hook = Repository(gitea, gitea.alice, tmp_path / "hook")
    hook.install_hook()
    load_hook_early(hook.bare.path / HOOK)
    copied = Copied(gitea, gitea.alice, tmp_path, merge_project.template(tmp_path / "template", QUEUE), {})
    return GiteaRig.make(tmp_path, copied, hook=hook.bare.path / HOOK)


def forked(rig: GiteaRig, branch: str, files: dict[str, str], *, behind: bool = False) -> int:
    """Bob's pull request from a fork of his, approved, green, and asked for by Alice."""
    gitea, repository = rig.repository.server, rig.repository
    name = f"fork-{repository.name}"
    if gitea.bob.api.get(f"/repos/{gitea.bob.name}/{name}").status != 200:
        gitea.bob.api.post(f"{repository.path}/forks", {"name": name}).ok()
        eventually(lambda: gitea.bob.api.get(f"/repos/bob/{name}/branches/main").status == 200, "the fork is made")
    work = repository.clone(gitea.bob)
    work.git("checkout", "--quiet", "-b", branch, "origin/main~1" if behind else "origin/main")
    head = work.commit("From the fork", files)
    work.git("push", "--quiet", "--force", f"{gitea.url}/bob/{name}.git", branch)
    wanted = {"head": f"bob:{branch}", "base": "main", "title": "From the fork"}
    number = int(gitea.bob.api.post(f"{repository.path}/pulls", wanted).ok()["number"])
    rig.post(head, "success")
    repository.api().post(f"/pulls/{number}/reviews", {"event": "APPROVED", "body": "good"}).ok()
    rig.ok("queue", "add", str(number), "--by", "alice")
    return number


def ran(rig: GiteaRig) -> dict[int, tuple[str, str]]:
    output = json.loads(rig.ok("queue", "run", "--json"))
    return {one["pull"]: (one["outcome"], one["reason"]) for one in output["turns"]}


def test_one_that_is_up_to_date_lands_and_one_that_is_behind_says_what_its_author_does(rig: GiteaRig) -> None:
    """The commit that was approved and tested is merged as it is; where it is behind, its author has to push."""
    # A branch of that name that is here is another one.
    person = rig.person()
    decoy = person.commit("Not from the fork", {"values/decoy": "decoy\n"})
    person.git("push", "--quiet", "origin", "HEAD:refs/heads/theirs")
    good = forked(rig, "theirs", {"values/two": "2\n"})
    first = ran(rig)[good]
    assert first[0] == "landed", first
    behind = forked(rig, "theirs-again", {"values/three": "3\n"}, behind=True)
    came, reason = ran(rig)[behind]
    assert (came, "its branch is in a fork" in reason) == ("sent back", True), reason
    assert "Ask its author to merge main" in str(rig.document(layout.task_path(TaskId(f"PR-{behind}")))["feedback"])
    assert rig.repository.api().get(f"/issues/{behind}").ok()["labels"] == []
    assert rig.head("theirs") == decoy
    rig.ended(f"PR-{good}")
