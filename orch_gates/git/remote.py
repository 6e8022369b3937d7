"""Git over the network, through the git program: people's own credentials, nothing asked, bounded in time."""

from __future__ import annotations

import contextlib
import shutil
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from orch_gates import process
from orch_gates.errors import ForbiddenPush, ProcessError
from orch_gates.git import answers
from orch_gates.git.answers import FetchAnswer, FetchOutcome, PushAnswer, PushOutcome
from orch_gates.model.branch import BRANCH

NAME = "origin"
# Of a repository that is shallow itself, git fetches for ever with a filter, or with nothing at all.
WHOLE = 2**31 - 1
_OUTGOING = "refs/outgoing/"
_OURS = ("refs/heads/", "refs/orch/")

# What places git somewhere else, or makes it talk: `git rev-parse --local-env-vars` and the traces.
_SCRUBBED = {
    "GIT_ALTERNATE_OBJECT_DIRECTORIES",
    "GIT_CEILING_DIRECTORIES",
    "GIT_COMMON_DIR",
    "GIT_CONFIG",
    "GIT_CONFIG_PARAMETERS",
    "GIT_DIR",
    "GIT_GRAFT_FILE",
    "GIT_IMPLICIT_WORK_TREE",
    "GIT_INDEX_FILE",
    "GIT_INTERNAL_SUPER_PREFIX",
    "GIT_NAMESPACE",
    "GIT_NO_REPLACE_OBJECTS",
    "GIT_OBJECT_DIRECTORY",
    "GIT_PREFIX",
    "GIT_QUARANTINE_PATH",
    "GIT_REPLACE_REF_BASE",
    "GIT_SHALLOW_FILE",
    "GIT_WORK_TREE",
    "LANGUAGE",
}
_TRACES = ("GIT_TRACE", "GIT_CURL_VERBOSE")

# A person's configuration supplies credentials; how objects travel is decided here.
_PINNED = {
    f"remote.{NAME}.promisor": "true",
    f"remote.{NAME}.partialclonefilter": "tree:2",
    "core.hooksPath": "/dev/null",
    "fetch.fsckObjects": "false",
    "fetch.negotiationAlgorithm": "skipping",
    "fetch.parallel": "1",
    "fetch.prune": "false",
    "fetch.recurseSubmodules": "false",
    "fetch.writeCommitGraph": "false",
    "gc.auto": "0",
    "maintenance.auto": "false",
    "protocol.version": "2",
    "push.followTags": "false",
    "push.gpgSign": "false",
    "push.negotiate": "false",
    "push.recurseSubmodules": "no",
    "push.useForceIfIncludes": "false",
}
_LAZY = {f"remote.{NAME}.promisor", f"remote.{NAME}.partialclonefilter"}
# Of a clone's configuration, what checkout actions and people put there to reach the server.
HANDED_OVER = r"^(http|credential|url|ssh|protocol)\.|^core\.(sshcommand|askpass|gitproxy)$"


@dataclass(frozen=True, slots=True)
class Update:
    """A ref to be pushed: the commit it has to hold before (empty: it must not exist), and after."""

    ref: str
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class Remote:
    """A repository somewhere else, by url or path. A push to a branch that is `never` pushed to is refused (P4)."""

    url: str
    env: Mapping[str, str]
    never: frozenset[str] = frozenset()

    @classmethod
    def at(
        cls,
        url: str,
        inherited: Mapping[str, str],
        config: Sequence[tuple[str, str]] = (),
        *,
        partial: bool = True,
        never: Sequence[str] = (),
    ) -> Remote:
        """A remote; `config` are entries of a clone's own configuration to be honoured.

        `partial`: what a filter left out is fetched by git itself. Else a missing object is an error at once: where one
        is broken, git would ask for it again and again.

        The url and the configuration may hold credentials: they are handed over in the
        environment, never as arguments.
        """
        env = {
            name: value for name, value in inherited.items() if name not in _SCRUBBED and not name.startswith(_TRACES)
        }
        given = inherited.get("GIT_CONFIG_COUNT", "")
        count = int(given) if given.isascii() and given.isdigit() else 0
        pinned = {key: value for key, value in _PINNED.items() if partial or key not in _LAZY}
        entries = [*config, (f"remote.{NAME}.url", url), *pinned.items()]
        for index, (key, value) in enumerate(entries, count):
            env[f"GIT_CONFIG_KEY_{index}"] = key
            env[f"GIT_CONFIG_VALUE_{index}"] = value
        env |= {"GIT_CONFIG_COUNT": str(count + len(entries)), "LC_ALL": "C", "GIT_TERMINAL_PROMPT": "0"}
        return cls(url, env, frozenset(never))

    def fetch(
        self, git_dir: Path, refspecs: Sequence[str], *, timeout: float, depth: int = 0, only: str = ""
    ) -> FetchAnswer:
        """Fetch refs into a repository; `only` is a filter, without one everything comes.

        Never raises for what the remote or the network does.
        """
        args = ["fetch", "--quiet", "--no-tags", "--no-write-fetch-head"]
        args += [f"--depth={depth}"] if depth else []
        args += [f"--filter={only}" if only else "--no-filter", NAME, *refspecs]
        return self._fetched(git_dir, args, timeout)[0]

    def fetch_objects(self, git_dir: Path, oids: Sequence[str], *, timeout: float, only: str = "") -> FetchAnswer:
        """Fetch objects by their ids, with all below them unless a filter leaves it out."""
        args = ["-c", "fetch.negotiationAlgorithm=noop", "fetch", "--quiet", "--no-tags", "--no-write-fetch-head"]
        args += [f"--filter={only}" if only else "--no-filter", "--stdin", NAME]
        return self._fetched(git_dir, args, timeout, "".join(f"{oid}\n" for oid in oids).encode())[0]

    def refs(self, git_dir: Path, names: Sequence[str], *, timeout: float) -> tuple[FetchAnswer, dict[str, str]]:
        """What refs the remote has, of those named in full; an answer without one counts only if it is git's own."""
        answer, stdout = self._listing(git_dir, names, timeout)
        return answer, {name: oid for name, oid in _pairs(stdout) if name in names}

    def refs_below(self, git_dir: Path, prefix: str, *, timeout: float) -> tuple[FetchAnswer, dict[str, str]]:
        """What refs the remote has whose names begin with `prefix`, which ends in `/`."""
        answer, stdout = self._listing(git_dir, [f"{prefix}*"], timeout)
        return answer, {name: oid for name, oid in _pairs(stdout) if name.startswith(prefix)}

    def head(self, git_dir: Path, *, timeout: float) -> tuple[FetchAnswer, str, str]:
        """The ref that the remote's HEAD names, and its commit; both empty where HEAD leads to no commit."""
        answer, stdout = self._listing(git_dir, ["HEAD"], timeout, "--symref")
        values = [value for name, value in _pairs(stdout) if name == "HEAD"]
        named = next((value for value in values if value.startswith("ref: ")), "")
        return answer, named.removeprefix("ref: "), next((value for value in values if value != named), "")

    def local_refs(
        self, repository: Path, names: Sequence[str], *, timeout: float
    ) -> tuple[FetchAnswer, dict[str, str]]:
        """As `refs`, of a repository on this disk."""
        listing = ["for-each-ref", "--format=%(objectname)%09%(refname)", *names]
        return self._listed(repository, listing, names, timeout)

    def push(self, git_dir: Path, updates: Sequence[Update], *, timeout: float) -> PushAnswer:
        """Push all updates or none, each a compare-and-swap.

        Every `after` is a descendant of its `before`, so the lease forces nothing and only keeps a ref that was
        rewound or deleted meanwhile from being mended unseen (ST-4, T5); but for a restore, where it is meant to, for
        a task branch that was rebased, and for the sweep's memory, which has no history.

        Raises:
            ForbiddenPush: one of them is a branch that is never pushed to, or no plain name of a ref at all.
        """
        for update in updates:
            _refuse(update, self.never)
        args = ["push", "--porcelain", "--atomic", "--no-verify"]
        args += [f"--force-with-lease={update.ref}:{update.before}" for update in updates]
        # A name alone would also mean refs that only end like it, which anybody can make: refs/heads/refs/heads/…
        args += [NAME, f"{_OUTGOING}*:refs/*"]
        try:
            with _outgoing(git_dir, updates):
                done, retry_after = self._run(git_dir, args, timeout)
        except ProcessError as error:
            return PushAnswer(PushOutcome.UNCLEAR, str(error), cut_off=True)
        except OSError as error:
            return PushAnswer(PushOutcome.UNSENT, f"{git_dir} cannot be written: {error.strerror}")
        refs = [update.ref for update in updates]
        stdout, stderr = done.stdout.decode("utf-8", "replace"), done.stderr.decode("utf-8", "replace")
        return replace(answers.read_push(done.returncode, stdout, stderr, refs), retry_after=retry_after)

    def _listing(
        self, git_dir: Path, patterns: Sequence[str], timeout: float, *options: str
    ) -> tuple[FetchAnswer, str]:
        args = ["ls-remote", "--quiet", *options, NAME, *patterns]
        with tempfile.TemporaryDirectory(prefix="orch-gates-") as private:
            packets = Path(private) / "packets"
            answer, stdout = self._fetched(git_dir, args, timeout, trace={"GIT_TRACE_PACKET": str(packets)})
            # To git, a page that asks to log in is a repository without refs: it falls back to reading files.
            if answer.meaning is FetchOutcome.DONE and not stdout and not packets.exists():
                return FetchAnswer(FetchOutcome.FOREIGN), ""
            return answer, stdout

    def _listed(
        self, git_dir: Path, args: Sequence[str], names: Sequence[str], timeout: float
    ) -> tuple[FetchAnswer, dict[str, str]]:
        answer, stdout = self._fetched(git_dir, args, timeout)
        return answer, {name: oid for name, oid in _pairs(stdout) if name in names}

    def _fetched(
        self,
        git_dir: Path,
        args: Sequence[str],
        timeout: float,
        stdin: bytes | None = None,
        trace: Mapping[str, str] | None = None,
    ) -> tuple[FetchAnswer, str]:
        try:
            done, retry_after = self._run(git_dir, args, timeout, stdin, trace)
        except ProcessError as error:
            return answers.read_fetch(-1, str(error)), ""
        answer = answers.read_fetch(done.returncode, done.stderr.decode("utf-8", "replace"))
        return replace(answer, retry_after=retry_after), done.stdout.decode("utf-8", "replace")

    def _run(
        self,
        git_dir: Path,
        args: Sequence[str],
        timeout: float,
        stdin: bytes | None = None,
        trace: Mapping[str, str] | None = None,
    ) -> tuple[process.Completed, float]:
        """A command of git, and the seconds that the server asked to wait, which git does not tell."""
        env = {**self.env, **(trace or {})}
        argv = ["git", f"--git-dir={git_dir}", *args]
        if not self.url.startswith(("http://", "https://")):
            return process.run(argv, env=env, timeout=timeout, cwd=git_dir, stdin=stdin), 0
        with tempfile.TemporaryDirectory(prefix="orch-gates-") as private:
            headers = Path(private) / "headers"
            # git takes credentials out of this trace; it is read for one header, and gone.
            env |= {"GIT_TRACE_CURL": str(headers), "GIT_TRACE_CURL_NO_DATA": "1", "GIT_TRACE_REDACT": "1"}
            done = process.run(argv, env=env, timeout=timeout, cwd=git_dir, stdin=stdin)
            found = headers.read_bytes() if done.returncode and headers.exists() else b""
            return done, answers.read_retry_after(found)


def _refuse(update: Update, never: frozenset[str]) -> None:
    """See that an update names one ref, in full, by one spelling, and none that only the forge moves (P4).

    Raises:
        ForbiddenPush: it does not.
    """
    name = next((update.ref.removeprefix(ours) for ours in _OURS if update.ref.startswith(ours)), "")
    # A name with `/refs/` in it is taken for another one by whoever guesses.
    if not BRANCH.fullmatch(name) or "/refs/" in f"/{name}":
        raise ForbiddenPush(f"{update.ref!r} is not a full ref name, like refs/heads/topic; nothing was pushed")
    branch = update.ref.removeprefix("refs/heads/")
    # A server whose disk knows no capitals takes the one for the other.
    if branch != update.ref and branch.casefold() in {name.casefold() for name in never}:
        raise ForbiddenPush(f"{branch} is moved by the forge's merges only; nothing was pushed")
    if update.after.strip("0") == "":
        raise ForbiddenPush(f"{update.ref} would be deleted; nothing was pushed")


def _pairs(stdout: str) -> Iterator[tuple[str, str]]:
    for line in stdout.splitlines():
        oid, _, name = line.partition("\t")
        yield name, oid


@contextlib.contextmanager
def _outgoing(git_dir: Path, updates: Sequence[Update]) -> Iterator[None]:
    """Refs of the pushing repository that stand for those of the remote, while the block lasts."""
    folder = git_dir / _OUTGOING
    # What a killed push left there would go along.
    shutil.rmtree(folder, ignore_errors=True)
    try:
        for update in updates:
            path = folder / update.ref.removeprefix("refs/")
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(f"{update.after}\n")
        yield
    finally:
        shutil.rmtree(folder, ignore_errors=True)
