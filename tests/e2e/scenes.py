"""Everything that a Gitea says no to, brought about: what tests/recorded holds, and what it is compared with."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.e2e.api import Answer
from tests.e2e.gitea import ROOT, Gitea, pinned
from tests.e2e.repository import Pull, Repository, eventually

RECORDED = ROOT / "tests" / "recorded" / f"gitea-{pinned()}.json"
_UNKNOWN = 999_999
_HEADERS = ("Location", "Retry-After")
_NOWHERE = "0" * 39 + "1"
_PROTECTED: dict[str, object] = {"rule_name": "main"}
_WORKFLOW = "on: push\njobs:\n  job:\n    runs-on: nowhere\n    steps:\n      - run: 'true'\n"

Scene = tuple[str, Answer]


@dataclass(frozen=True, slots=True)
class Stage:
    """A server, and a folder in which each scene makes what it needs."""

    server: Gitea
    folder: Path

    def repository(self, *branches: str) -> Repository:
        """Alice's; each branch has a file of its own."""
        folder = self.folder / f"r{len(list(self.folder.iterdir()))}"
        folder.mkdir()
        made = {branch: {f"{branch}.txt": f"{branch}\n"} for branch in branches}
        return Repository(self.server, self.server.alice, folder, branches=made)

    def pull(self) -> Pull:
        return self.repository("topic").pull("topic").settled()


def recorded(stage: Stage) -> dict[str, dict[str, Any]]:
    """Every scene by its name: status, the headers that mean something, and the body."""
    found: dict[str, dict[str, Any]] = {}
    for play in (
        _merged,
        _not_ready,
        _reviewed,
        _behind,
        _refused,
        _stale,
        _broken,
        _without_access,
        _elsewhere,
        _writes,
    ):
        for name, answer in play(stage):
            assert name not in found, name
            found[name] = _kept(stage, answer)
    return dict(sorted(found.items()))


def _kept(stage: Stage, answer: Answer) -> dict[str, Any]:
    """Without what differs from run to run: addresses, names, ids."""
    text = answer.text.replace(stage.server.url, "https://forge.example")
    text = re.sub(r"\br[0-9a-f]{8}\b", "project", text)
    text = re.sub(r"\b(\w*id): \d+", r"\1: 0", text)
    headers = {
        name: re.sub(r"\br[0-9a-f]{8}\b", "project", answer.headers[name])
        for name in _HEADERS
        if name in answer.headers
    }
    try:
        body: object = json.loads(text)
    except ValueError:
        body = text
    return {"status": answer.status, "headers": headers, "body": body}


def _merged(stage: Stage) -> Iterator[Scene]:
    pull = stage.pull()
    head = pull.head()
    yield "merge: of another head", pull.merge(head_commit_id=pull.repository.tip())
    yield "merge", pull.outcome(head_commit_id=head)
    yield "merge: merged already", pull.merge(head_commit_id=head)
    yield "pull: closed when merged", pull.repository.api().patch(f"/pulls/{pull.number}", {"state": "closed"})


def _not_ready(stage: Stage) -> Iterator[Scene]:
    pull = stage.pull()
    api = pull.repository.api()
    title = f"/pulls/{pull.number}"
    api.patch(title, {"title": "WIP: topic"}).ok()
    yield "merge: of a draft", pull.merge()
    api.patch(title, {"title": "topic"}).ok()
    api.patch("", {"allow_squash_merge": False}).ok()
    yield "merge: in a style that is off", pull.outcome(Do="squash")
    yield "merge: in no style", pull.merge(Do="never")
    issue = api.post("/issues", {"title": "first this"}).ok()["number"]
    depends = {"owner": pull.repository.owner.name, "repo": pull.repository.name, "index": issue}
    api.post(f"/issues/{pull.number}/dependencies", depends).ok()
    yield "merge: with an open dependency", pull.merge()
    api.patch(f"/issues/{issue}", {"state": "closed"}).ok()
    api.patch(title, {"state": "closed"}).ok()
    yield "merge: closed", pull.merge()
    yield "merge: no such number", api.post(f"/pulls/{_UNKNOWN}/merge", {"Do": "merge"})


def _reviewed(stage: Stage) -> Iterator[Scene]:
    pull, bot, bob = stage.pull(), stage.server.bot, stage.server.bob
    repository = pull.repository
    api, rule = repository.api(), "/branch_protections/main"
    repository.add(bob)
    yield "merge: by somebody who may not write", pull.outcome(user=bot)
    checks = {"enable_status_check": True, "status_check_contexts": ["gates/*"]}
    api.post("/branch_protections", {**_PROTECTED, **checks, "required_approvals": 1}).ok()
    yield "merge: a status is missing", pull.outcome(user=bob)
    yield "merge: scheduled", pull.merge(user=bob, merge_when_checks_succeed=True)
    yield "merge: scheduled again", pull.merge(user=bob, merge_when_checks_succeed=True)
    repository.api(bob).delete(f"/pulls/{pull.number}/merge").ok()
    api.patch(rule, {"enable_status_check": False}).ok()
    yield "merge: an approval is missing", pull.outcome(user=bob)
    api.post(f"/pulls/{pull.number}/requested_reviewers", {"reviewers": ["bob"]}).ok()
    api.patch(rule, {"required_approvals": 0, "block_on_official_review_requests": True}).ok()
    yield "merge: a review was asked for", pull.outcome(user=bob)
    no = {"event": "REQUEST_CHANGES", "body": "not yet"}
    repository.api(bob).post(f"/pulls/{pull.number}/reviews", no).ok()
    api.patch(rule, {"block_on_official_review_requests": False, "block_on_rejected_reviews": True}).ok()
    yield "merge: changes were asked for", pull.outcome(user=bob)
    api.patch(rule, {"block_on_rejected_reviews": False, "protected_file_patterns": "topic.txt"}).ok()
    yield "merge: it changes a protected file", pull.outcome(user=bob)
    signed = {"protected_file_patterns": "", "require_signed_commits": True}
    api.patch(rule, signed).ok()
    yield "merge: signatures are required", pull.outcome(user=bob)
    mergers = {
        "enable_merge_whitelist": True,
        "merge_whitelist_usernames": ["alice"],
        "block_on_outdated_branch": False,
    }
    api.patch(rule, mergers).ok()
    yield "merge: by somebody who is not on the list", pull.outcome(user=bob)


def _behind(stage: Stage) -> Iterator[Scene]:
    repository = stage.repository("topic")
    repository.write("other.txt", "x\n").ok()
    repository.protect("main", block_on_outdated_branch=True)
    yield "merge: behind its base", repository.pull("topic").settled().outcome()


def _refused(stage: Stage) -> Iterator[Scene]:
    pull = stage.pull()
    repository = pull.repository
    repository.record()
    with repository.refusing("no fence\nask for one"):
        yield "merge: a hook refuses it", pull.outcome()
    silent = repository.bare.path / "hooks" / "pre-receive.d" / "silent"
    silent.write_text("#!/bin/sh\nexit 1\n")
    silent.chmod(0o755)
    yield "merge: a hook refuses it without a word", pull.outcome()
    silent.unlink()


def _stale(stage: Stage) -> Iterator[Scene]:
    pull = stage.pull()
    repository = pull.repository
    with ThreadPoolExecutor(1) as other, stage.server.held("pr-merge-to-base") as reached:
        answer = other.submit(pull.merge)
        eventually(reached.exists, "the merge is made, and not pushed yet")
        repository.write("other.txt", "x\n").ok()
        stage.server.release("pr-merge-to-base")
        yield "merge: the base moved meanwhile", answer.result()


def _broken(stage: Stage) -> Iterator[Scene]:
    """What the server finds out only when it merges, because nobody told it of a change on its disk."""
    repository = stage.repository("topic", "against")
    clashing = Repository(
        stage.server,
        stage.server.alice,
        repository.folder,
        branches={"topic": {"README.md": "topic\n"}, "against": {"README.md": "against\n"}},
    )
    pull = clashing.pull("topic").settled()
    clashing.bare.git("update-ref", "refs/heads/main", clashing.tip("against"))
    yield "merge: of a conflict", pull.merge()
    eventually(lambda: not pull.get()["mergeable"], "the conflict is noticed")
    yield "merge: of a conflict that is known", pull.merge()
    unrelated = repository.pull("topic").settled()
    nothing = repository.bare.git("commit-tree", "-m", "unrelated", f"{repository.tip('against')}^{{tree}}")
    repository.bare.git("update-ref", "refs/heads/main", nothing)
    yield "merge: of unrelated histories", unrelated.merge()


def _without_access(stage: Stage) -> Iterator[Scene]:
    server, pull = stage.server, stage.pull()
    repository = pull.repository
    merge, rule = f"{repository.path}/pulls/{pull.number}/merge", f"{repository.path}/branch_protections"
    wrong, reader = server.api("0" * 40), server.api(server.token(server.alice, ["read:repository"]))
    yield "merge: with a wrong token", wrong.post(merge, {"Do": "merge"})
    yield "merge: without a token", server.anonymous().post(merge, {"Do": "merge"})
    yield "merge: without the scope", reader.post(merge, {"Do": "merge"})
    yield "read: with a wrong token", wrong.get(repository.path)
    yield "read: without the scope", reader.get("/user")
    yield "write: without the scope", reader.post(rule, _PROTECTED)
    green = {"state": "success", "context": "gates/a"}
    yield "write: without the right", server.bot.api.post(f"{repository.path}/statuses/{repository.tip()}", green)
    repository.add(server.bob)
    yield "rules: by somebody who does not administer", server.bob.api.post(rule, _PROTECTED)
    repository.api().patch("", {"private": True}).ok()
    yield "merge: where one may not look", server.bot.api.post(merge, {"Do": "merge"})
    yield "read: where one may not look", server.bot.api.get(repository.path)


def _elsewhere(stage: Stage) -> Iterator[Scene]:
    pull = stage.pull()
    repository, alice = pull.repository, stage.server.alice.api
    merge = f"/pulls/{pull.number}/merge"
    alice.call("PATCH", repository.path, {"archived": True}).ok()
    yield "merge: archived", repository.api().post(merge, {"Do": "merge"})
    yield "write: archived", repository.api().post("/branch_protections", _PROTECTED)
    alice.call("PATCH", repository.path, {"archived": False}).ok()
    alice.call("PATCH", repository.path, {"name": f"{repository.name}-new"}).ok()
    yield "merge: moved", repository.api().post(merge, {"Do": "merge"})
    yield "read: moved", repository.api().get()


def _writes(stage: Stage) -> Iterator[Scene]:
    repository = stage.repository("topic")
    api = repository.api()
    wanted = {"head": "topic", "base": "main", "title": "topic"}
    api.post("/pulls", wanted).ok()
    yield "pull: open already", api.post("/pulls", wanted)
    yield "pull: of no branch", api.post("/pulls", {**wanted, "head": "nowhere"})
    yield "pull: of one branch", api.post("/pulls", {**wanted, "head": "main"})
    yield "status: of no commit", api.post(f"/statuses/{_NOWHERE}", {"state": "success", "context": "gates/a"})
    yield (
        "rules: for nobody",
        api.post(
            "/branch_protections",
            {**_PROTECTED, "enable_merge_whitelist": True, "merge_whitelist_usernames": ["nobody-of-this-name"]},
        ),
    )
    repository.write(".gitea/workflows/push.yml", _WORKFLOW).ok()
    dispatch = "/actions/workflows/{}/dispatches"
    yield "workflow: no such file", api.post(dispatch.format("never.yml"), {"ref": "main"})
    yield "workflow: no such ref", api.post(dispatch.format("push.yml"), {"ref": "nowhere"})
    yield "workflow: it cannot be dispatched", api.post(dispatch.format("push.yml"), {"ref": "main"})
    yield "run: no such number", api.get(f"/actions/runs/{_UNKNOWN}")
    api.patch("", {"has_actions": False}).ok()
    yield "run: Actions are off", api.get("/actions/runs")
