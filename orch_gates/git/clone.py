"""What a clone's configuration says, read once: where it pushes to, what reaching that takes, and who commits."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

from orch_gates.errors import GitError, SettingsError
from orch_gates.git import remote
from orch_gates.git.cli import Git

# The scopes of one repository; the others are read by git itself when it fetches and pushes.
_OWN = frozenset({"local", "worktree"})
_HANDED_OVER = re.compile(remote.HANDED_OVER)
_URL = f"remote.{remote.NAME}.url"
_PUSH_URL = f"remote.{remote.NAME}.pushurl"
_REWRITTEN = re.compile(r"url\.(.*)\.pushinsteadof", re.DOTALL)


@dataclass(frozen=True, slots=True)
class ConfigEntry:
    """One entry of the configuration; the key's section and name are in small letters, as git prints them."""

    scope: str
    key: str
    value: str


@dataclass(frozen=True)
class Clone:
    """The configuration of one repository together with that of its user."""

    entries: tuple[ConfigEntry, ...]

    @cached_property
    def handed_over(self) -> tuple[tuple[str, str], ...]:
        """What checkout actions and people put into this repository to reach the server."""
        own = (entry for entry in self.entries if entry.scope in _OWN)
        return tuple((entry.key, entry.value) for entry in own if _HANDED_OVER.search(entry.key))

    def push_url(self) -> str:
        """Where `git push origin` goes, as `git remote get-url --push origin` prints it; empty without an origin.

        What `url.<base>.insteadOf` makes of it is left to git.

        Raises:
            SettingsError: it goes to several repositories.
        """
        found = self._all(_PUSH_URL) or [self._rewritten(url) for url in self._all(_URL)]
        if len(found) > 1:
            raise SettingsError(
                f"this clone pushes to {len(found)} URLs, but the state is in one repository; keep only its URL: "
                f"`git config --replace-all {_PUSH_URL} URL`"
            )
        return found[0] if found else ""

    def fetch_url(self) -> str:
        """Where `git fetch origin` asks; empty without an origin. It is another place than pushes go to with a fork."""
        return next(iter(self._all(_URL)), "")

    def identity(self, inherited: Mapping[str, str]) -> str:
        """Who commits here, as `Name <email>` or the part of it that is known; empty where nothing is."""
        name, email = (
            inherited.get(f"GIT_AUTHOR_{part.upper()}", "").strip()
            or next(iter(reversed([*self._all(f"user.{part}"), *self._all(f"author.{part}")])), "").strip()
            for part in ("name", "email")
        )
        return f"{name} <{email}>" if name and email else name or email

    def _all(self, key: str) -> list[str]:
        return [entry.value for entry in self.entries if entry.key == key]

    def _rewritten(self, url: str) -> str:
        """The url after the longest `pushInsteadOf` that it begins with."""
        rules = ((match[1], entry.value) for entry in self.entries if (match := _REWRITTEN.fullmatch(entry.key)))
        base, prefix = max(
            ((base, prefix) for base, prefix in rules if prefix and url.startswith(prefix)),
            key=lambda rule: len(rule[1]),
            default=("", ""),
        )
        return base + url[len(prefix) :]


def read(git: Git, inherited: Mapping[str, str]) -> Clone:
    """Read the configuration that git has for a repository, of its user and of the system as well.

    Raises:
        GitError: it cannot be read.
    """
    # The user's configuration counts where the network is concerned, and so does what CI put into the environment.
    asking = Git(git.directory, remote.Remote.at("", inherited, (("safe.directory", "*"),)).env, git.timeout)
    done = asking.run("config", "--list", "--show-scope", "--includes", "--null")
    if done.returncode != 0:
        raise GitError(f"git config failed ({done.returncode}): {done.complaint}")
    return Clone(tuple(_entries(done.stdout.decode("utf-8", "surrogateescape"))))


def _entries(listed: str) -> Iterator[ConfigEntry]:
    fields = listed.split("\0")
    for scope, entry in zip(fields[::2], fields[1::2], strict=False):
        key, _, value = entry.partition("\n")
        # What this process itself hands to git is no configuration of anybody.
        if scope != "command":
            yield ConfigEntry(scope, key, value)
