"""The local forge with odd names, without room to work in, and after its state branch was made anew (issue 5)."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from orch_gates import clock
from orch_gates.errors import ForgeRefused, ForgeUnavailable
from orch_gates.forge.local.connect import connect
from orch_gates.forge.port.pulls import Draft, Forbidden, Merged, MergeRequest, PullState, Transient
from orch_gates.model.ids import timestamp
from orch_gates.model.root import Root
from orch_gates.state.branch.repair import branch_files
from tests.contract.forge_rig import Who
from tests.contract.forge_steps import opened
from tests.contract.test_forge_local import LocalRig


@pytest.fixture
def rig(tmp_path: Path) -> Iterator[LocalRig]:
    made = LocalRig(tmp_path)
    yield made
    made.state.close()


def test_a_number_of_an_earlier_state_branch_is_not_used_again(rig: LocalRig) -> None:
    """Its merge is still in the repository, and would be taken for that of the new pull request."""
    pull = opened(rig)
    merged = rig.forge.pulls.merge(pull.number, MergeRequest(pull.head, rig.tip("main"), "main", "Land it"))
    assert isinstance(merged, Merged)
    for ref in ("refs/heads/orch-state", "refs/orch/witness"):
        rig.server.git("update-ref", "-d", ref)
    root = Root(generation=1, created=timestamp(clock.utc_now()), stages=("development",), rework="development")
    store = rig.state.store("another-cache")
    store.initialise(branch_files(root))
    head = rig.push("second", {"second.txt": "two\n"})
    pulls = connect(rig.server.path, store, "the-owner", os.environ, 60).pulls
    second = pulls.open(Draft("second", "main", "Land the second"))
    assert (second.state, [found.number for found in pulls.find("second", "main")]) == (PullState.OPEN, [second.number])
    assert isinstance(pulls.merge(second.number, MergeRequest(head, rig.tip("main"), "main", "Land it too")), Merged)
    assert rig.parents(rig.tip("main")) == (merged.commit, head)


def test_a_hook_is_not_told_what_another_forge_told_us(rig: LocalRig, tmp_path: Path) -> None:
    """In a job of a Gitea, say: the name of that repository would be taken for this one's (GATE-3)."""
    pull, told = opened(rig), tmp_path / "told"
    look = f"env | grep ^GITEA_ | sort >{told}"
    rig.state.hook("pre-receive", f"while read old new ref; do [ $ref != refs/heads/main ] || {look}; done\n")
    env = {"GITEA_REPO_USER_NAME": "other", "GITEA_REPO_NAME": "place", "GITEA_PUSHER_ID": "1"}
    request = MergeRequest(pull.head, rig.tip("main"), "main", "Land it")
    assert isinstance(rig.as_(Who.OWNER, **env).pulls.merge(pull.number, request), Merged)
    assert [line.partition("=")[0] for line in told.read_text().splitlines()] == [
        "GITEA_PR_ID",
        "GITEA_PR_INDEX",
        "GITEA_PUSHER_NAME",
        "GITEA_PUSH_TRIGGER",
    ]


@pytest.mark.parametrize("where", ["named", "home", "xdg"])
def test_nobodys_own_configuration_takes_the_hooks_away(rig: LocalRig, tmp_path: Path, where: str) -> None:
    """MRG-5: people have one folder of hooks for all their clones; a server's own judge merges. The rest is theirs."""
    pull, folder = opened(rig), tmp_path / 'a "home'
    files = {"named": folder / "named", "home": folder / ".gitconfig", "xdg": folder / ".config/git/config"}
    files[where].parent.mkdir(parents=True)
    files[where].write_text("[core]\n\thooksPath = /dev/null\n[receive]\n\tmaxInputSize = 1\n")
    env = {"HOME": str(folder), **({"GIT_CONFIG_GLOBAL": str(files[where])} if where == "named" else {})}
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(("GIT_CONFIG", "XDG_"))}
    pulls = connect(rig.server.path, rig.state.store(), "the-owner", {**inherited, **env}, 60).pulls
    request = MergeRequest(pull.head, rig.tip("main"), "main", "Land it")
    assert "pack exceeds" in str(pulls.merge(pull.number, request))
    files[where].write_text("[core]\n\thooksPath = /dev/null\n")
    with rig.refuse_pushes("not without a fence"):
        assert pulls.merge(pull.number, request) == Forbidden("not without a fence")
    assert isinstance(pulls.merge(pull.number, request), Merged)


def test_the_repository_says_where_its_hooks_are(rig: LocalRig, tmp_path: Path) -> None:
    pull = opened(rig)
    with rig.refuse_pushes("no"):
        (rig.server.path / "hooks").rename(tmp_path / "hooks")
        rig.server.git("config", "core.hooksPath", tmp_path / "hooks")
        outcome = rig.forge.pulls.merge(pull.number, MergeRequest(pull.head, rig.tip("main"), "main", "Land it"))
        (tmp_path / "hooks").rename(rig.server.path / "hooks")
    assert outcome == Forbidden("no")


@pytest.mark.parametrize(
    "name", ["", "-x", "--help", "..", "a*", "a b", "a\nb", "a\0b", "refs/heads/main", "@{-1}", "main:main", "\udce9"]
)
def test_a_name_that_no_branch_has(rig: LocalRig, name: str) -> None:
    """Whatever git would make of it elsewhere: there is no such branch, or it could not be told."""
    pulls, before = rig.forge.pulls, rig.state.tip()
    for draft in (Draft(name, "main", "Odd"), Draft("main", name, "Odd")):
        with pytest.raises(ForgeUnavailable):
            pulls.open(draft)
    try:
        assert pulls.find(name, "main") == ()
        assert rig.forge.reviews.latest(name, "main") == ()
    except ForgeUnavailable as error:
        assert not isinstance(error, ForgeRefused)
    assert rig.state.tip() == before


def test_without_room_to_work_in_nothing_is_merged(
    rig: LocalRig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A disk that is full or read-only is said, and passes."""
    pull, before = opened(rig), rig.tip("main")
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "nowhere"))
    outcome = rig.forge.pulls.merge(pull.number, MergeRequest(pull.head, rig.tip("main"), "main", "Land it"))
    with pytest.raises(ForgeUnavailable, match="nowhere"):
        rig.forge.pulls.get(pull.number)
    assert isinstance(outcome, Transient)
    assert rig.tip("main") == before
