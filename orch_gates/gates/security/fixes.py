"""How a secret is taken out of where it was found: the advice that fits the place, and its commands (pure, SEC-5)."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from orch_gates.git.changes import History

_REVOKE = "revoke the credential; "
_AMEND = "git commit --amend --no-edit"
_CONTINUE = "git rebase --continue"
_OUT_OF_FILE = "take it out of the file and `git add` the file"
_AUTHOR = 'git commit --amend --no-edit --author="NAME <EMAIL>"'
_YOURSELF = "git commit --amend --no-edit --reset-author"
_OWN_NAME = "git config user.name NAME"
_OTHER_NAME = "give the file another name (`git mv`)"


@dataclass(frozen=True, slots=True)
class Fix:
    """What to do, and the commands for it, each of which can be copied as it is."""

    text: str
    commands: tuple[str, ...] = ()


STAGED = Fix("take it out of the file, stage the file again, and keep the value outside the repository")
STAGED_NAME = Fix("give the file another name (`git mv`), and revoke the credential if others may have seen it")
WEB = Fix(_REVOKE + "in the web editor, take it out of what you wrote and save again")
PAST = Fix("revoke the credential if it is real; the commit may stay once a baseline lists it")
UNCOMMITTED = Fix(_REVOKE + "delete the tag or ref that leads to this object, which is in no commit")
REF_NAME = Fix(_REVOKE + "push the branch or tag under another name (`git branch -m NEW-NAME`)")
TAGGER = Fix(
    _REVOKE + "correct your name, make the tag again, and push it again:", (_OWN_NAME, "git tag -f -a TAG TAG^{}")
)
TAG = Fix(_REVOKE + "make the tag again with another message, and push it again:", ("git tag -f -a TAG TAG^{}",))


def oldest(commits: Collection[str], history: History) -> str:
    """Of commits that cannot be amended, the one that all others come after; empty where there are several branches.

    A rebase changes the ids of all that follows, so that a second one must not begin at any of these.
    """
    branches = sum(history.newest(commit) for commit in history.parents)
    rewritten = [commit for commit in history.parents if commit in commits and not history.newest(commit)]
    return rewritten[-1] if rewritten and branches == 1 else ""


def fix(carrier: str, path: str, commit: str, history: History, *, begin: str = "", web: bool = False) -> Fix:
    """The advice for what was found in `carrier`, first in `commit`; both `path` and `commit` may be empty.

    `begin` is where a rebase has to begin if there is more to take out than this. `web`: the server itself made the
    commit, for somebody who has no clone to amend it in.
    """
    begin = begin or commit
    match carrier:
        case "tag":
            return TAG
        case "tagger":
            return TAGGER
        case "commit":
            return _message(commit, begin, history, web=web)
        case "author":
            return _person("give it another author", (_AUTHOR,), commit, begin, history)
        case "committer":
            return _person("correct your name", (_OWN_NAME, _YOURSELF), commit, begin, history)
        case "file" | "key store":
            missing = STAGED if path else UNCOMMITTED
            return _content(_OUT_OF_FILE, commit, begin, history, web=web) if commit else missing
        case "file name" | "name of a file":
            return _content(_OTHER_NAME, commit, begin, history, web=web) if commit else STAGED_NAME
        case _:
            return REF_NAME


def in_notes(carrier: str, below: str) -> Fix:
    """The advice for what only notes hold, of which nothing is amended; `below` is what the server has of that ref.

    Neither the ref nor the object is named: both are anybody's text, and may be a secret themselves.
    """
    parent = f"-p {below} " if below else ""
    anew = f"git update-ref refs/notes/NOTES $(git commit-tree -m notes {parent}refs/notes/NOTES^{{tree}})"
    what = "begin the history of these notes anew, and push them again:"
    if carrier != "file":
        return Fix(f"{_REVOKE}{what}", (anew,))
    return Fix(f"{_REVOKE}take it out of the note of OBJECT, {what}", ("git notes --ref=NOTES edit OBJECT", anew))


def _message(commit: str, begin: str, history: History, *, web: bool) -> Fix:
    if history.newest(commit):
        again = _REVOKE + "write the message of the newest commit again without it, and push again:"
        return WEB if web else Fix(again, ("git commit --amend",))
    line = "change `merge -C` to `merge -c`" if history.is_merge(commit) else "write `reword` in place of `pick`"
    text = f"{line} before its commit in the list, write its message again without it, and push again:"
    return Fix(_REVOKE + text, (_rebase(begin, history),))


def _person(change: str, commands: tuple[str, ...], commit: str, begin: str, history: History) -> Fix:
    if history.newest(commit):
        return Fix(f"{_REVOKE}{change} in the newest commit, and push again:", commands)
    text = f"{_stops_at(commit, history)} in the list that the first command opens, then run the rest; and push:"
    return Fix(_REVOKE + text, (_rebase(begin, history), *commands, _CONTINUE))


def _content(change: str, commit: str, begin: str, history: History, *, web: bool) -> Fix:
    if history.newest(commit):
        return WEB if web else Fix(f"{_REVOKE}{change}, then amend the newest commit and push again:", (_AMEND,))
    line = _stops_at(commit, history)
    text = f"{line} in the list that the first command opens; where git stops, {change}, then run the rest; and push:"
    return Fix(_REVOKE + text, (_rebase(begin, history), _AMEND, _CONTINUE))


def _stops_at(commit: str, history: History) -> str:
    # A merge has no `edit`; git stops behind it at a `break`.
    return "add a line `break` below its merge" if history.is_merge(commit) else "write `edit` before its commit"


def _rebase(commit: str, history: History) -> str:
    # Without it a rebase drops merges, and what only they hold.
    merges = "--rebase-merges " if history.merges else ""
    return f"git rebase -i {merges}{'--root' if history.is_root(commit) else f'{commit[:10]}^'}"
