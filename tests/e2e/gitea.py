"""One throw-away Gitea: SQLite, loopback, a folder of its own, users with tokens made when it starts."""

from __future__ import annotations

import os
import pwd
import re
import secrets
import shutil
import socket
import subprocess
import sys
import time
from base64 import b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

from tests.e2e import keeper
from tests.e2e.api import Api

_CONFIG = """\
APP_NAME = test
RUN_USER = {user}
RUN_MODE = prod
WORK_PATH = {folder}
I_AM_BEING_UNSAFE_RUNNING_AS_ROOT = {root}
[server]
HTTP_ADDR = 127.0.0.1
HTTP_PORT = {port}
ROOT_URL = {url}/
LOCAL_ROOT_URL = {url}/
APP_DATA_PATH = {folder}/data
{static}DISABLE_SSH = true
OFFLINE_MODE = true
LFS_START_SERVER = false
[database]
DB_TYPE = sqlite3
PATH = {folder}/data/gitea.db
SQLITE_JOURNAL_MODE = WAL
SQLITE_TIMEOUT = 20000
[repository]
ROOT = {folder}/data/repos
DEFAULT_BRANCH = main
[repository.pull-request]
DELAY_CHECK_FOR_INACTIVE_DAYS = -1
[git]
PATH = {folder}/git
[security]
INSTALL_LOCK = true
SECRET_KEY = {key}
[service]
DISABLE_REGISTRATION = true
[actions]
ENABLED = true
DEFAULT_ACTIONS_URL = self
[webhook]
ALLOWED_HOST_LIST = loopback
[indexer]
ISSUE_INDEXER_TYPE = db
[log]
MODE = console
LEVEL = Info
[mailer]
ENABLED = false
[cron.update_checker]
ENABLED = false
"""

# The server calls git through this: a test holds a step of the server there, to act in between.
_GIT = """\
#!/bin/sh
case " $* " in
*" read-tree -m "* | *" merge-tree "*) step=check ;;
*" push "*) step=${{GITEA_PUSH_TRIGGER:-push}} ;;
*) exec {git} "$@" ;;
esac
turns=0
while [ -e "{holds}/$step" ] && [ "$turns" -lt 600 ]; do
    : >"{holds}/$step.reached"
    turns=$((turns + 1))
    sleep 0.05
done
exec {git} "$@"
"""

ROOT = Path(__file__).parents[2]
_START_S = 60
_SCOPES = ["write:repository", "write:issue", "write:user"]


def pinned(tool: str = "gitea", module: str = "code.gitea.io/gitea") -> str:
    """The release that `make tools` builds."""
    found = re.search(rf"{re.escape(module)} v(\S+)", (ROOT / "tools" / tool / "go.mod").read_text("utf-8"))
    assert found is not None
    return found[1]


@dataclass(frozen=True, slots=True)
class User:
    """Somebody with an account, and the API as they may use it."""

    name: str
    password: str = field(repr=False)
    api: Api

    @property
    def token(self) -> str:
        return self.api.authorization.removeprefix("token ")


class Gitea:
    """A server that is up between `start` and `stop`."""

    def __init__(self, binary: Path, folder: Path, settings: str = "") -> None:
        # Hooks call it by this path; the link in the tool cache may be renewed meanwhile.
        self.binary = binary.resolve()
        self.folder = folder
        self.settings = settings
        self.repositories = folder / "data" / "repos"
        self.holds = folder / "holds"
        self.url = ""
        self._keeper: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it, without users."""
        (self.folder / "data").mkdir()
        self.holds.mkdir()
        git = self.folder / "git"
        git.write_text(_GIT.format(git=shutil.which("git"), holds=self.holds))
        git.chmod(0o700)
        # Another process can take the port that was free a moment ago.
        for _ in range(3):
            if self._run():
                break
        else:
            raise AssertionError(f"Gitea did not start:\n{self._log()}")

    def populate(self) -> None:
        """Make an admin, two people, and the bot that may write the state."""
        self._command("create", "--admin", "--random-password", "--username", "admin", "--email", _mail("admin"))
        output = self._command("generate-access-token", "--raw", "--username", "admin", "--scopes", "all")
        # Warnings stand before it, or after it where the machine is busy.
        (token,) = re.findall(r"^[0-9a-f]{40}$", output, re.M)
        self.admin = User("admin", "", self.api(token))
        self.alice, self.bob, self.bot = (self._person(name) for name in ("alice", "bob", "orch-bot"))

    def stop(self) -> None:
        """End it and remove its folder."""
        if self._keeper is not None:
            self._keeper.communicate()
            self._keeper = None
        shutil.rmtree(self.folder, ignore_errors=True)

    @contextmanager
    def held(self, step: str) -> Iterator[Path]:
        """Hold the server's git before a step: `check` of mergeability, or `pr-merge-to-base`.

        The path exists once git is there.
        """
        hold, reached = self.holds / step, self.holds / f"{step}.reached"
        reached.unlink(missing_ok=True)
        hold.touch()
        try:
            yield reached
        finally:
            self.release(step)

    def release(self, step: str) -> None:
        """Let git go on."""
        (self.holds / step).unlink(missing_ok=True)

    def anonymous(self) -> Api:
        return Api(self.url)

    def api(self, token: str) -> Api:
        return Api(self.url, f"token {token}")

    def token(self, user: User, scopes: list[str]) -> str:
        """One more token of a person."""
        basic = Api(self.url, f"Basic {b64encode(f'{user.name}:{user.password}'.encode()).decode()}")
        made = basic.post(f"/users/{user.name}/tokens", {"name": secrets.token_hex(4), "scopes": scopes}).ok()
        return str(made["sha1"])

    def _run(self) -> bool:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        self.url = f"http://127.0.0.1:{port}"
        config = self.folder / "app.ini"
        config.touch(0o600)
        config.write_text(self._config(port))
        argv = [str(self.binary), "--config", str(config), "web"]
        self._keeper = subprocess.Popen(
            [sys.executable, keeper.__file__, str(self.folder), *argv],
            env=self._env(),
            stdin=subprocess.PIPE,
            start_new_session=True,
        )
        deadline = time.monotonic() + _START_S
        while time.monotonic() < deadline:
            if self._keeper.poll() is not None:
                return False
            try:
                if self.anonymous().send("GET", "/api/healthz").status == 200:
                    return True
            except OSError:
                time.sleep(0.05)
        return False

    def _config(self, port: int) -> str:
        # A binary of a distribution carries its pages inside; the one built from the module has them beside it.
        beside = self.binary.parent
        config = _CONFIG.format(
            folder=self.folder,
            user=pwd.getpwuid(os.getuid()).pw_name,
            root=str(os.getuid() == 0).lower(),
            port=port,
            url=self.url,
            static=f"STATIC_ROOT_PATH = {beside}\n" if (beside / "templates").is_dir() else "",
            key=secrets.token_hex(32),
        )
        return f"{config}{self.settings}"

    def _env(self) -> dict[str, str]:
        # Its hooks run the code that is tested here, also where another one is installed.
        code = {name: os.environ[name] for name in ("PYTHONPATH",) if name in os.environ}
        # Each push starts four programs of the server's, which else spend a fifth of their time on collecting.
        own = {"HOME": str(self.folder), "GOGC": "400", "ORCH_STATE_WRITERS": "orch-bot"}
        return {"PATH": os.environ["PATH"], **own, **code}

    def _command(self, *args: str) -> str:
        argv = [str(self.binary), "--config", str(self.folder / "app.ini"), "admin", "user", *args]
        done = subprocess.run(argv, env=self._env(), capture_output=True, text=True, check=False, timeout=_START_S)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def _person(self, name: str) -> User:
        password = secrets.token_urlsafe(24)
        account = {"username": name, "password": password, "email": _mail(name), "must_change_password": False}
        self.admin.api.post("/admin/users", account).ok()
        made = User(name, password, self.anonymous())
        return replace(made, api=self.api(self.token(made, _SCOPES)))

    def _log(self) -> str:
        path = self.folder / "log"
        return path.read_text("utf-8", "replace")[-3000:] if path.exists() else ""


def _mail(name: str) -> str:
    return f"{name}@example.invalid"
