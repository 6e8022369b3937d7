"""The state branch on a real server: reached over HTTP with the bot's token, guarded by the hook, read by people."""

from __future__ import annotations

import itertools
from concurrent.futures import ThreadPoolExecutor

import pytest

from orch_gates.model.ids import TaskId
from orch_gates.state import layout
from tests.builders import Done, Repo, github_token, orch
from tests.e2e.gitea import Gitea, User
from tests.e2e.repository import Repository

BRANCH = "orch-state"


def path_of(task: str) -> str:
    return layout.task_path(TaskId(task))


class State:
    """A repository with the hook and a state branch; each test makes tasks of its own."""

    def __init__(self, repository: Repository, bot: User) -> None:
        self.repository = repository
        self.bot = bot
        self.work = repository.clone(bot)
        self._tasks = itertools.count(1)
        self.done("state", "init")

    def new(self) -> str:
        """The id of a new task, whose title is `The first`."""
        task = f"T-{next(self._tasks)}"
        self.done("task", "new", task, "The first")
        return task

    def run(self, *args: str, work: Repo | None = None) -> Done:
        """Run a command in a clone, with a cache of that clone's own."""
        path = (work or self.work).path
        return orch(*args, cwd=path, env={"ORCH_CACHE_DIR": f"{path}-cache"})

    def done(self, *args: str) -> str:
        """What a command said that has to succeed."""
        done = self.run(*args)
        assert done.returncode == 0, done.stderr.decode()
        return done.stdout.decode()

    def tip(self) -> str:
        return self.repository.tip(BRANCH)

    def text(self, path: str) -> str:
        return self.repository.bare.git("show", f"{BRANCH}:{path}") + "\n"

    def checkout(self, user: User) -> Repo:
        """A clone of a user with the state branch in the work tree."""
        made = self.repository.clone(user)
        made.git("switch", "--quiet", BRANCH)
        return made


@pytest.fixture(scope="module")
def state(gitea: Gitea, tmp_path_factory: pytest.TempPathFactory) -> State:
    """Shared by these tests: making it takes longer than most of them."""
    repository = Repository(gitea, gitea.alice, tmp_path_factory.mktemp("state"))
    repository.add(gitea.bot)
    repository.install_hook()
    return State(repository, gitea.bot)


def test_a_task_moves_and_its_history_is_proven(state: State) -> None:
    """All the state needs is a clone and the bot's token (ST-1, ST-4)."""
    task = state.new()
    state.done("advance", task, "--approve")
    state.done("advance", task)
    assert 'stage: "development"' in state.text(path_of(task))
    state.done("state", "verify")
    assert state.repository.bare.git("rev-parse", "refs/orch/witness") == state.tip()


def test_people_can_read_the_state(gitea: Gitea, state: State) -> None:
    """The forge shows the files as pages: nothing else has to be hosted."""
    pages, task = gitea.anonymous(), path_of(state.new())
    base = f"/{state.repository.owner.name}/{state.repository.name}"
    for path in ("README.md", "orch-state.md", task):
        page = pages.send("GET", f"{base}/src/branch/{BRANCH}/{path}")
        assert page.status == 200
        assert "markdown" in page.text
        raw = pages.send("GET", f"{base}/raw/branch/{BRANCH}/{path}")
        assert (raw.status, raw.text) == (200, state.text(path))
    assert "The first" in pages.send("GET", f"{base}/src/branch/{BRANCH}/{task}").text
    assert pages.send("GET", f"{base}/commits/branch/{BRANCH}").status == 200


def test_only_the_bot_writes(gitea: Gitea, state: State) -> None:
    """OWN-3: the server says who pushes, so whose address stands in a commit does not matter."""
    repository, task = state.repository, path_of(state.new())
    before, changed = state.tip(), state.text(task).replace("The first", "Another", 1)
    rule = "only orch-bot may write the state branch"
    for user in (gitea.alice, gitea.admin):
        answer = repository.write(task, changed, branch=BRANCH, user=user)
        assert answer.status == 403
        assert f"{user.name}: {rule}" in " ".join(answer.message.split())
    hand = state.checkout(gitea.alice)
    hand.env = {"GIT_COMMITTER_EMAIL": "orch-gates@localhost"}
    hand.commit("by hand", {task: changed})
    refused = hand.push(f"HEAD:{BRANCH}")
    assert refused.returncode != 0
    assert b"alice:" in refused.stderr
    command = state.run("task", "new", "A-1", "The second", work=hand)
    assert command.returncode == 2
    assert "alice:" in command.stderr.decode()
    assert state.tip() == before
    repository.write(task, changed, branch=BRANCH, user=gitea.bot).ok()
    assert state.text(task) == changed


def test_a_secret_in_the_state_is_refused(state: State) -> None:
    """The bot's pushes are scanned like everybody's (SEC-1)."""
    before, token = state.tip(), github_token()
    refused = state.run("task", "new", "S-1", token)
    assert refused.returncode == 2
    assert token.encode() not in refused.stdout + refused.stderr
    assert state.tip() == before


def test_the_state_goes_forward_only(state: State) -> None:
    """ST-6: not even the bot deletes or rewinds it with git."""
    state.new()
    before, hand = state.tip(), state.checkout(state.bot)
    for refspec in (f":{BRANCH}", f"+HEAD~1:{BRANCH}", "+main:refs/orch/witness", ":refs/orch/witness"):
        refused = hand.push(refspec)
        assert refused.returncode != 0
        assert b"orch-gates: push refused" in refused.stderr
    assert state.tip() == before
    assert state.repository.bare.git("rev-parse", "refs/orch/witness") == before


def test_a_deletion_that_no_hook_sees_is_mended(gitea: Gitea, state: State) -> None:
    """The API deletes branches without a push: the witness brings the state back, a pattern prevents it."""
    before, api = state.tip(), state.repository.api(gitea.bot)
    api.delete(f"/branches/{BRANCH}").ok()
    lost = state.run("task", "new", "D-1", "The second")
    assert lost.returncode == 2
    assert "the state branch was deleted" in lost.stderr.decode()
    state.done("state", "restore")
    assert state.tip() == before
    state.repository.protect(f"{BRANCH}*", enable_push=True)
    assert api.delete(f"/branches/{BRANCH}").said == (403, "branch protected")
    state.new()
    state.done("state", "verify")


def test_writers_at_the_same_time(state: State) -> None:
    """ST-2: each command's task is there afterwards, whoever was first."""
    clones = [state.repository.clone(state.bot) for _ in range(3)]

    def new(number: int) -> Done:
        return state.run("task", "new", f"R-{number}", "One of many", work=clones[number])

    with ThreadPoolExecutor(len(clones)) as pool:
        answers = list(pool.map(new, range(len(clones))))
    assert [answer.returncode for answer in answers] == [0] * len(clones)
    for number in range(len(clones)):
        assert "One of many" in state.text(path_of(f"R-{number}"))
    state.done("state", "verify")


def test_the_token_is_nowhere_but_in_the_credentials(state: State) -> None:
    """Neither a clone nor the cache that commands keep has it."""
    state.new()
    files = [path for path in state.repository.folder.rglob("*") if path.is_file()]
    secret = state.bot.token.encode()
    assert {path.name for path in files if secret in path.read_bytes()} == {f"credentials-{state.bot.name}"}
