"""What Gitea tells a run, and lets it do; docs/reference/forges.md tells it in words."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from tests.e2e.actions import CHECKOUT, Project, Run
from tests.e2e.repository import eventually

Make = Callable[..., Project]

SEEN = """
on:
  push: {branches: [main]}
  pull_request:
  pull_request_target:
  workflow_dispatch:
    inputs: {who: {default: nobody}}
  schedule: [{cron: "0 3 * * 1"}]
jobs:
  see:
    runs-on: ubuntu-latest
    steps:
      - run: |
          for name in SHA REF REF_NAME BASE_REF HEAD_REF ACTOR; do
            eval "echo $name=\\$GITHUB_$name"
          done
          printf 'ACTION=%s\\nHEAD=%s\\nBASE=%s\\n' "$ACTION" "$HEAD" "$BASE"
          printf 'WHO=%s\\nSCHEDULE=%s\\nAFTER=%s\\n' "$WHO" "$SCHEDULE" "$AFTER"
          echo WORKFLOW=base
        env:
          ACTION: ${{ github.event.action }}
          HEAD: ${{ github.event.pull_request.head.sha }}
          BASE: ${{ github.event.pull_request.base.sha }}
          WHO: ${{ inputs.who }}
          SCHEDULE: ${{ github.event.schedule }}
          AFTER: ${{ github.event.after }}
"""
# What is empty unless a test says otherwise.
NOTHING = dict.fromkeys(("BASE_REF", "HEAD_REF", "ACTION", "HEAD", "BASE", "WHO", "SCHEDULE", "AFTER"), "")

RIGHTS = f"""
on: [push, pull_request, workflow_dispatch]
jobs:
  default:
    if: github.event_name == 'push'
    runs-on: ubuntu-latest
    steps: &steps
      - uses: {CHECKOUT}
      - run: |
          git config user.name x
          git config user.email x@example.invalid
          git commit --quiet --allow-empty --message more
          git push --quiet origin HEAD:refs/heads/made && echo push=ok || echo push=no
          python3 ask.py
        env:
          TOKEN: ${{{{ github.token }}}}
  limited:
    if: github.event_name == 'push'
    runs-on: ubuntu-latest
    permissions: {{contents: read, statuses: write}}
    steps: *steps
  writing:
    if: github.event_name == 'push'
    runs-on: ubuntu-latest
    permissions: {{contents: write}}
    steps:
      - uses: {CHECKOUT}
      - run: python3 ask.py
        env:
          TOKEN: ${{{{ github.token }}}}
"""

ASK = """
import json, os, time
from urllib.error import HTTPError
from urllib.request import Request, urlopen

def ask(name, method, path, document):
    header = {"Authorization": "token " + os.environ["TOKEN"], "Content-Type": "application/json"}
    url = f"{os.environ['GITHUB_API_URL']}/repos/{os.environ['GITHUB_REPOSITORY']}{path}"
    try:
        with urlopen(Request(url, json.dumps(document).encode(), header, method=method), timeout=60) as answer:
            code, body = answer.status, answer.read()
    except HTTPError as error:
        code, body = error.code, error.read()
    print(f"{name}={code}")
    return code

job = os.environ["GITHUB_JOB"]
ask("status", "POST", f"/statuses/{os.environ['GITHUB_SHA']}", {"state": "success", "context": f"orch/{job}"})
ask("dispatch", "POST", "/actions/workflows/ci.yml/dispatches", {"ref": "main"})
ask("rule", "POST", "/branch_protections", {"rule_name": "main"})
ask("secret", "PUT", "/actions/secrets/MORE", {"data": "x"})
if job == "default":
    ask("pull", "POST", "/pulls", {"head": "made", "base": "main", "title": "made"})
while job == "default" and ask("merge", "POST", "/pulls/1/merge", {"Do": "merge"}) == 405:
    time.sleep(0.2)
"""

HELD = """
on: push
jobs:
  bad:
    runs-on: ubuntu-latest
    steps:
      - run: exit 1
  held:
    runs-on: ubuntu-latest
    concurrency: one-at-a-time
    steps:
      - run: while ! [ -e "$PLACE" ]; do sleep 0.1; done
        env: {PLACE: "${{ vars.PLACE }}"}
"""


CALLED = """
on: push
jobs:
  plain:
    runs-on: ubuntu-latest
    steps: &steps
      - run: echo "RUN=$GITHUB_RUN_ID"; echo "ATTEMPT=$GITHUB_RUN_ATTEMPT"; echo "JOB=$GITHUB_JOB"
  named:
    name: do the work
    runs-on: ubuntu-latest
    steps: *steps
  many:
    strategy: {matrix: {part: [a, b]}}
    runs-on: ubuntu-latest
    steps: *steps
"""


def test_what_a_run_is_called(project: Make) -> None:
    """By the id that the API counts by, not by its number; its jobs by their key, where the API has their name."""
    project(CALLED)
    app = project(CALLED)
    run = app.run("push", app.push({"a": "1\n"}))
    assert run.ended() == "success"
    keys = {"plain": "plain", "do the work": "named", "many (a)": "many", "many (b)": "many"}
    assert set(run.jobs()) == set(keys)
    for name, key in keys.items():
        assert run.printed(name) == {"RUN": str(run.id), "ATTEMPT": "1", "JOB": key}
    run.rerun()
    eventually(lambda: run.get()["status"] != "completed", "it runs again")
    assert run.ended() == "success"
    assert run.printed("plain")["RUN"] == str(run.id)
    assert run.printed("plain")["ATTEMPT"] == "2"


def test_what_a_run_for_a_pull_request_is_told(project: Make) -> None:
    """The head, not a merge commit; and the workflow is the head's, unless it is for `pull_request_target`."""
    app = project(SEEN)
    base = app.repository.tip()
    for action, name in (("opened", "first"), ("synchronized", "second")):
        workflow = {".gitea/workflows/ci.yml": SEEN.replace("WORKFLOW=base", f"WORKFLOW={name}")}
        head = app.pull(workflow) if action == "opened" else app.push(workflow, "feature")
        output = {"ACTOR": "alice", "ACTION": action, "HEAD": head, "BASE": base}
        sides = {"BASE_REF": "main", "HEAD_REF": "feature"}
        run = app.run("pull_request", head)
        assert run.ended() == "success"
        ref = {"SHA": head, "REF": "refs/pull/1/head", "REF_NAME": "1"}
        assert run.printed("see") == {**NOTHING, **ref, **sides, **output, "WORKFLOW": name}
        target = app.run("pull_request_target", head)
        assert target.ended() == "success"
        ref = {"SHA": base, "REF": "refs/heads/main", "REF_NAME": "main"}
        assert target.printed("see") == {**NOTHING, **ref, **sides, **output, "WORKFLOW": "base"}
        # The workflow has no name.
        contexts = {"/ see (pull_request)", "/ see (pull_request_target)"}
        assert app.statuses(head) == dict.fromkeys(contexts, "success")


def test_what_a_run_for_a_branch_is_told(project: Make) -> None:
    """Only a push has a status; the clock's run has the event of the last push to the default branch, and one word."""
    app = project(SEEN)
    head = app.push({"a": "1\n"})
    ref = {"SHA": head, "REF": "refs/heads/main", "REF_NAME": "main", "WORKFLOW": "base"}
    pushed = app.run("push", head)
    assert pushed.ended() == "success"
    assert pushed.printed("see") == {**NOTHING, **ref, "ACTOR": "alice", "AFTER": head}
    by_hand = app.dispatch(who="me")
    assert by_hand.ended() == "success"
    assert by_hand.printed("see") == {**NOTHING, **ref, "ACTOR": "alice", "WHO": "me"}
    app.due()
    by_clock = app.run("schedule", head)
    assert by_clock.ended() == "success"
    output = {"ACTOR": "gitea-actions", "SCHEDULE": "0 3 * * 1", "AFTER": head}
    assert by_clock.printed("see") == {**NOTHING, **ref, **output}
    assert app.statuses(head) == {"/ see (push)": "success"}


def test_what_the_token_of_a_run_may(project: Make) -> None:
    """Much, but nothing that starts a run, except a run by hand; what it merges stays open."""
    app = project(RIGHTS, {"ask.py": ASK})
    head = app.push({"a": "1\n"})
    run = app.run("push", head)
    assert run.ended() == "success", run.log("default")
    done = {"push": "ok", "status": "201", "pull": "201", "dispatch": "204", "merge": "200"}
    refused = {"rule": "403", "secret": "403"}
    assert run.printed("default") == {**done, **refused}
    assert app.statuses(head)["orch/default"] == "success"
    assert app.runs() == [("push", "main"), ("workflow_dispatch", "main")]
    assert app.repository.tip("main^2") == app.repository.tip("made")
    pull = app.repository.api().get("/pulls/1").ok()
    assert (pull["state"], pull["merged"]) == ("open", False)
    assert run.printed("writing") == {**refused, "status": "201", "dispatch": "403"}
    assert run.printed("limited") == {**refused, "push": "no", "status": "403", "dispatch": "403"}


def test_a_run_has_failed_before_it_has_ended(project: Make, tmp_path: Path) -> None:
    """A job that is blocked, here by a job of another run, does not keep its run from being called failed."""
    app = project(HELD)
    place = tmp_path / "go"
    app.variable("PLACE", str(place))

    def failing(content: str) -> Run:
        run = app.run("push", app.push({"a": content}))
        eventually(lambda: run.jobs()["bad"].get("conclusion"), "the first job fails")
        return run

    running, blocked = failing("1\n"), failing("2\n")
    assert running.get()["status"] == "in_progress"
    assert blocked.jobs()["held"]["status"] == "waiting"
    assert (blocked.get()["status"], blocked.get()["conclusion"]) == ("completed", "failure")
    place.touch()
    assert blocked.ended() == "failure"
    assert blocked.conclusions() == {"bad": "failure", "held": "success"}
