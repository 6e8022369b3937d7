"""`orch-gates queue run` on the scripted GitHub: required checks, rate limits and tokens as only GitHub has them."""

from __future__ import annotations

import json
import secrets
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from orch_gates.forge.port.protection import Protection
from orch_gates.forge.port.pulls import Draft
from tests.builders import Done, Repo, orch
from tests.contract.forge_rig import Who
from tests.contract.github_rig import GithubRig
from tests.fakes.github.project import CheckRun, Pull, Status
from tests.fakes.github.server import Github

pytestmark = pytest.mark.slow

CONFIG = """\
pipeline: merge-queue
ci_green: {contexts: [ci, build]}
review_approved: {enabled: false}
merge: {fence: status, grace_s: 1, retry_base_s: 1}
"""
FENCE = "orch/merge/main"
DOCS = {"documentation_url": "https://docs.github.com/rest"}
LIMITED = {"message": "You have exceeded a secondary rate limit. Please wait a few minutes.", **DOCS}


@dataclass
class Queue:
    """A project whose pull requests are merged through the queue, and the token of whoever runs it."""

    rig: GithubRig
    work: Path
    token: str

    @property
    def github(self) -> Github:
        return self.rig.server

    def say(self, *args: str, **more: str) -> Done:
        told = {
            "ORCH_CACHE_DIR": str(self.work.parent / "cache"),
            "ORCH_FORGE": "github",
            "ORCH_FORGE_URL": self.github.url,
            "ORCH_FORGE_REPOSITORY": self.github.project.full_name,
            "ORCH_FORGE_TOKEN": self.token,
            "ORCH_SECURITY_ENABLED": "false",
            "ORCH_STATE_BY": "bot",
        }
        done = orch(*args, cwd=self.work, env={**told, **more})
        output = done.stdout + done.stderr
        assert self.token.encode() not in output
        assert b"Traceback" not in output, output.decode()
        return done

    def run(self, **more: str) -> tuple[int, dict[str, Any]]:
        """The exit code, and what the run says."""
        done = self.say("queue", "run", "--json", **more)
        return done.returncode, json.loads(done.stdout)

    def outcomes(self, **more: str) -> dict[int, str]:
        code, output = self.run(**more)
        assert code == 0, output
        return {one["pull"]: one["outcome"] for one in output["turns"]}

    def asked(self, name: str) -> int:
        """A pull request that is green and carries the label."""
        head = self.rig.push(name, {name: f"{name}\n"})
        number = self.rig.as_(Who.WRITER).pulls.open(Draft(name, "main", f"Change for {name}")).number
        self.ci(head)
        self.rig.as_(Who.WRITER).issues.label(number, add=["merge"])
        return number

    def ci(self, commit: str, result: str = "success") -> None:
        """One context is a status, the other one a check."""
        project = self.github.project
        project.statuses.append(Status(project.id(), commit, "ci", "success", None, None))
        project.checks.append(CheckRun(project.id(), commit, "build", "completed", result, 1))

    def fetched(self) -> None:
        """Let the clone see what main is."""
        for command in (
            ("fetch", "origin"),
            ("reset", "--hard", "origin/main"),
            ("remote", "set-head", "origin", "-a"),
        ):
            Repo(self.work).git(*command)

    def pull(self, number: int) -> Pull:
        return self.github.project.pulls[number]

    def comments(self, number: int) -> list[str]:
        return [one.body for one in self.github.project.comments if one.number == number]

    def asks(self, request: str) -> int:
        """How often something was asked for since the beginning."""
        return sum(one.startswith(request) for one in self.github.asked)


@pytest.fixture
def queue(github: Github, tmp_path: Path) -> Queue:
    rig = GithubRig(github, tmp_path)
    rig.push("main", {".orch-gates.yaml": CONFIG})
    rig.forge.protections.put(Protection("main", contexts=(FENCE, "ci", "build")))
    github.project.protections["main"]["required_status_checks"]["strict"] = True
    found = Queue(rig, tmp_path / "work", github.token("bob"))
    found.fetched()
    assert found.say("state", "init").returncode == 0
    return found


def test_two_in_turn_under_required_checks(queue: Queue) -> None:
    """The rule asks for CI's contexts, the queue's own status, and a branch that is up to date: each merge has them."""
    first, second = queue.asked("one"), queue.asked("two")
    assert queue.outcomes() == {first: "landed", second: "works"}
    caught_up = queue.rig.tip("two")
    assert queue.rig.parents(caught_up) == (queue.rig.tip("main"),)
    assert queue.outcomes() == {second: "works"}
    queue.ci(caught_up)
    assert queue.outcomes() == {second: "landed"}
    assert queue.rig.parents(queue.rig.tip("main"))[1] == caught_up
    assert "Orch-" in queue.rig.message(queue.rig.tip("main"))
    assert queue.asks("PUT /repos") - 1 == 2, "each merge was asked for once"
    posted = [(one.commit, one.state) for one in queue.github.project.statuses if one.context == FENCE]
    assert posted[-1] == (caught_up, "success")
    for number in (first, second):
        (comment,) = queue.comments(number)
        assert "is merged" in comment
    asked = len(queue.github.asked)
    assert queue.outcomes() == {}
    assert [one for one in queue.github.asked[asked:] if not one.startswith("GET ")] == []


def test_a_red_check_sends_it_back(queue: Queue) -> None:
    """A check is as red as a status; nothing is merged, and the label is off."""
    number = queue.asked("one")
    queue.ci(queue.rig.tip("one"), "failure")
    assert queue.outcomes() == {number: "sent back"}
    assert queue.pull(number).labels == []
    assert queue.asks("PUT /repos") == 1
    assert queue.outcomes() == {}
    assert len(queue.comments(number)) == 1


@pytest.mark.parametrize(("main", "message"), [("success", ", where main alone passes"), ("", " (ci-green)")])
def test_red_together_is_told_so(queue: Queue, main: str, message: str) -> None:
    """Each is green by itself, so the author is told that it is both, and how main itself is (MRG-3)."""
    first, second = queue.asked("one"), queue.asked("two")
    assert queue.outcomes() == {first: "landed", second: "works"}
    caught_up, tip = queue.rig.tip("two"), queue.rig.tip("main")
    if main:
        queue.ci(tip, main)
    queue.ci(caught_up, "failure")
    assert queue.outcomes() == {second: "sent back"}
    (comment,) = queue.comments(second)
    assert f"build (failure), on two together with main at `{tip[:10]}`{message}" in comment
    assert "was updated by a rebase, and pushed: fetch it first" in comment


@pytest.mark.parametrize(("status", "path"), [(403, "/issues"), (429, "/statuses")])
def test_a_limit_while_it_looks_stops_the_run(queue: Queue, status: int, path: str) -> None:
    """Nothing follows from a part of it, and nobody is charged or put off; the next run goes on."""
    number = queue.asked("one")
    queue.github.says(status, LIMITED, {"Retry-After": "60"}, method="GET", path=path, like_github=False)
    code, output = queue.run()
    assert code == 2
    assert "too many requests at once; try again in 60 s" in json.dumps(output)
    assert queue.asks("PUT /repos") == 1
    assert queue.pull(number).labels == ["merge"]
    assert queue.outcomes() == {number: "landed"}
    assert len(queue.comments(number)) == 1


@pytest.mark.parametrize("status", [403, 429])
def test_a_limit_at_the_merge_is_waited_for(queue: Queue, status: int) -> None:
    """As long as GitHub says; nothing was merged, as git proves, so it is asked again (MRG-8)."""
    number = queue.asked("one")
    queue.github.says(status, LIMITED, {"Retry-After": "1"}, method="PUT", path="/merge", like_github=False)
    assert queue.outcomes() == {number: "landed"}
    assert queue.asks("PUT /repos") - 1 == 2


@pytest.mark.parametrize(("status", "method", "path"), [(403, "DELETE", "/labels/merge"), (429, "POST", "/comments")])
def test_a_limit_at_what_people_see_is_made_up_for(queue: Queue, status: int, method: str, path: str) -> None:
    """The label goes, and one comment comes, with the next run."""
    number = queue.asked("one")
    queue.ci(queue.rig.tip("one"), "failure")
    queue.github.says(status, LIMITED, {"Retry-After": "60"}, method=method, path=path, like_github=False)
    code, output = queue.run()
    assert "too many requests at once; try again in 60 s" in json.dumps(output)
    assert code == (2 if method == "DELETE" else 0)
    assert queue.outcomes() == {}
    assert queue.pull(number).labels == []
    (comment,) = queue.comments(number)
    assert "is not in the queue" in comment
    assert queue.outcomes() == {}
    assert len(queue.comments(number)) == 1


def test_an_app_writes_one_comment(queue: Queue) -> None:
    """Its token does not know its own name; a copy of the comment by a person is not taken for it."""
    queue.github.project.rights["queue[bot]"] = "write"
    queue.token = queue.github.token("queue[bot]", app=True)
    first, second = queue.asked("one"), queue.asked("two")
    queue.rig.as_(Who.STRANGER).issues.comment(second, "<!-- orch-gates: merge queue -->\nmine")
    for _ in range(3):
        queue.outcomes()
    assert len(queue.comments(first)) == 1
    assert len(queue.comments(second)) == 2
    assert queue.comments(second)[0].endswith("mine")


@pytest.mark.parametrize("name", ["GITHUB_TOKEN", "ACTIONS_RUNTIME_TOKEN"])
@pytest.mark.parametrize("command", [("run",), ("add", "1")])
def test_the_jobs_own_token_is_refused(queue: Queue, name: str, command: tuple[str, ...]) -> None:
    """What it pushes and merges starts no workflow, so CI would never answer: says what to do, and asks nothing."""
    queue.asked("one")
    writes = [one for one in queue.github.asked if not one.startswith("GET ")]
    done = queue.say("queue", *command, **{name: queue.token})
    assert done.returncode == 2
    assert b"start no workflow; create a token for a bot" in done.stderr
    assert [one for one in queue.github.asked if not one.startswith("GET ")] == writes
    assert queue.say("queue", *command, **{name: secrets.token_hex(20)}).returncode == 0


def test_the_contexts_have_to_be_named(queue: Queue) -> None:
    """Every status that is there would count, and the queue's own job is one that is pending."""
    number = queue.asked("one")
    queue.rig.push("main", {".orch-gates.yaml": CONFIG.replace("contexts: [ci, build]", "enabled: true")})
    queue.fetched()
    code, output = queue.run()
    assert (code, queue.pull(number).labels) == (2, ["merge"])
    assert "list those that CI posts" in output["error"]["message"]


def test_a_rule_without_the_fence_is_told(queue: Queue) -> None:
    """Whoever may see the rule finds that anybody could merge what was not validated: nothing is merged then."""
    queue.token = queue.github.token("alice")
    queue.rig.forge.protections.put(Protection("main", contexts=("ci", "build")))
    queue.asked("one")
    code, output = queue.run()
    assert code == 2
    assert f"does not require the status {FENCE}" in json.dumps(output)
    assert queue.asks("PUT /repos") == 2
