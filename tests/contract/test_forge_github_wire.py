"""What is between us and GitHub may break at any moment (faults.md §3); on the scripted server, not on GitHub."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from orch_gates.errors import ForgeUnavailable, ForgeUnclear
from orch_gates.forge.github.connect import connect
from orch_gates.forge.port.forge import Forge
from orch_gates.forge.port.pulls import AlreadyMerged, Ambiguous, Draft
from tests.contract.forge_steps import landing, opened
from tests.contract.github_rig import GithubRig
from tests.fakes.fault_proxy import FaultProxy
from tests.fakes.github.server import Github


@pytest.fixture
def rig(github: Github, tmp_path: Path) -> GithubRig:
    return GithubRig(github, tmp_path)


@pytest.mark.parametrize("fault", ["reset_after", "truncated", "html"])
def test_a_merge_whose_answer_is_lost_is_found(rig: GithubRig, fault: str) -> None:
    made = opened(rig)
    with FaultProxy(rig.server.url) as proxy:
        rule = proxy.on("PUT", "/merge")
        rule.html(acted=True) if fault == "html" else getattr(rule, fault)()
        pulls = connect(proxy.url, rig.project.full_name, rig.server.token("alice"), 10).pulls
        request = landing(rig, made)
        assert isinstance(pulls.merge(made.number, request), Ambiguous)
        landed = rig.tip("main")
        assert rig.parents(landed)[1] == made.head
        assert pulls.merge(made.number, request) == AlreadyMerged(landed)
    assert rig.tip("main") == landed


def test_a_merge_that_arrives_twice_is_one(rig: GithubRig) -> None:
    """The second answer is that it cannot be merged."""
    made, base = opened(rig), rig.tip("main")
    with FaultProxy(rig.server.url) as proxy:
        proxy.on("PUT", "/merge").twice()
        forge = connect(proxy.url, rig.project.full_name, rig.server.token("alice"), 10)
        assert forge.pulls.merge(made.number, landing(rig, made)) == AlreadyMerged(rig.tip("main"))
    assert rig.parents(rig.tip("main")) == (base, made.head)


@pytest.mark.parametrize(
    "ask",
    [
        lambda forge: forge.pulls.open(Draft("topic", "main", "Land topic")),
        lambda forge: forge.pulls.edit(1, title="Another"),
        lambda forge: forge.pulls.close(1),
        lambda forge: forge.issues.create("One"),
        lambda forge: forge.issues.close(2),
    ],
    ids=["open", "edit", "close", "create", "close an issue"],
)
def test_an_answer_to_a_write_that_cannot_be_read(rig: GithubRig, ask: Callable[[Forge], object]) -> None:
    """It was done, or not: never that it was not."""
    opened(rig)
    rig.forge.issues.create("Another")
    for method in ("POST", "PATCH"):
        rig.server.says(200, {"number": 1}, method=method, after=True, like_github=False)
    with pytest.raises(ForgeUnclear):
        ask(rig.forge)


@pytest.mark.parametrize(
    ("path", "ask"),
    [
        ("/pulls", lambda forge, _: forge.pulls.find("topic", "main")),
        ("/statuses", lambda forge, head: forge.statuses.latest(head)),
        ("/check-runs", lambda forge, head: forge.statuses.latest(head)),
        ("/issues", lambda forge, _: forge.issues.list()),
        ("/runs", lambda forge, _: forge.workflows.runs()),
        ("/protection", lambda forge, _: forge.protections.get("main")),
    ],
)
def test_half_an_answer_is_none(rig: GithubRig, path: str, ask: Callable[[Forge, str], object]) -> None:
    with FaultProxy(rig.server.url) as proxy:
        proxy.on("GET", path).truncated()
        forge = connect(proxy.url, rig.project.full_name, rig.server.token("alice"), 10)
        with pytest.raises(ForgeUnavailable):
            ask(forge, rig.tip("main"))
