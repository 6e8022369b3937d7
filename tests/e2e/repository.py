"""One repository on the server: a clone for each person, pull requests, hooks and holds."""

from __future__ import annotations

import json
import secrets
import sys
import time
from base64 import b64encode
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.builders import Repo, bare, clone, orch, run
from tests.e2e.api import Answer, Api
from tests.e2e.gitea import Gitea, User
from tests.patience import rest

_ALWAYS = {
    *("GITEA_ROOT_URL", "GITEA_REPO_ID", "GITEA_REPO_NAME", "GITEA_REPO_USER_NAME", "GITEA_REPO_IS_WIKI"),
    *("GITEA_PUSHER_ID", "GITEA_PUSHER_EMAIL"),
}
LATER = (405, "Please try again later")
# Only a server that is stuck is waited for so long; a busy machine installs the bundle in half a minute.
_PATIENCE_S = 240
MAIN = {"README.md": "# A project\n"}
FEATURE = {"feature": {"feature.txt": "one\n"}}
_HOOKS = ("pre-receive", "update", "post-receive")


def eventually(ready: Callable[[], Any], what: str, patience_s: float = _PATIENCE_S) -> Any:
    """The first true answer within a bounded time."""
    began = time.monotonic()
    while not (found := ready()):
        assert time.monotonic() < began + patience_s, f"not within {patience_s} s: {what}"
        rest(began)
    return found


@dataclass(frozen=True, slots=True)
class Push:
    """What a hook was told once; the texts of the pushed commits are by id."""

    hook: str
    updates: list[tuple[str, str, str]]
    commits: Mapping[str, str]
    env: Mapping[str, str]
    cwd: str

    @property
    def refs(self) -> list[str]:
        return [ref for _, _, ref in self.updates]

    def gitea(self) -> dict[str, str]:
        """What the server says about this push, without what it says about every push here."""
        names = set(self.env) - _ALWAYS
        return {name: self.env[name] for name in names if name.startswith(("GITEA_", "SSH_"))}


class Repository:
    """Owned by `owner`, with `main` and other branches on top of it; nothing of that was pushed."""

    def __init__(
        self,
        server: Gitea,
        owner: User,
        folder: Path,
        files: Mapping[str, str] = MAIN,
        branches: Mapping[str, Mapping[str, str]] = FEATURE,
    ) -> None:
        self.server = server
        self.owner = owner
        self.folder = folder
        self.name = f"r{secrets.token_hex(4)}"
        self.path = f"/repos/{owner.name}/{self.name}"
        self.bare = bare(server.repositories / owner.name / f"{self.name}.git")
        # A push would cost half a second for the server's hooks.
        self._fill(files, branches)
        server.admin.api.post(f"/admin/unadopted/{owner.name}/{self.name}").ok()
        self.api().patch("", {"private": False}).ok()

    def _fill(self, files: Mapping[str, str], branches: Mapping[str, Mapping[str, str]]) -> None:
        seed = clone(self.bare, self.folder / f"seed-{self.name}")
        seed.commit("first", files)
        for branch, changed in branches.items():
            seed.git("switch", "--quiet", "-c", branch, "main")
            seed.commit(f"on {branch}", changed)
        seed.git("push", "--quiet", "origin", "--all")

    @property
    def url(self) -> str:
        return f"{self.server.url}/{self.owner.name}/{self.name}.git"

    def api(self, user: User | None = None) -> Scoped:
        """The part of the API that is about this repository; its owner asks."""
        return Scoped((user or self.owner).api, self.path)

    def add(self, user: User, permission: str = "write") -> None:
        self.api().put(f"/collaborators/{user.name}", {"permission": permission}).ok()

    def clone(self, user: User | None = None) -> Repo:
        """A clone whose configuration names a file with the credentials, as a person's does."""
        who = user or self.owner
        credentials = self.folder / f"credentials-{who.name}"
        credentials.touch(0o600)
        credentials.write_text(self.server.url.replace("://", f"://{who.name}:{who.token}@") + "\n")
        work = self.folder / f"{who.name}-{secrets.token_hex(2)}"
        run("git", "init", "--quiet", "-b", "main", work, cwd=self.folder)
        made = Repo(work)
        made.git("config", "credential.helper", f"store --file={credentials}")
        made.git("remote", "add", "origin", self.url)
        made.git("fetch", "--quiet", "origin")
        made.git("reset", "--quiet", "--hard", "origin/main")
        return made

    def tip(self, branch: str = "main") -> str:
        return self.bare.git("rev-parse", "--verify", f"refs/heads/{branch}")

    def protect(self, rule: str, **fields: object) -> None:
        self.api().post("/branch_protections", {"rule_name": rule, **fields}).ok()

    def write(self, path: str, text: str, *, branch: str = "main", user: User | None = None, **more: object) -> Answer:
        """What the web editor does: write a file through the contents API."""
        api = self.api(user)
        found = api.get(f"/contents/{path}?ref={branch}")
        document = {"branch": branch, "content": b64encode(text.encode()).decode(), **more}
        if found.status == 200:
            return api.put(f"/contents/{path}", {**document, "sha": found.json["sha"]})
        return api.post(f"/contents/{path}", document)

    def install_hook(self) -> None:
        """Install the product's hook, as an administrator of the server does."""
        done = orch("hook", "install", "--gitea", self.bare.path, cwd=self.folder)
        assert done.returncode == 0, done.stderr.decode()

    def record(self) -> None:
        """Have every server hook write down what it is told."""
        script = f"#!{sys.executable} -IS\n{Path(__file__).with_name('recorder.py').read_text()}"
        for hook in _HOOKS:
            path = self.bare.path / "hooks" / f"{hook}.d" / "record"
            path.write_text(script)
            path.chmod(0o755)

    def recorded(self) -> list[Push]:
        """What the hooks were told since the last time somebody asked for this."""
        path = self.bare.path / "recorded"
        lines = path.read_text().splitlines() if path.exists() else []
        path.unlink(missing_ok=True)
        return [Push(**json.loads(line)) for line in lines]

    def told(self) -> list[Push]:
        """Of these, what pre-receive was told."""
        return [push for push in self.recorded() if push.hook == "pre-receive"]

    @contextmanager
    def refusing(self, words: str) -> Iterator[None]:
        """Let the recording pre-receive hook refuse every push."""
        path = self.bare.path / "refuse" / "pre-receive"
        path.parent.mkdir(exist_ok=True)
        path.write_text(words)
        try:
            yield
        finally:
            path.unlink()

    def pull(self, branch: str) -> Pull:
        """Open a pull request."""
        document = {"head": branch, "base": "main", "title": branch}
        return Pull(self, self.api().post("/pulls", document).ok()["number"])


@dataclass(frozen=True, slots=True)
class Scoped:
    """The API below one path."""

    api: Api
    path: str

    def call(self, method: str, path: str, document: object = None) -> Answer:
        return self.api.call(method, self.path + path, document)

    def get(self, path: str = "") -> Answer:
        return self.call("GET", path)

    def post(self, path: str, document: object = None) -> Answer:
        return self.call("POST", path, {} if document is None else document)

    def put(self, path: str, document: object = None) -> Answer:
        return self.call("PUT", path, {} if document is None else document)

    def patch(self, path: str, document: object) -> Answer:
        return self.call("PATCH", path, document)

    def delete(self, path: str, document: object = None) -> Answer:
        return self.call("DELETE", path, document)


@dataclass(frozen=True, slots=True)
class Pull:
    """A pull request."""

    repository: Repository
    number: int

    def get(self) -> dict[str, Any]:
        found: dict[str, Any] = self.repository.api().get(f"/pulls/{self.number}").ok()
        return found

    def head(self) -> str:
        return str(self.get()["head"]["sha"])

    def settled(self) -> Pull:
        """Itself, when the server calls it mergeable."""
        eventually(lambda: self.get()["mergeable"], "mergeable")
        return self

    def merge(self, *, user: User | None = None, **fields: object) -> Answer:
        """Ask for the merge once."""
        return self.repository.api(user).post(f"/pulls/{self.number}/merge", {"Do": "merge", **fields})

    def outcome(self, *, user: User | None = None, **fields: object) -> Answer:
        """Ask for as long as the server wants to be asked later."""
        answer = self.merge(user=user, **fields)
        began = time.monotonic()
        while answer.said == LATER and time.monotonic() < began + _PATIENCE_S:
            rest(began)
            answer = self.merge(user=user, **fields)
        return answer
