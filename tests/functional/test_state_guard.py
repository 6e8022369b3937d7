"""Pushes to the state branch of a server with the hook: what passes, what is refused, and with which words."""

from __future__ import annotations

import json
import os
import re
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from orch_gates.forge.local import kinds
from orch_gates.model.ids import TaskId
from orch_gates.state import layout
from tests.builders import HOOK, Repo, Template, bare, clone, github_token, load_hook_early, orch, run

BRANCH = "refs/heads/orch-state"
WITNESS = "refs/orch/witness"
# Where only the guard is judged, scanning every push for secrets is time lost.
NO_SCAN = {"ORCH_SECURITY_ENABLED": "false"}
T1, T2, T3 = TaskId("T-1"), TaskId("T-2"), TaskId("T-3")
ONE, TWO = layout.task_path(T1), layout.task_path(T2)
JOB = layout.job_path(T1, "0123456789abcdef")
REPORT = layout.report_path(T1, "12-test-report.md")
LEASE = layout.lease_path("main")

JOB_TEXT = """---
schema: orch.job/1
task: T-1
stage: development
role: developer
attempt: "0123456789abcdef"
number: 1
status: running
reason: ""
by: alice
head: ""
created: "2026-01-01T00:00:00Z"
started: "2026-01-01T00:00:00Z"
ended: null
exit_code: null
runner: alice on build-1
process: {host: build-1 boot, pid: 7, started: "99"}
run: null
dispatch: null
---
- begun
"""
LEASE_TEXT = """---
schema: orch.lease/1
target: main
generation: 3
holder: T-1
granted: "2026-01-01T00:00:00Z"
expires: "2026-01-01T01:00:00Z"
reason: granted
---
"""
REPORT_TEXT = f"""---
schema: orch.report/1
gate: tests-passed
tests_status: PASSED
head: {"a" * 40}
---
"""


PULL, ISSUE = kinds.PULL.at(number=7), kinds.ISSUE.at(number=7)
PULL_TEXT = f"""---
schema: orch.pull/1
number: 7
title: Greet the user
branch: task/T-1
target: main
state: open
author: alice
created: "2026-01-01T00:00:00Z"
first_head: {"a" * 40}
last_head: ""
merge_commit: ""
reviews: []
comments: []
---
Because.
"""
CLOSED_TEXT = PULL_TEXT.replace("state: open", "state: closed").replace('last_head: ""', f"last_head: {'a' * 40}")
MEMORY = """---
schema: orch.sweep/1
ticks: []
cursor: ""
counters: {ticks: 1}
streaks: []
alerts: []
---
"""
ISSUE_TEXT = """---
schema: orch.issue/1
number: 7
title: Nobody is greeted
state: open
author: bob
created: "2026-01-01T00:00:00Z"
labels: [task]
comments: []
---
"""


class Hand:
    """A person's checkout of the state branch."""

    def __init__(self, server: Repo, folder: Path) -> None:
        self.server = server
        clone(server, folder)
        self.repo = Repo(folder, {"GIT_COMMITTER_EMAIL": "orch-gates@localhost"})
        self.repo.git("switch", "--quiet", "-c", "orch-state", "origin/orch-state")

    def text(self, path: str) -> str:
        return (self.repo.path / path).read_text("utf-8")

    def edit(self, path: str, old: str, new: str) -> None:
        text = self.text(path)
        assert re.search(old, text, re.MULTILINE), text
        self.repo.write(path, re.sub(old, lambda _: new, text, count=1, flags=re.MULTILINE))

    def set(self, path: str, field: str, value: str) -> None:
        self.edit(path, rf"^{field}: .*$", f"{field}: {value}")

    def commit(self, message: str = "by hand") -> str:
        self.repo.git("add", "--all")
        self.repo.git("commit", "--quiet", "--allow-empty", "-m", message)
        return self.repo.git("rev-parse", "HEAD")

    def pushed(self, *refspecs: str, **env: str) -> None:
        code, text = self.push(*refspecs, **env)
        assert code == 0, text

    def push(self, *refspecs: str, **env: str) -> tuple[int, str]:
        wanted = refspecs or (f"HEAD:{BRANCH}",)
        done = run("git", "push", "--quiet", "origin", *wanted, cwd=self.repo.path, env=NO_SCAN | env)
        text = done.stderr.decode()
        assert "Traceback" not in text
        return done.returncode, text

    def tip(self, ref: str = BRANCH) -> str:
        return self.server.git("rev-parse", "--verify", ref)


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A server with the hook, two tasks (the second one cancelled), and a job, a report and a lease."""
    folder = tmp_path_factory.mktemp("guard")
    made = Template(folder, "gitleaks").make()
    load_hook_early(made.folder / "server.git" / HOOK, scans=True)
    cache = {"ORCH_CACHE_DIR": str(folder / "cache"), **NO_SCAN}
    work = Repo(made.folder / "work")
    for args in (
        ("state", "init"),
        ("task", "new", "T-1", "The first"),
        ("task", "new", "T-2", "The second"),
        ("task", "cancel", "T-2", "--reason", "not needed"),
        ("advance", "T-1", "--approve"),
        ("advance", "T-1"),
    ):
        done = orch(*args, cwd=work.path, env=cache)
        assert done.returncode == 0, done.stderr.decode()
    hand = Hand(Repo(folder / "server.git"), folder / "hand")
    for path, text in ((JOB, JOB_TEXT), (REPORT, REPORT_TEXT), (LEASE, LEASE_TEXT)):
        hand.repo.write(path, text)
    hand.commit()
    hand.pushed()
    return folder


@pytest.fixture
def hand(template: Path, tmp_path: Path) -> Hand:
    server = Path(shutil.copytree(template / "server.git", tmp_path / "server.git", symlinks=True))
    return Hand(Repo(server), tmp_path / "hand")


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ORCH_CACHE_DIR", str(tmp_path / "cache"))


def test_our_own_commits_pass(hand: Hand) -> None:
    """Every command works against a server that judges it, secrets included."""
    work = clone(hand.server, hand.repo.path.parent / "work")
    for args in (("task", "new", "T-3", "The third"), ("task", "hold", "T-3", "--reason", "wait"), ("state", "verify")):
        done = orch(*args, cwd=work.path)
        assert done.returncode == 0, done.stderr.decode()
    assert hand.tip(WITNESS) == hand.tip()


def job_ends(hand: Hand) -> None:
    hand.set(JOB, "status", "failed")
    hand.set(JOB, "ended", '"2026-01-01T00:10:00Z"')


LEGAL: dict[str, Callable[[Hand], None]] = {
    "a person holds a task": lambda hand: hand.set(ONE, "state", "held"),
    "a title is put right": lambda hand: hand.set(ONE, "title", "First of all"),
    "a line is added to a log": lambda hand: hand.repo.write(ONE, hand.text(ONE) + "- a remark\n"),
    "an unknown field": lambda hand: hand.edit(ONE, r"^title:", "colour: red\ntitle:"),
    "a job ends": job_ends,
    "a report is put right": lambda hand: hand.set(REPORT, "tests_status", "FAILED"),
    "a lease is released": lambda hand: hand.set(LEASE, "holder", '""'),
    "the page is reworded": lambda hand: hand.repo.write("README.md", "# Ours\n"),
    "a pull request is opened": lambda hand: hand.repo.write(PULL, PULL_TEXT),
    "a pull request is closed": lambda hand: in_two_steps(hand, PULL, PULL_TEXT, CLOSED_TEXT),
    "a description is put right": lambda hand: in_two_steps(hand, PULL, PULL_TEXT, f"{PULL_TEXT[:-9]}As asked.\n"),
    "an issue is closed": lambda hand: in_two_steps(hand, ISSUE, ISSUE_TEXT, ISSUE_TEXT.replace("open", "closed")),
    "a finished task is archived": lambda hand: archive(hand, T2),
}


def in_two_steps(hand: Hand, path: str, *texts: str) -> None:
    """All but the last are committed and pushed."""
    for text in texts[:-1]:
        hand.repo.write(path, text)
        hand.commit()
        hand.pushed()
    hand.repo.write(path, texts[-1])


def removed(hand: Hand, path: str, text: str) -> None:
    in_two_steps(hand, path, text, "")
    (hand.repo.path / path).unlink()


def number_taken(hand: Hand) -> None:
    in_two_steps(hand, ISSUE, ISSUE_TEXT, ISSUE_TEXT)
    hand.repo.write(PULL, PULL_TEXT)


def archive(hand: Hand, task: TaskId) -> None:
    target = hand.repo.path / layout.archive_folder(2026, task)
    target.parent.mkdir(parents=True)
    shutil.move(hand.repo.path / layout.task_folder(task), target)


@pytest.mark.parametrize("edit", LEGAL.values(), ids=LEGAL.keys())
def test_a_legal_hand_edit_passes(edit: Callable[[Hand], None], hand: Hand) -> None:
    """The rules are about what is written, not about which program wrote it."""
    edit(hand)
    made = hand.commit()
    hand.pushed()
    assert hand.tip() == made
    proof = orch("state", "verify", "--repo", hand.server.path, cwd=hand.repo.path)
    assert proof.returncode == 0, proof.stdout.decode()


def new_task(hand: Hand, **changed: str) -> str:
    text = hand.text(ONE).replace("T-1", "T-3")
    for field, value in ({"stage": "analysis"} | changed).items():
        text = re.sub(rf"^{field}: .*$", f"{field}: {value}", text, count=1, flags=re.MULTILINE)
    hand.repo.write(layout.task_path(T3), text)
    return text


def link(hand: Hand) -> None:
    (hand.repo.path / ONE).unlink()
    (hand.repo.path / ONE).symlink_to("/etc/passwd")


def archived_twice(hand: Hand) -> None:
    archive(hand, T2)
    hand.commit()
    hand.pushed()
    hand.repo.write(TWO, hand.text(layout.archive_folder(2026, T2) + "/task.md").replace("cancelled", "active"))


def archived_changed(hand: Hand) -> None:
    archive(hand, T2)
    hand.commit()
    hand.pushed()
    hand.set(f"{layout.archive_folder(2026, T2)}/task.md", "title", "Another past")


def archived_otherwise(hand: Hand) -> None:
    archive(hand, T2)
    hand.set(f"{layout.archive_folder(2026, T2)}/task.md", "title", "Another past")


def left_behind(hand: Hand) -> None:
    hand.set(ONE, "state", "cancelled")
    hand.commit()
    archive(hand, T1)
    hand.repo.write(REPORT, REPORT_TEXT)


def job_begins_again(hand: Hand) -> None:
    job_ends(hand)
    hand.commit()
    hand.set(JOB, "status", "running")
    hand.set(JOB, "ended", "null")


def published(kind: str) -> str:
    """The published example of a kind."""
    return (Path(__file__).parents[2] / "state" / "templates" / f"{kind}.md").read_text("utf-8")


# What is done, and the field and the words of the rule that refuses it.
def plan_effect(hand: Hand) -> None:
    """A status that no step has planned, otherwise as a step would plan it."""
    head = "a" * 40
    found = re.search(r"^generation: (\d+)$", hand.text("orch-state.md"), re.MULTILINE)
    assert found is not None
    hand.set(ONE, "head", head)
    hand.edit(
        ONE,
        r"^---\n\n",
        f'effects:\n  - kind: status\n    generation: {found[1]}\n    planned: "2026-01-31T12:00:00Z"\n'
        f'    commit: {head}\n    context: orch/security\n    state: success\n    reason: ""\n    url: ""\n'
        '    replaces: ""\n---\n\n',
    )


def send_back(hand: Hand) -> None:
    """What counts as spent is only added to by a step (ENG-9); here it would spend what nobody judged."""
    hand.edit(
        ONE,
        r"^---\n\n",
        'sent_back:\n  head: ""\n  at: "2026-01-31T12:00:00Z"\n  ready: false\n'
        f"  spent: [{'b' * 40}]\n  charged: []\n---\n\n",
    )


ILLEGAL: dict[str, tuple[Callable[[Hand], object], str, str]] = {
    "a stage is skipped": (lambda h: h.set(ONE, "stage", "testing"), "stage", "to review only"),
    "done without a gate": (lambda h: h.set(ONE, "state", "done"), "state", "must be done in stage"),
    "a finished task comes back": (
        lambda h: h.set(TWO, "state", "active"),
        "state",
        "must not change again",
    ),
    "retries are counted down": (
        lambda h: h.set(ONE, "developer_retries", "7"),
        "developer_retries",
        "may grow by one",
    ),
    "a status is planned by hand": (plan_effect, "effects", "not by hand"),
    "a task is sent back by hand": (send_back, "sent_back", "not by hand"),
    "another author": (lambda h: h.set(ONE, "created_by", "me"), "created_by", "must not change"),
    "a new task in the middle": (lambda h: new_task(h, stage="review"), "stage", "in a new task"),
    "another name than its folder": (lambda h: h.set(ONE, "id", "T-9"), "form", "path says"),
    "the log is rewritten": (lambda h: h.edit(ONE, r"^# T-1$", "# something else"), "form", "lines may only be added"),
    "a job is over and runs again": (
        job_begins_again,
        "status",
        "must not change again",
    ),
    "a job of another attempt": (
        lambda h: h.set(JOB, "attempt", '"fedcba9876543210"'),
        "form",
        "path says",
    ),
    "a fencing token goes back": (
        lambda h: h.set(LEASE, "generation", "2"),
        "generation",
        "must not be lowered",
    ),
    "the generation is raised by hand": (
        lambda h: h.set("orch-state.md", "generation", "99"),
        "generation",
        "must not change in a hand edit",
    ),
    "no generation": (lambda h: h.edit("orch-state.md", r"^generation: \d+\n", ""), "form", "generation"),
    "no root document": (lambda h: (h.repo.path / "orch-state.md").unlink(), "form", "must not be removed"),
    "a task is removed": (lambda h: (h.repo.path / TWO).unlink(), "form", "must not be removed"),
    "a lease is removed": (lambda h: (h.repo.path / LEASE).unlink(), "form", "must not be removed"),
    "a report is removed": (lambda h: (h.repo.path / REPORT).unlink(), "form", "must not be removed"),
    "an unfinished task is archived": (lambda h: archive(h, T1), "state", "only a finished task"),
    "archived and changed at once": (archived_otherwise, "form", "the very file"),
    "the archive is changed": (archived_changed, "form", "must not change"),
    "a name is used again": (archived_twice, "id", "must not be used again"),
    "a report without its task": (left_behind, "form", "must stay with their task"),
    "a pull request is opened again": (
        lambda h: in_two_steps(h, PULL, PULL_TEXT, CLOSED_TEXT, PULL_TEXT),
        "state",
        "must not change from closed to open",
    ),
    "a new pull request is closed": (
        lambda h: h.repo.write(PULL, CLOSED_TEXT),
        "state",
        "must be open in a new pull request",
    ),
    "merged without a merge": (
        lambda h: in_two_steps(h, PULL, PULL_TEXT, CLOSED_TEXT.replace("closed", "merged")),
        "merge_commit",
        "must be set when the pull request is merged",
    ),
    "a pull request is removed": (lambda h: removed(h, PULL, PULL_TEXT), "form", "must not be removed"),
    "a number is used twice": (number_taken, "number", "this one is taken"),
    "an issue of somebody else": (
        lambda h: in_two_steps(h, ISSUE, ISSUE_TEXT, ISSUE_TEXT.replace("bob", "eve")),
        "author",
        "must not change",
    ),
    "an environment is written by hand": (
        lambda h: h.repo.write(layout.environment_path("production"), published("environment")),
        "form",
        "not by hand",
    ),
    "a watch is written by hand": (
        lambda h: h.repo.write(layout.watch_path("0123456789abcdef"), published("watch")),
        "form",
        "not by hand",
    ),
    "the sweep's memory": (lambda h: h.repo.write("sweep.md", MEMORY), "form", "never on this branch"),
    "no document of ours": (lambda h: h.repo.write("notes.txt", "hello\n"), "form", "no document belongs here"),
    "a wrong folder": (lambda h: h.repo.write("tasks/00/T-1/task.md", h.text(ONE)), "form", "belongs in folder"),
    "a symbolic link": (link, "form", "plain file"),
    "no YAML": (lambda h: h.repo.write(ONE, "---\nid: [\n---\n"), "form", "line"),
    "the same key twice": (lambda h: h.edit(ONE, r"^title:", "title: one\ntitle:"), "form", "line"),
    "an unknown state": (lambda h: h.set(ONE, "state", "no"), "form", "state"),
    "a later version": (
        lambda h: h.set(ONE, "schema", "orch.task/2"),
        "form",
        "upgrade",
    ),
    "bytes that are no text": (lambda h: h.repo.write(ONE, b"\xff\xfe"), "form", "UTF-8"),
    "a malformed report": (lambda h: h.repo.write(REPORT, "---\nschema: orch.report/1\n---\n"), "form", "gate"),
}


@pytest.mark.parametrize(("edit", "field", "words"), ILLEGAL.values(), ids=ILLEGAL.keys())
def test_an_illegal_edit_is_refused_with_the_field_and_the_rule(
    edit: Callable[[Hand], object], field: str, words: str, hand: Hand
) -> None:
    """OWN-3, ST-6: nothing of it is stored, and `verify` would name the same commit for the same reason."""
    edit(hand)
    before, made = hand.tip(), hand.commit()
    code, text = hand.push()
    assert code != 0
    assert hand.tip() == before
    output = " ".join(text.replace("remote:", " ").split())
    assert "push refused" in output
    assert field in output
    assert words in output
    hand.server.git("fetch", "--quiet", str(hand.repo.path), f"+HEAD:{BRANCH}")
    proof = orch("state", "verify", "--json", "--repo", hand.server.path, cwd=hand.repo.path)
    assert proof.returncode == 1
    bad = json.loads(proof.stdout)["bad"]
    assert [one["commit"] for one in bad] == [made]
    assert words in " ".join(bad[0]["problems"])


def test_no_command_is_named_that_shows_something_else(hand: Hand) -> None:
    """More rules than fit would be broken; the scan of secrets knows none of them."""
    for number in range(8):
        hand.repo.write(f"notes/{number}.md", "mine\n")
    hand.commit()
    output = hand.push()[1]
    assert ("+3 more" in output, "gate security" in output) == (True, False), output


def test_history_is_neither_deleted_nor_rewritten(hand: Hand) -> None:
    """ST-4: also where git itself would allow it."""
    before = hand.tip()
    assert "must not be deleted" in hand.push(f":{BRANCH}")[1]
    hand.repo.git("reset", "--quiet", "--hard", "HEAD~2")
    assert "the push must be a fast-forward" in hand.push(f"+HEAD:{BRANCH}")[1].replace("\n", " ")
    hand.repo.git("commit", "--quiet", "--allow-empty", "-m", "another past")
    assert hand.push(f"+HEAD:{BRANCH}")[0] != 0
    assert hand.tip() == before


def test_a_merge_is_no_step(hand: Hand) -> None:
    hand.repo.git("switch", "--quiet", "-c", "side")
    hand.repo.write("README.md", "# One side\n")
    hand.commit()
    hand.repo.git("switch", "--quiet", "orch-state")
    hand.set(ONE, "title", "The other side")
    hand.commit()
    hand.repo.git("merge", "--quiet", "--no-edit", "side")
    assert "it must not be a merge" in " ".join(hand.push()[1].replace("remote:", " ").split())


@pytest.mark.parametrize(
    ("trailers", "words"),
    [
        ("Orch-Op: 5-0123456789abcdef0123456789abcdef", "must grow by one in a commit of orch-gates"),
        ("Orch-Op: nonsense", "32 hexadecimal digits"),
    ],
)
def test_trailers_cannot_be_borrowed(trailers: str, words: str, hand: Hand) -> None:
    """ST-3: an operation says which generation it made; another one's is not fresh."""
    hand.set(ONE, "title", "Not ours")
    hand.commit(f"by hand\n\n{trailers}\nOrch-Event: advance\nOrch-Task: T-1\nOrch-By: me\n")
    code, text = hand.push()
    assert code != 0
    assert words in " ".join(text.replace("remote:", " ").split())


def test_only_the_writers_may_push(hand: Hand) -> None:
    """OWN-3: the server says who pushes; where it does not, the committer's address is held against the list."""
    hand.set(ONE, "title", "By somebody")
    hand.repo.env["GIT_COMMITTER_EMAIL"] = "somebody@example.invalid"
    hand.commit()
    before = hand.tip()
    code, text = hand.push()
    assert code != 0
    assert "somebody@example.invalid" in text
    assert "state.writers" in text
    assert hand.push(GITEA_PUSHER_NAME="mallory", ORCH_STATE_WRITERS="bot")[0] != 0
    assert hand.tip() == before
    hand.pushed(GITEA_PUSHER_NAME="bot", ORCH_STATE_WRITERS="bot,alice")


def test_a_repository_names_writers_of_its_own(hand: Hand, tmp_path: Path) -> None:
    """`state.writers` on the default branch adds to what the server names; the pushed tree sets nothing."""
    hand.set(ONE, "title", "By somebody")
    hand.repo.write(".orch-gates.yaml", "state:\n  writers: [alice]\n")
    hand.commit()
    assert hand.push(GITEA_PUSHER_NAME="alice", ORCH_STATE_WRITERS="bot")[0] != 0
    hand.repo.git("reset", "--quiet", "--hard", "HEAD~1")
    hand.set(ONE, "title", "By somebody")
    hand.commit()
    clone(hand.server, tmp_path / "main")
    main = Repo(tmp_path / "main")
    main.commit("configure", {".orch-gates.yaml": "state:\n  writers: [alice]\n"})
    main.git("push", "--quiet", "origin", "HEAD:main")
    assert hand.push(GITEA_PUSHER_NAME="mallory", ORCH_STATE_WRITERS="bot")[0] != 0
    hand.pushed(GITEA_PUSHER_NAME="alice", ORCH_STATE_WRITERS="bot")
    hand.commit()
    hand.pushed(GITEA_PUSHER_NAME="bot", ORCH_STATE_WRITERS="bot")


def test_another_pusher_than_the_committer_is_who_counts(hand: Hand) -> None:
    """A committer's address is anybody's to write; the server's word is not."""
    hand.set(ONE, "title", "By somebody")
    hand.commit()
    code, text = hand.push(GITEA_PUSHER_NAME="mallory")
    assert code != 0
    assert "mallory" in text


def test_the_witness_only_follows_the_branch(hand: Hand) -> None:
    """ST-4: whoever could move it elsewhere could make a rewind look whole."""
    stale = hand.tip(WITNESS)
    assert stale != hand.tip()
    for refspec in (f":{WITNESS}", f"+{BRANCH}~2:{WITNESS}", f"+refs/remotes/origin/main:{WITNESS}"):
        hand.repo.git("fetch", "--quiet", "origin", f"+{BRANCH}:{BRANCH}", "--update-head-ok")
        assert hand.push(refspec)[0] != 0
        assert hand.tip(WITNESS) == stale
    hand.pushed(f"{BRANCH}:{WITNESS}")
    assert hand.tip(WITNESS) == hand.tip()


def test_only_a_restore_sets_anything_aside(hand: Hand) -> None:
    """ST-8: refs/orch/ is nobody's to squat, and what a restore has kept there stays."""
    for name in ("lost/7", "lost/x", "lost/7/x", "notes"):
        assert hand.push(f"HEAD:refs/orch/{name}")[0] != 0
    hand.server.git("update-ref", "refs/orch/lost/7", BRANCH)
    assert hand.push("+HEAD~1:refs/orch/lost/7")[0] != 0
    assert hand.push(":refs/orch/lost/7")[0] != 0


LOOKALIKES = ["refs/tags/orch-state", "refs/heads/heads/orch-state", "refs/heads/refs/heads/orch-state"]
LOOKALIKES += ["refs/tags/refs/heads/orch-state", "refs/heads/refs/orch/witness", "refs/tags/orch/witness"]
LOOKALIKES += ["refs/heads/orch-state/x", "refs/orch/witness/x", "refs/orch-state"]


@pytest.mark.parametrize("ref", LOOKALIKES)
def test_no_name_may_be_taken_for_the_state_branch(ref: str, hand: Hand) -> None:
    """ST-8, ST-9: `git fetch origin orch-state` stays what it says, whoever may push branches and tags."""
    code, text = hand.push(f"refs/remotes/origin/main:{ref}")
    assert code != 0
    assert "choose another" in " ".join(text.replace("remote:", " ").split())
    assert ref not in hand.server.git("for-each-ref", "--format=%(refname)").split()


@pytest.mark.parametrize(
    "meanwhile",
    [
        f'"$real" update-ref {BRANCH} $landed; "$real" update-ref {WITNESS} $landed',
        f"echo $old {BRANCH}; echo $landed {WITNESS}; exit",
    ],
    ids=["before its refs are read", "between two of its refs"],
)
def test_a_push_that_was_overtaken_while_it_was_judged_breaks_no_rule(meanwhile: str, hand: Hand) -> None:
    """ST-2: another push lands after git has named the old commit: the writer hears to come again, no refusal."""
    old, new = hand.tip(), hand.commit("overtaken")
    hand.server.git("fetch", "--quiet", str(hand.repo.path), "HEAD:refs/heads/objects")
    landed = hand.server.git("commit-tree", "-p", old, "-m", "landed", f"{old}^{{tree}}")
    tools = hand.repo.path.parent / "tools"
    tools.mkdir()
    script = tools / "git"
    script.write_text(
        f"""#!/bin/sh
real={shutil.which("git")} old={old} landed={landed}
case "$*" in *for-each-ref*{WITNESS}*) if mkdir {tools}/once 2>/dev/null; then {meanwhile}; fi ;; esac
exec "$real" "$@"
"""
    )
    script.chmod(0o755)
    done = orch(
        *("hook", "pre-receive"),
        cwd=hand.server.path,
        stdin=f"{old} {new} {BRANCH}\n".encode(),
        env={"GIT_DIR": ".", "PATH": f"{tools}:{os.environ['PATH']}", **NO_SCAN},
    )
    assert (tools / "once").exists()
    assert done.returncode == 1
    # What the client of a push knows for a lost race.
    assert re.match(rb"orch-gates: refs/\S+ moved meanwhile; fetch and push again", done.stderr), done.stderr.decode()


SWEEP = "refs/orch/sweep"


def remembered(
    hand: Hand, text: str = MEMORY, *, name: str = "sweep.md", mode: str = "100644", parent: str = ""
) -> str:
    """A commit of the sweep's memory as a tick makes it, but for what the arguments say."""
    blob = hand.repo.git("hash-object", "-w", "--stdin", stdin=text.encode())
    tree = hand.repo.git("mktree", stdin=f"{mode} blob {blob}\t{name}\n".encode())
    return hand.repo.git("commit-tree", *(("-p", parent) if parent else ()), "-m", "sweep", tree)


def test_the_sweeps_memory_is_replaced_by_its_writers(hand: Hand) -> None:
    """SWP-1: what has no history needs force, and no history is lost; the state branch stays as it is."""
    before = (hand.tip(), hand.tip(WITNESS))
    for number in (1, 2):
        made = remembered(hand, MEMORY.replace("ticks: 1", f"ticks: {number}"))
        hand.pushed(f"+{made}:{SWEEP}")
        assert hand.tip(SWEEP) == made
    assert (hand.tip(), hand.tip(WITNESS)) == before


def by_another(hand: Hand) -> str:
    hand.repo.env["GIT_COMMITTER_EMAIL"] = "eve@example.invalid"
    return remembered(hand)


NO_MEMORY: dict[str, tuple[Callable[[Hand], str], str]] = {
    "with a history": (lambda h: remembered(h, parent=h.tip()), "must have no parent"),
    "another file": (lambda h: remembered(h, name="notes.md"), "holds sweep.md"),
    "a program": (lambda h: remembered(h, mode="100755"), "holds sweep.md"),
    "no frontmatter": (lambda h: remembered(h, "hello\n"), "the first line must be exactly ---"),
    "another kind": (lambda h: remembered(h, LEASE_TEXT), "orch.sweep/1 is expected"),
    "too much": (lambda h: remembered(h, MEMORY + "x" * 1024 * 1024), "at most 1048576"),
    "too many streaks": (
        lambda h: remembered(h, MEMORY.replace("streaks: []", f"streaks: [{', '.join(['1'] * 1001)}]")),
        "streaks",
    ),
    "by somebody else": (by_another, "eve@example.invalid: only"),
    "no commit": (lambda h: h.repo.git("rev-parse", "HEAD^{tree}"), "could not be judged"),
}


@pytest.mark.parametrize(("make", "words"), NO_MEMORY.values(), ids=NO_MEMORY.keys())
def test_nothing_else_is_put_in_its_place(make: Callable[[Hand], str], words: str, hand: Hand) -> None:
    """OWN-3: the one ref that may be replaced holds one small document of its kind, and is no place to hide things."""
    first = remembered(hand)
    hand.pushed(f"+{first}:{SWEEP}")
    code, text = hand.push(f"+{make(hand)}:{SWEEP}")
    assert code != 0
    assert words in " ".join(text.replace("remote:", " ").split())
    assert hand.tip(SWEEP) == first


def test_the_memory_is_not_deleted_and_has_no_neighbours(hand: Hand) -> None:
    hand.pushed(f"+{remembered(hand)}:{SWEEP}")
    assert "must not be deleted" in hand.push(f":{SWEEP}")[1]
    for ref in ("refs/orch/sweep2", "refs/orch/lost/7", "refs/heads/refs/orch/sweep", "refs/tags/orch/sweep"):
        assert hand.push(f"{remembered(hand)}:{ref}")[0] != 0, ref


def test_a_lookalike_can_be_taken_away_again(hand: Hand) -> None:
    """One that was there before the hook."""
    hand.server.git("update-ref", "refs/tags/orch-state", "refs/heads/main")
    hand.pushed(":refs/tags/orch-state")


def test_names_of_others_are_free(hand: Hand) -> None:
    for ref in ("refs/heads/orch-states", "refs/heads/my/orch-state", "refs/tags/v1", "refs/notes/orch-state"):
        hand.pushed(f"refs/remotes/origin/main:{ref}")


@pytest.mark.parametrize("how", ["deleted", "rewound", "replaced"])
def test_a_restore_passes_the_guard(how: str, hand: Hand) -> None:
    """ST-4: mending goes through the same door, and the history is proven afterwards."""
    work = clone(hand.server, hand.repo.path.parent / "work")
    assert orch("task", "new", "T-3", "The third", cwd=work.path, env=NO_SCAN).returncode == 0
    good = hand.tip()
    if how == "deleted":
        hand.server.git("update-ref", "-d", BRANCH)
    elif how == "rewound":
        hand.server.git("update-ref", BRANCH, f"{BRANCH}~3")
    else:
        tree = hand.server.git("rev-parse", f"{BRANCH}^{{tree}}")
        hand.server.git("update-ref", BRANCH, hand.server.git("commit-tree", "-m", "another past", tree))
    done = orch("state", "restore", cwd=work.path, env=NO_SCAN)
    assert done.returncode == 0, done.stderr.decode()
    assert hand.server.git("merge-base", "--is-ancestor", good, BRANCH) == ""
    assert orch("task", "show", "T-3", cwd=work.path).returncode == 0
    assert orch("state", "verify", cwd=work.path).returncode == 0


def restored(hand: Hand, replaced: str, good: str) -> str:
    """A commit that says that it restores `good` after `replaced`; its message and files are right."""
    root = hand.repo.git("show", f"{good}:orch-state.md")
    generation = int(re.findall(r"^generation: (\d+)", root, re.MULTILINE)[0]) + 5
    hand.repo.git("checkout", "--quiet", good)
    hand.set("orch-state.md", "generation", str(generation))
    hand.repo.git("add", "--all")
    message = f"r\n\nOrch-Op: {generation}-{'8' * 32}\nOrch-Event: restore\nOrch-Task: -\nOrch-By: x\n"
    parents = ("-p", replaced, "-p", good)
    return hand.repo.git("commit-tree", *parents, "-F", "-", hand.repo.git("write-tree"), stdin=message.encode())


def test_a_restore_of_what_was_not_lost_is_refused(hand: Hand) -> None:
    """ST-8: neither a step is dropped nor a history slipped in by a message that says restore."""
    tree = hand.repo.git("rev-parse", "HEAD^{tree}")
    forks = {
        "drops the last step": (hand.tip(), f"{BRANCH}~1"),
        "brings in an unrelated history": (hand.repo.git("commit-tree", "-m", "another past", tree), BRANCH),
        "leads to an unrelated history": (BRANCH, hand.repo.git("commit-tree", "-m", "another past", tree)),
        "brings in a way that never was": (hand.repo.git("commit-tree", "-p", f"{BRANCH}~1", "-m", "x", tree), BRANCH),
    }
    before = hand.tip()
    for what, (replaced, good) in forks.items():
        made = restored(hand, *(hand.repo.git("rev-parse", commit) for commit in (replaced, good)))
        assert hand.push(f"{made}:{BRANCH}")[0] != 0, what
        assert hand.tip() == before


def test_verify_reads_what_a_restore_joins(hand: Hand) -> None:
    """Where no guard was: no history is skipped because a message says so."""
    tree = hand.repo.git("rev-parse", "HEAD^{tree}")
    fork = hand.repo.git("commit-tree", "-p", f"{BRANCH}~1", "-m", "x\n\nOrch-Op: 3-0", tree)
    made = restored(hand, fork, hand.tip())
    assert hand.push(f"{made}:{BRANCH}", f"{made}:{WITNESS}", ORCH_STATE_GUARD_ENABLED="false")[0] == 0
    proof = orch("state", "verify", "--json", "--repo", hand.server.path, cwd=hand.repo.path)
    assert proof.returncode == 1
    assert [one["commit"] for one in json.loads(proof.stdout)["bad"]] == [fork]


def test_stages_are_those_that_the_default_branch_configures(hand: Hand) -> None:
    """P5: a hand edit of the stages would open every gate; `verify` names it where no guard was."""
    hand.edit("orch-state.md", r'^  - "(review|testing)"\n', "")
    made = hand.commit()
    code, text = hand.push()
    assert code != 0
    assert "a pipeline that the default branch configures" in " ".join(text.replace("remote:", " ").split())
    assert hand.push(ORCH_STATE_GUARD_ENABLED="false")[0] == 0
    work = clone(hand.server, hand.repo.path.parent / "work")
    proof = orch("state", "verify", "--json", cwd=work.path)
    assert (proof.returncode, [one["commit"] for one in json.loads(proof.stdout)["bad"]]) == (1, [made])


def test_stages_that_were_configured_once_are_proven(hand: Hand) -> None:
    """`verify` asks the history of the default branch; a clone without it cannot tell."""
    work = clone(hand.server, hand.repo.path.parent / "work")
    pipeline = "stages:\n  - {name: build, role: developer}\nrework: build\n"
    work.commit("one stage", {".orch-gates.yaml": pipeline})
    assert work.push("HEAD:main").returncode == 0
    work.git("fetch", "--quiet", "origin")
    assert orch("task", "hold", "T-1", "--reason", "new pipeline", cwd=work.path, env=NO_SCAN).returncode == 0
    work.commit("as before", {".orch-gates.yaml": "# the default\n"})
    assert work.push("HEAD:main").returncode == 0
    work.git("fetch", "--quiet", "origin")
    assert orch("state", "verify", cwd=work.path).returncode == 0
    # A default branch that was rewritten since does not make what it once configured a wrong.
    work.git("checkout", "--quiet", "--orphan", "anew")
    work.commit("the beginning", {".orch-gates.yaml": "# anew\n"})
    assert work.push("--force", "HEAD:main").returncode == 0
    work.git("fetch", "--quiet", "origin")
    rewritten = orch("state", "verify", cwd=work.path)
    assert rewritten.returncode == 2
    assert b"which is not on the default branch of this clone" in rewritten.stderr
    cut = hand.repo.path.parent / "cut"
    run("git", "clone", "--quiet", "--depth=1", f"file://{hand.server.path}", cut, cwd=work.path)
    done = orch("state", "verify", cwd=cut)
    assert done.returncode == 2
    assert b"--unshallow" in done.stderr


def two_pipelines(hand: Hand) -> Repo:
    """A clone after the default branch has had two files, and the state has followed both; a third one is not yet."""
    work = clone(hand.server, hand.repo.path.parent / "work")
    for number, stage in enumerate(("build", "make")):
        configure(work, f"stages:\n  - {{name: {stage}, role: developer}}\nrework: {stage}\n")
        assert orch("task", "new", f"N-{number}", "new", cwd=work.path, env=NO_SCAN).returncode == 0
    configure(work, "# the default\n")
    return work


def configure(work: Repo, text: str) -> None:
    work.commit("configure", {".orch-gates.yaml": text})
    assert work.push("HEAD:main").returncode == 0
    work.git("fetch", "--quiet", "origin")


@pytest.mark.parametrize("how", ["wiped", "branch gone", "rewound"])
def test_a_history_of_several_pipelines_comes_back(how: str, hand: Hand) -> None:
    """ST-4: what was legal when it was written is no stale configuration when it is restored."""
    work = two_pipelines(hand)
    good = hand.tip()
    if how == "rewound":
        hand.server.git("update-ref", BRANCH, f"{BRANCH}~4")
    else:
        hand.server.git("update-ref", "-d", BRANCH)
    if how == "wiped":
        hand.server.git("update-ref", "-d", WITNESS)
    done = orch("state", "restore", cwd=work.path, env=NO_SCAN)
    assert done.returncode == 0, done.stderr.decode()
    assert (hand.tip(), hand.tip(WITNESS)) == (good, good)
    assert orch("task", "hold", "N-1", cwd=work.path, env=NO_SCAN).returncode == 0
    assert orch("state", "verify", cwd=work.path).returncode == 0


def test_a_mirror_of_everything_is_taken_after_its_default_branch(hand: Hand, tmp_path: Path) -> None:
    """A new server has no configuration before it has a default branch; then it judges as the old one."""
    two_pipelines(hand)
    made = bare(tmp_path / "anew.git")
    assert orch("hook", "install", made.path, cwd=tmp_path, env=NO_SCAN).returncode == 0

    def push(*refs: str) -> tuple[int, bytes]:
        done = run("git", "push", "--quiet", made.path, *refs, cwd=hand.server.path, env=NO_SCAN)
        return done.returncode, done.stderr

    code, text = push(f"{BRANCH}:{BRANCH}")
    assert code != 0
    assert b"Fetch or push that branch" in text
    for refs in (["main:main"], [f"{BRANCH}:{BRANCH}", f"{WITNESS}:{WITNESS}"]):
        code, text = push(*refs)
        assert code == 0, text.decode()


def test_a_stale_configuration_is_not_written_back(hand: Hand) -> None:
    """ENG-10: by whatever commit says that it configures."""
    work = two_pipelines(hand)
    assert orch("task", "hold", "N-1", cwd=work.path, env=NO_SCAN).returncode == 0
    before = hand.tip()
    hand.repo.git("fetch", "--quiet", "origin", "orch-state")
    older = hand.repo.git("rev-list", "-n1", "--grep=configure: the pipeline is make", "FETCH_HEAD")
    hand.repo.git("switch", "--quiet", "--detach", "FETCH_HEAD")
    generation = int(re.findall(r"^generation: (\d+)", hand.text("orch-state.md"), re.MULTILINE)[0]) + 1
    hand.repo.git("checkout", "--quiet", older, "--", "orch-state.md")
    hand.set("orch-state.md", "generation", str(generation))
    hand.commit(f"c\n\nOrch-Op: {generation}-{'8' * 32}\nOrch-Event: configure\nOrch-Task: -\nOrch-By: x\n")
    code, text = hand.push(f"HEAD:{BRANCH}", f"HEAD:{WITNESS}")
    assert code != 0
    assert "of an older configuration" in " ".join(text.replace("remote:", " ").split())
    assert hand.tip() == before


def test_a_secret_in_a_report_is_refused_as_in_code(hand: Hand, real: Callable[[str], Path]) -> None:
    """The state branch is no place to hide: it is scanned like every other ref."""
    real("gitleaks")
    token = github_token()
    hand.repo.write(REPORT, f"{REPORT_TEXT}\nlog: {token}\n")
    hand.commit()
    code, text = hand.push(ORCH_SECURITY_ENABLED="true")
    assert code != 0
    assert REPORT in text
    assert token not in text


def test_every_refusal_is_in_one_message(hand: Hand, real: Callable[[str], Path]) -> None:
    """A step that is not legal does not hide a secret, nor a secret the step."""
    real("gitleaks")
    hand.repo.write("notes.txt", f"token: {github_token()}\n")
    hand.commit()
    code, text = hand.push(ORCH_SECURITY_ENABLED="true")
    assert code != 0
    assert "of the state branch would be broken" in text
    assert "orch-gates help state" in text
    assert "1 secret found" in text
    assert "orch-gates help leak" in text
    assert text.count("Nothing was stored.") == 1


def test_the_guard_has_a_switch_of_its_own(hand: Hand) -> None:
    """An administrator who has to get something through switches it off on the server, for as long as that takes."""
    hand.repo.write("notes.txt", "hello\n")
    hand.commit()
    assert hand.push()[0] != 0
    hand.pushed(ORCH_STATE_GUARD_ENABLED="false")


def test_a_damaged_document_can_be_mended(hand: Hand) -> None:
    """ST-6: whatever broke it, the guard does not keep the repair out."""
    text = hand.text(ONE)
    hand.repo.write(ONE, "---\nbroken\n")
    hand.commit()
    assert hand.push(ORCH_STATE_GUARD_ENABLED="false")[0] == 0
    hand.repo.write(ONE, text.replace("stage: development", "stage: review"))
    hand.commit()
    hand.pushed()


def test_what_cannot_be_judged_is_refused(hand: Hand) -> None:
    """P2: a broken object is no legal step, and no illegal one either."""
    blob = hand.server.git("rev-parse", f"{BRANCH}:orch-state.md")
    (hand.server.path / "objects" / blob[:2] / blob[2:]).unlink(missing_ok=True)
    hand.set(ONE, "title", "Another")
    made = hand.commit()
    hand.server.git("fetch", "--quiet", str(hand.repo.path), "HEAD:refs/heads/objects")
    before = hand.server.git("rev-parse", BRANCH)
    done = orch(
        *("hook", "pre-receive"),
        cwd=hand.server.path,
        stdin=f"{before} {made} {BRANCH}\n".encode(),
        env={"GIT_DIR": ".", **NO_SCAN},
    )
    assert done.returncode in {1, 2}
    assert b"refused" in done.stderr
