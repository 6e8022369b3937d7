"""The tutorial of the gate on a Gitea is run as written, by a person with a real server and its runner."""

from __future__ import annotations

from pathlib import Path

from tests.builders import Repo
from tests.bundle.published import publish
from tests.e2e.actions import Bundle
from tests.e2e.gitea import Gitea
from tests.e2e.runner import Runner
from tests.e2e.tutorial import Person

TUTORIAL = "docs/tutorials/l0-gitea.md"


def test_a_pull_request_is_gated_by_a_required_status(
    gitea: Gitea, runner: Runner, bundle: Bundle, tmp_path: Path
) -> None:
    """From an empty directory and a mirrored bundle to a leak that cannot be merged, and its repair that can."""
    source = tmp_path / "source"
    source.mkdir()
    publish(source)
    person = Person(gitea, tmp_path, TUTORIAL, ["write:repository", "write:user"], ORCH_GATES=str(source))
    output = person.follow("gitea", 7)
    assert "Not all required status checks successful" in output
    owner = gitea.alice
    merged = owner.api.get(f"/repos/{owner.name}/shop/pulls/1").ok()
    assert merged["merged"]
    copied = tmp_path / "checkout"
    copied.mkdir()
    other = Repo(copied)
    other.git("init", "--quiet", "--initial-branch=main")
    other.commit("a checkout", {"action.yml": "name: checkout\n"})
    other.git("tag", "v4")
    person.copy("checkout", "https://github.com/actions/checkout", copied)
    checkout = owner.api.get(f"/repos/{owner.name}/checkout").ok()
    assert (checkout["private"], checkout["has_actions"]) == (False, False)
    assert [one["name"] for one in owner.api.get(f"/repos/{owner.name}/checkout/tags").ok()] == ["v4"]
    for name in ("shop", "orch-gates", "checkout"):
        owner.api.call("DELETE", f"/repos/{owner.name}/{name}").ok()
