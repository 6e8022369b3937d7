"""The remote of the state branch together with what this machine keeps of it."""

from __future__ import annotations

import contextlib
import tempfile
import weakref
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from orch_gates.documents import escape
from orch_gates.errors import GitError, StateBusy, StateDenied, StateError, StateUnreachable, WrongStateBranch
from orch_gates.git.answers import FetchAnswer, FetchOutcome, PushAnswer
from orch_gates.git.remote import NAME, WHOLE, Remote, Update
from orch_gates.git.tree import MissingObject, Objects
from orch_gates.state.branch.cache import Cache, ObjectSession, SeenRefs
from orch_gates.state.branch.timing import Timing
from orch_gates.state.branch.turn import Patience
from orch_gates.state.layout import ARCHIVE, ROOT
from orch_gates.state.refs import WITNESS

_COLD = "tree:2"


@dataclass(frozen=True, slots=True)
class StateHeads:
    """Where the branch and its witness stand on the remote; empty where there is no such ref."""

    tip: str
    witness: str


@dataclass(frozen=True, slots=True)
class WholeHistory:
    """A repository with every commit of the branch and of its witness."""

    git_dir: Path
    objects: Objects


class StateRemote:
    """Fetches from and pushes to one state branch; for one thread."""

    def __init__(self, remote: Remote, branch: str, cache_dir: Path | None, local: Path | None) -> None:
        """`local` is the git directory of a remote on this disk: its objects are used in place."""
        self.ref = f"refs/heads/{branch}"
        self.local = local
        self._alternate = None if local is None else local / "objects"
        self._remote = remote
        self._held = contextlib.ExitStack()
        folder = cache_dir or Path(self._held.enter_context(tempfile.TemporaryDirectory(prefix="orch-gates-")))
        self._cache = Cache(folder, f"{remote.url}\n{branch}")
        self._session: ObjectSession | None = None
        self._objects: Objects | None = None
        self._unpublished = False
        self.close = weakref.finalize(self, self._held.close)

    @property
    def objects(self) -> Objects:
        """The objects at hand; there are some once `warm` or `fetch` answered."""
        if self._objects is None:
            raise StateError("the state branch has not been read yet")
        return self._objects

    def turn(self, timing: Timing, patience: Patience) -> contextlib.AbstractContextManager[None]:
        """The turn among the writers of this machine; see `turn.turn`."""
        return self._cache.turn(timing, patience)

    def seen(self) -> SeenRefs | None:
        """What this machine saw last of the branch."""
        return self._cache.seen()

    def note(self, seen: SeenRefs, followed: SeenRefs | None) -> None:
        """Remember what was seen, and that all of it is here; `followed` is a record that it is known to follow."""
        self._cache.note(seen, followed)
        if self._session is not None and self.local is None:
            self._session.know(seen.tip)

    def forget(self) -> None:
        """No longer hold the branch to what was seen of it."""
        self._cache.forget()

    def recall(self, name: str) -> str:
        """A text that was kept; see `Store.recall`."""
        return self._cache.recall(name)

    def keep(self, name: str, text: str) -> None:
        """Keep a text; see `Store.keep`."""
        self._cache.keep(name, text)

    def warm(self) -> SeenRefs | None:
        """What was seen last, if its commit is here; asks nobody."""
        seen = self._cache.seen()
        if seen is None or self._opened() is None:
            return None
        if not self.objects.has(seen.tip):
            # Another process may have begun a new store meanwhile.
            self._use(self._cache.open(self._held, self._alternate))
        return seen if self._objects is not None and self._objects.has(seen.tip) else None

    def fetch(self, timeout: float, *, exact: bool = False) -> StateHeads:
        """Fetch the branch and its witness; `exact`: take no ref for one whose name it only ends with.

        Raises:
            StateUnreachable: the remote did not answer in time.
            StateDenied: it refused.
            StateError: the cache or the repository cannot be used.
        """
        if self.local is not None:
            return self._look(self.local, timeout)
        seen = self.warm()
        if seen is None or self._session is None:
            return self._fetch_cold(timeout)
        self._session.know(seen.tip)
        heads = self._fetch_refs(self._session, timeout, depth=0, only="", exact=exact)
        if isinstance(heads, StateHeads):
            return heads
        if heads.meaning is FetchOutcome.BROKEN:
            self.leave_behind()
            return self._fetch_cold(timeout)
        raise failure(heads)

    def below(self, prefix: str, timeout: float) -> dict[str, str]:
        """The refs of the remote whose names begin so, with their commits.

        Raises:
            StateUnreachable, StateDenied, StateError: as `fetch`.
        """
        assert self._session is not None
        answer, refs = self._remote.refs_below(self._session.git_dir, prefix, timeout=timeout)
        if answer.meaning is not FetchOutcome.DONE:
            raise failure(answer)
        return refs

    def ref_at(self, name: str, timeout: float) -> str:
        """Where one ref of the remote stands, named in full; empty where there is none.

        Raises:
            StateUnreachable, StateDenied, StateError: as `fetch`; also where nothing was fetched yet.
        """
        if self._session is None:
            raise StateError("the state branch has not been read yet")
        if self.local is not None:
            answer, refs = self._remote.local_refs(self.local, [name], timeout=timeout)
        else:
            answer, refs = self._remote.refs(self._session.git_dir, [name], timeout=timeout)
        if answer.meaning is not FetchOutcome.DONE:
            raise failure(answer)
        return refs.get(name, "")

    def refuse_wrong_name(self, heads: StateHeads, timeout: float) -> None:
        """Look whether the state is on another branch, before a loss is told that is none.

        A copy that somebody made of the state is no other place for it: not where this branch was the state before.

        Raises:
            WrongStateBranch: another branch stands at the witness, or this one is the default branch.
            StateUnreachable, StateDenied, StateError: as `fetch`; also where the witness is no commit of the state.
        """
        assert self._session is not None
        name = self.ref.removeprefix("refs/heads/")
        if heads.witness and heads.tip != heads.witness:
            if not self._is_state(heads.witness, timeout):
                raise StateError(
                    f"{WITNESS} is at {heads.witness}, which holds no state; delete it with "
                    f"`git push {NAME} :{WITNESS}`, or `git update-ref -d {WITNESS}` on the server, and run the "
                    "command again"
                )
            was_here = self.seen() is not None or (heads.tip and self._is_state(heads.tip, timeout))
            branches = {} if was_here else self.below("refs/heads/", timeout)
            if found := [ref.removeprefix("refs/heads/") for ref, oid in branches.items() if oid == heads.witness]:
                raise WrongStateBranch(
                    f"ORCH_STATE_BRANCH (state.branch) is {name!r}, but the state is on {found[0]!r}: set it to that "
                    f"branch. Only if {name!r} was deleted and that branch is its copy, `git fetch {NAME} {found[0]}` "
                    f"and `git push {NAME} FETCH_HEAD:{self.ref}` put it back"
                )
        if heads.tip and self._remote.head(self._session.git_dir, timeout=timeout)[1] == self.ref:
            raise WrongStateBranch(
                f"ORCH_STATE_BRANCH (state.branch) is {name!r}, the default branch of the repository, "
                "which holds no state: set it to another name"
            )

    def _is_state(self, commit: str, timeout: float) -> bool:
        """Whether an object is a commit with the document that every state branch has."""
        with contextlib.suppress(MissingObject):
            return _has_root(self.objects, commit)
        assert self._session is not None
        with self._session.apart() as git_dir:
            answer = self._remote.fetch(git_dir, [f"+{commit}:refs/one"], timeout=timeout, depth=1, only=_COLD)
            if answer.meaning is not FetchOutcome.DONE:
                raise failure(answer)
            return _has_root(Objects(git_dir / "objects"), commit)

    def fill(self, oids: Iterable[str], timeout: float, *, only: str = "") -> None:
        """Fetch objects that were left out, with all below them unless the filter `only` says otherwise.

        Raises:
            StateUnreachable, StateDenied, StateError: as `fetch`.
        """
        wanted = sorted(set(oids))
        if self._session is not None and not self._session.git_dir.is_dir():
            raise StateError("the cache of the state branch was removed meanwhile; run the command again")
        if self.local is not None or self._session is None:
            raise StateError(f"the repository lacks object {wanted[0]}; `git fsck` in it shows what else")
        answer = self._remote.fetch_objects(self._session.git_dir, wanted, timeout=timeout, only=only)
        if answer.meaning is not FetchOutcome.DONE:
            raise failure(answer)

    @contextlib.contextmanager
    def with_history(self, heads: StateHeads, timeout: float, *, files: bool = False) -> Iterator[WholeHistory]:
        """The objects at hand and every commit of the branch and of its witness, while the block lasts.

        With `files`, every file that any of the commits ever had is there too.

        Raises:
            StateUnreachable, StateDenied, StateError: as `fetch`; also where the remote does not have it all.
        """
        if self.local is not None:
            assert self._session is not None
            _refuse_shallow(self.local)
            yield WholeHistory(self._session.git_dir, self.objects)
            return
        # Fetched apart: where git has a commit already, it takes what is behind it for granted.
        assert self._session is not None
        with self._session.apart() as git_dir:
            specs = [f"+{self.ref}:refs/tip"] * bool(heads.tip) + [f"+{WITNESS}:refs/witness"] * bool(heads.witness)
            only = "" if files else "tree:0"
            answer = self._remote.fetch(git_dir, specs, timeout=timeout, depth=WHOLE, only=only)
            if answer.meaning is not FetchOutcome.DONE:
                raise failure(answer)
            _refuse_shallow(git_dir)
            self._session.lend(git_dir)
            yield WholeHistory(git_dir, Objects(git_dir / "objects"))

    def holds_all(self, tip: str) -> bool:
        """Whether all that a commit needs is here; if so it can be pushed to where nothing of it is."""
        assert self._session is not None
        try:
            trees: set[str] = set()
            for oid, parents in self.objects.history(tip):
                if parents is None or not self._holds_tree(self.objects.commit(oid).tree, trees):
                    return False
        except GitError:
            return False
        # The history was begun in the middle, and has been completed since: git need not refuse the push.
        (self._session.git_dir / "shallow").unlink(missing_ok=True)
        return True

    def _holds_tree(self, tree: str, known: set[str]) -> bool:
        if tree in known:
            return True
        known.add(tree)
        nodes = self.objects.list(tree)
        return all(self._holds_tree(node.oid, known) if node.folder else self.objects.has(node.oid) for node in nodes)

    def push(self, updates: list[Update], timeout: float, whole: WholeHistory | None = None) -> PushAnswer:
        """Push all updates or none; from `whole` where git has to see that it is no force."""
        assert self._session is not None
        git_dir = self._session.git_dir if whole is None else whole.git_dir
        answer = self._remote.push(git_dir, updates, timeout=timeout)
        if answer.damaged:
            self.leave_behind()
        return answer

    def leave_behind(self) -> None:
        """The store is damaged: start on a new one."""
        if self._session is not None:
            self._cache.retire(self._session)
        self._session = self._objects = None
        self._unpublished = False

    def _opened(self) -> ObjectSession | None:
        if self._session is None:
            self._use(self._cache.open(self._held, self._alternate))
        return self._session

    def _use(self, session: ObjectSession | None) -> None:
        self._session = session
        self._objects = None if session is None else Objects(session.objects)

    def _begin(self) -> None:
        self._use(self._cache.begin(self._held, self._alternate))

    def _look(self, repository: Path, timeout: float) -> StateHeads:
        if self._opened() is None:
            self._begin()
            assert self._session is not None
            self._cache.publish(self._session)
        answer, refs = self._remote.local_refs(repository, [self.ref, WITNESS], timeout=timeout)
        if answer.meaning is not FetchOutcome.DONE:
            raise failure(answer)
        if any(len(oid) != 40 for oid in refs.values()):
            raise failure(FetchAnswer(FetchOutcome.FORMAT))
        return StateHeads(refs.get(self.ref, ""), refs.get(WITNESS, ""))

    def _fetch_cold(self, timeout: float) -> StateHeads:
        if self._session is None or not self._unpublished:
            self._begin()
            self._unpublished = True
        session = self._session
        assert session is not None
        heads = self._fetch_refs(session, timeout, depth=1, only=_COLD, exact=True)
        if not isinstance(heads, StateHeads):
            raise failure(heads)
        if heads.tip:
            tree = self.objects.commit(heads.tip).tree
            folders = [node for node in self.objects.list(tree) if node.folder and node.name != ARCHIVE]
            below = {node.oid for folder in folders for node in self.objects.list(folder.oid)}
            if absent := [oid for oid in below if not self.objects.has(oid)]:
                self.fill(absent, timeout)
            self._cache.publish(session)
            self._unpublished = False
        return heads

    def _fetch_refs(
        self, session: ObjectSession, timeout: float, *, depth: int, only: str, exact: bool = False
    ) -> StateHeads | FetchAnswer:
        """Fetch both refs, or those that there are.

        Where a ref is not there, git takes one that only ends like it: with `exact` the remote's list is asked first.
        """
        specs = {self.ref: session.git_dir / "refs" / "tip", WITNESS: session.git_dir / "refs" / "witness"}
        wanted = list(specs)
        for listed in (exact, True, True):
            if listed:
                answer, refs = self._remote.refs(session.git_dir, wanted, timeout=timeout)
                if answer.meaning is not FetchOutcome.DONE:
                    return answer
                if not refs:
                    return StateHeads("", "")
                wanted = [ref for ref in wanted if ref in refs]
            refspecs = [f"+{ref}:refs/{specs[ref].name}" for ref in wanted]
            answer = self._remote.fetch(session.git_dir, refspecs, timeout=timeout, depth=depth, only=only)
            if answer.meaning is FetchOutcome.DONE:
                found = {ref: specs[ref].read_text("ascii").strip() for ref in wanted}
                return StateHeads(found.get(self.ref, ""), found.get(WITNESS, ""))
            if answer.meaning is not FetchOutcome.ABSENT:
                return answer
        return FetchAnswer(FetchOutcome.FAILED, "the remote's refs changed while they were read; run the command again")


def cut_off() -> StateError:
    """The remote is shallow itself."""
    return StateError(
        "the remote repository is shallow, so the history of the state branch is incomplete; run "
        "`git fetch --unshallow` in that repository"
    )


def _refuse_shallow(git_dir: Path) -> None:
    if (git_dir / "shallow").exists():
        raise cut_off()


def _has_root(objects: Objects, commit: str) -> bool:
    try:
        return objects.find(objects.commit(commit).tree, ROOT) is not None
    except MissingObject:
        raise
    except GitError:
        # A tag, a file: anybody may push any object.
        return False


def failure(answer: FetchAnswer) -> StateError:
    """A fetch that did not work, as the error that says what to do."""
    words = escape.visible(answer.reason)
    if answer.meaning is FetchOutcome.REFUSED:
        return StateDenied(f"the state branch cannot be read: {words}")
    if answer.meaning is FetchOutcome.FORMAT:
        return StateError("the state branch has to be in a SHA-1 repository; set ORCH_STATE_REMOTE to one")
    if answer.meaning is FetchOutcome.BROKEN:
        return StateError(f"what was fetched of the state branch cannot be kept: {words}")
    if answer.meaning is FetchOutcome.FOREIGN:
        return StateUnreachable(
            "what answered in place of the state branch's server is not git: a page to log in at, or a proxy; "
            "open the url of the repository in a browser, or set ORCH_STATE_REMOTE"
        )
    if answer.meaning is FetchOutcome.BUSY:
        return StateBusy(f"the state branch could not be fetched: {words}", answer.retry_after)
    return StateUnreachable(f"the state branch could not be fetched: {words}")
