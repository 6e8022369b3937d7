"""Everything that starts workflows, brought about: what tests/recorded holds of it, and what it is compared with."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.e2e.actions import CHECKOUT, Project
from tests.e2e.gitea import ROOT, Gitea, pinned
from tests.e2e.repository import MAIN, Pull, eventually

RECORDED = ROOT / "tests" / "recorded" / f"events-gitea-{pinned()}.json"
_TELL = """
      - run: |
          test -n "$PLACE"
          printf '{"event":"%s","ref":"%s","sha":"%s","payload":' \\
            "$GITHUB_EVENT_NAME" "$GITHUB_REF" "$GITHUB_SHA" >"$PLACE/$GITHUB_RUN_ID.part"
          cat "$GITHUB_EVENT_PATH" >>"$PLACE/$GITHUB_RUN_ID.part"
          echo '}' >>"$PLACE/$GITHUB_RUN_ID.part"
          mv "$PLACE/$GITHUB_RUN_ID.part" "$PLACE/$GITHUB_RUN_ID.json"
        env: {PLACE: "${{ vars.PLACE }}"}
"""
_JOB = f"jobs:\n  tell:\n    runs-on: ubuntu-latest\n    steps:{_TELL}"
_PULL_TYPES = "[opened, reopened, synchronize, closed, edited, labeled, unlabeled]"
# Those that Gitea does not know start nothing, and keep the others from nothing.
EVENTS = f"""
name: events
on:
  push:
  pull_request: {{types: {_PULL_TYPES}}}
  pull_request_target: {{types: [labeled]}}
  pull_request_label:
  pull_request_review:
  pull_request_review_approved:
  pull_request_review_rejected:
  pull_request_review_comment:
  pull_request_comment:
  issues: {{types: [opened, closed, labeled, unlabeled]}}
  issue_label:
  issue_comment: {{types: [created, edited, deleted]}}
  create:
  delete:
  status:
  check_run:
  check_suite:
  repository_dispatch:
{_JOB}"""
ENDED = f"""
name: ended
on:
  workflow_run: {{workflows: [CI], types: [completed]}}
{_JOB}"""
# By its name it would start when a label is taken away, or all are.
NEVER = f"""
name: never
on:
  pull_request: {{types: [unlabeled]}}
{_JOB}"""
CI = f"""
name: CI
on:
  push: {{branches: [feature]}}
  pull_request: {{types: [opened]}}
  pull_request_target: {{types: [opened]}}
  workflow_dispatch:
    inputs: {{who: {{default: nobody}}}}
  schedule: [{{cron: "0 3 * * 1"}}]
{_JOB}
      - if: github.event_name == 'workflow_dispatch'
        uses: {CHECKOUT}
      - if: github.event_name == 'workflow_dispatch'
        run: |
          git config user.name x
          git config user.email x@example.invalid
          git commit --quiet --allow-empty --message more
          git push --quiet origin HEAD:refs/heads/by-token && echo push=ok
          python3 ask.py
        env: {{TOKEN: "${{{{ github.token }}}}"}}
"""
_ASK = """
import json, os
from urllib.request import Request, urlopen

for path, document in (("labels", {"labels": ["queue"]}), ("comments", {"body": "by the token of a run"})):
    header = {"Authorization": "token " + os.environ["TOKEN"], "Content-Type": "application/json"}
    url = f"{os.environ['GITHUB_API_URL']}/repos/{os.environ['GITHUB_REPOSITORY']}/issues/1/{path}"
    with urlopen(Request(url, json.dumps(document).encode(), header), timeout=60) as answer:
        print(f"{path}={answer.status}")
"""
# What is kept of a payload: the rest is long, or is another one each time.
_KEPT = {
    *("action", "number", "ref", "before", "after", "sha", "ref_type", "sender", "repository", "repo", "from"),
    *("pull_request", "state", "merged", "head", "base", "review", "type", "content", "commit_id"),
    *("issue", "is_pull", "comment", "body", "changes", "added_labels", "removed_labels", "name", "inputs", "who"),
    *("workflow_run", "head_sha", "head_branch", "head_repository", "pull_requests", "path", "event", "conclusion"),
    *("workflow", "schedule", "label", "deleted", "forced", "payload"),
}


class Scenes:
    """One project in which all of it happens, one after the other."""

    def __init__(self, project: Project, place: Path) -> None:
        self.app = project
        self.place = place
        self.found: dict[str, dict[str, Any]] = {}
        self.started: Counter[str] = Counter()
        self._seen: set[Path] = set()
        self._commits: dict[str, str] = {}

    @contextmanager
    def starts(self, scene: str, *events: str) -> Iterator[None]:
        """What happens within starts runs of just these events; what they were told is kept under the scene's name."""
        yield
        self.started.update(events)
        new = eventually(lambda: self._new(len(events)), f"{scene} starts {events}")
        self._seen.update(new)
        told = [json.loads(file.read_text("utf-8")) for file in new]
        assert sorted(one["event"] for one in told) == sorted(events), scene
        for name, one in sorted((_name(one), one) for one in told):
            self.found[f"{scene}: {name}"] = self._neutral(one)

    def _new(self, count: int) -> list[Path]:
        new = sorted(set(self.place.glob("*.json")) - self._seen)
        return new if len(new) >= count else []

    def runs(self) -> Counter[str]:
        """How many runs of each event the server knows."""
        pages = (self.app.repository.api().get(f"/actions/runs?limit=50&page={page}").ok() for page in (1, 2, 3))
        return Counter(run["event"] for page in pages for run in page["workflow_runs"])

    def _neutral(self, value: Any) -> Any:
        """The same, with commits and repositories named by the order in which they come up."""
        match value:
            case {"full_name": _, "login": login}:
                return {"login": login}
            case {"full_name": str(name), "name": _}:
                ours = name == f"{self.app.repository.owner.name}/{self.app.repository.name}"
                return {**value, "id": 1 if ours else 2, "full_name": "alice/app" if ours else "bob/app"}
            case dict():
                return {name: self._neutral(inner) for name, inner in value.items()}
            case list():
                return [self._neutral(inner) for inner in value]
            case str() if len(value) == 40 and value.strip("0"):
                return self._commits.setdefault(value, f"{len(self._commits) + 1:x}" * 40)
            case _:
                return value


def _name(told: dict[str, Any]) -> str:
    """The event, and of a `workflow_run` also that of the run that ended."""
    run = told["payload"].get("workflow_run")
    return f"{told['event']} of {run['event']}" if run else str(told["event"])


def trimmed(value: Any) -> Any:
    """What is kept of what a run was told."""
    match value:
        case {"login": login}:
            return {"login": login}
        case {"full_name": name, "id": number}:
            return {"full_name": name, "id": number}
        case dict():
            return {key: trimmed(inner) for key, inner in value.items() if key in _KEPT}
        case list():
            return [trimmed(inner) for inner in value]
        case _:
            return value


def play(server: Gitea, project: Project, place: Path) -> Scenes:  # noqa: PLR0915
    """All that starts workflows, and all that does not."""
    scenes = Scenes(project, place)
    repository, alice, bob, bot = project.repository, server.alice, server.bob, server.bot
    repository.add(bob)
    repository.add(bot)
    api = {user.name: repository.api(user) for user in (alice, bob, bot)}
    project.variable("PLACE", str(place))
    queue, now = (
        api["alice"].post("/labels", {"name": name, "color": "#00ff00"}).ok()["id"] for name in ("queue", "now")
    )
    labels = "/issues/1/labels"
    with scenes.starts("main moved", "push"):
        project.push({"a.txt": "1\n"})
    project.work.git("switch", "--quiet", "-c", "feature")
    with scenes.starts("branch made", "push", "push", "create", "workflow_run"):
        project.push({"a.txt": "2\n"}, "feature")
    opening = (*("pull_request",) * 2, "pull_request_target", *("workflow_run",) * 2)
    with scenes.starts("opened", *opening):
        repository.pull("feature")
    with scenes.starts("labelled", "pull_request", "pull_request_target"):
        api["orch-bot"].post(labels, {"labels": [queue]}).ok()
    with scenes.starts("labels replaced", "pull_request", "pull_request_target"):
        api["bob"].put(labels, {"labels": [now]}).ok()
    # `types: [labeled]` is of no help: a label that is taken away starts it too.
    with scenes.starts("unlabelled", "pull_request", "pull_request_target"):
        api["bob"].delete(f"{labels}/{now}").ok()
    with scenes.starts("moved", *("push",) * 2, "pull_request", "workflow_run"):
        project.push({"a.txt": "3\n"}, "feature")
    with scenes.starts("approved", "pull_request_review", "pull_request_review_approved"):
        api["bob"].post("/pulls/1/reviews", {"event": "APPROVED", "body": "fine"}).ok()
    with scenes.starts("rejected", "pull_request_review", "pull_request_review_rejected"):
        no = api["bob"].post("/pulls/1/reviews", {"event": "REQUEST_CHANGES", "body": "no"}).ok()["id"]
    # Nothing starts by a dismissal, a status, or labels that are all taken away.
    api["alice"].post(f"/pulls/1/reviews/{no}/dismissals", {"message": "wrong"}).ok()
    api["alice"].post(f"/statuses/{repository.tip('feature')}", {"state": "success", "context": "x"}).ok()
    with scenes.starts("labelled twice", "pull_request", "pull_request_target"):
        api["bob"].post(labels, {"labels": [queue, now]}).ok()
    api["bob"].delete(labels).ok()
    with scenes.starts("reviewed", "pull_request_review", "pull_request_review_comment"):
        api["bob"].post("/pulls/1/reviews", {"event": "COMMENT", "body": "hm"}).ok()
    with scenes.starts("commented", "issue_comment", "pull_request_comment"):
        api["bob"].post("/issues/1/comments", {"body": "/merge"}).ok()
    with scenes.starts("another branch", "push", "create"):
        api["alice"].post("/branches", {"new_branch_name": "other", "old_branch_name": "main"}).ok()
    for scene, change in (
        ("another target", {"base": "other"}),
        ("the target again", {"base": "main"}),
        ("closed", {"state": "closed"}),
        ("open again", {"state": "open"}),
    ):
        with scenes.starts(scene, "pull_request"):
            api["alice"].patch("/pulls/1", change).ok()
    with scenes.starts("issue", "issues"):
        issue = api["bob"].post("/issues", {"title": "an issue"}).ok()["number"]
    with scenes.starts("issue labelled", "issues", "issue_label"):
        api["bob"].post(f"/issues/{issue}/labels", {"labels": [queue]}).ok()
    with scenes.starts("issue commented", "issue_comment"):
        api["bob"].post(f"/issues/{issue}/comments", {"body": "text"}).ok()
    with scenes.starts("issue closed", "issues"):
        api["bob"].patch(f"/issues/{issue}", {"state": "closed"}).ok()
    with scenes.starts("dispatched", "workflow_dispatch", "workflow_run"):
        by_hand = project.dispatch(who="me")
        assert by_hand.ended() == "success", by_hand.log("tell")
    assert by_hand.printed("tell") == {"push": "ok", "labels": "200", "comments": "201"}
    with scenes.starts("tagged", "push", "create"):
        project.work.git("push", "--quiet", "origin", "HEAD:refs/tags/v1")
    with scenes.starts("deleted", "delete"):
        project.work.git("push", "--quiet", "origin", ":refs/heads/by-token")
    # A run that the server starts itself ends unseen.
    with scenes.starts("by the clock", "schedule"):
        project.due()
    with scenes.starts("pushed by a bot", "push", "create"):
        work = repository.clone(bot)
        work.commit("by a bot", {"b.txt": "1\n"})
        work.git("push", "--quiet", "origin", "HEAD:refs/heads/by-bot")
    with scenes.starts("opened from a fork", *opening):
        fork = bob.api.post(f"{repository.path}/forks", {"name": f"fork-{repository.name}"}).ok()["full_name"]
        made = {"branch": "main", "new_branch": "theirs", "content": "eAo=", "message": "theirs"}
        bob.api.post(f"/repos/{fork}/contents/theirs", made).ok()
        api["bob"].post("/pulls", {"head": "bob:theirs", "base": "main", "title": "theirs"}).ok()
    with scenes.starts("merged", "push", "pull_request"):
        assert Pull(repository, 1).settled().outcome().status == 200
    return scenes


def files() -> dict[str, str]:
    """What the project begins with, besides the workflow that has the jobs."""
    workflows = {"events": EVENTS, "ended": ENDED, "never": NEVER}
    return {**MAIN, "ask.py": _ASK, **{f".gitea/workflows/{name}.yml": text for name, text in workflows.items()}}


def recorded(scenes: Scenes) -> dict[str, Any]:
    """What tests/recorded holds."""
    return {scene: trimmed(told) for scene, told in scenes.found.items()}


def written(found: dict[str, Any]) -> str:
    """As text, a scene on each line."""
    lines = (f"{json.dumps(scene)}: {json.dumps(told)}" for scene, told in found.items())
    return "{\n" + ",\n".join(lines) + "\n}\n"
