"""Every error that changes behaviour is a type here, with its exit code (GATE-2).

Exit codes: 0 pass, 1 refused, 2 could not be decided or wrong usage, 75 deferred, 70 a bug.
"""

from __future__ import annotations

from collections.abc import Sequence

EXIT_BUG = 70


class OrchError(Exception):
    """Something could not be decided; `str()` is one line that says what to do about it."""

    exit_code = 2


class UsageError(OrchError):
    """The command was called with values that make no sense together."""


class SettingsError(OrchError):
    """An environment variable or configuration file holds an unusable value."""


class ConfigError(SettingsError):
    """The configuration file is unusable; `problems` are all of them, each with its place, and `str()` the first."""

    def __init__(self, problems: Sequence[str]) -> None:
        more = f" (and {len(problems) - 1} more)" if len(problems) > 1 else ""
        super().__init__(f"{problems[0]}{more}")
        self.problems = tuple(problems)


class RepositoryRulesError(ConfigError):
    """A repository's own rules are unusable (SEC-6); `problems` as for the configuration file."""


class ProcessError(OrchError):
    """A child process could not be started, timed out, or wrote more than it may."""


class GitError(OrchError):
    """Git answered with an error, or with something that proves nothing."""


class NoRepository(GitError):
    """A directory is in no git repository; one that git cannot read is another error."""


class UnknownRevision(GitError):
    """A revision does not resolve to an object of this repository."""


class ShallowRepository(GitError):
    """The clone is shallow, so a range in it proves nothing (SEC-2)."""


class BudgetExceeded(OrchError):
    """More was pushed than may be scanned: a definite refusal, never a skip (SEC-9)."""

    exit_code = 1


class StaleUpdate(OrchError):
    """A push is based on what `ref` no longer is: a definite refusal, and a race that was lost."""

    exit_code = 1

    def __init__(self, ref: str) -> None:
        super().__init__(f"{ref} moved meanwhile; fetch and push again")


class ScannerError(OrchError):
    """A scanner is missing, misbehaved, or did not prove what it scanned (SEC-2)."""


class ReportError(OrchError):
    """A report could not be written, read back, or is malformed (SEC-8)."""


class MalformedYaml(ReportError):
    """YAML that cannot be read in one way only; `line` and `column` count from 1, `problem` says what is wrong."""

    def __init__(self, line: int, column: int, problem: str) -> None:
        super().__init__(f"line {line}: {problem}")
        self.line = line
        self.column = column
        self.problem = problem


class PinsUnreadable(OrchError):
    """A file that pins packages cannot be read; `str()` says what it is instead, as in "not TOML (line 3)"."""


class ExceptionListError(OrchError):
    """A list of exceptions on the target branch is malformed (SEC-4, STG-1)."""


class ForgeUnavailable(OrchError):
    """The forge did not answer, or not completely: nothing follows from it (P2)."""


class ForgeUnclear(ForgeUnavailable):
    """Something was asked to be done, and no whole answer came: it may have been done, or not."""


class ForgeRefused(ForgeUnavailable):
    """The forge answered with a refusal: a token, a permission or a name is wrong; asking again does not help."""


class RegistryUnavailable(OrchError):
    """The registry did not answer, or not completely: nothing follows from it (P2)."""


class RegistryUnclear(RegistryUnavailable):
    """Something was sent to be stored, and no whole answer came: it may have been stored, or not."""


class RegistryRefused(RegistryUnavailable):
    """The registry says no: a user, a token, a permission or a name is wrong; asking again does not help."""


class ImageMissing(RegistryRefused):
    """The registry has no such image, or does not show it to this user."""


class RegistryBroken(RegistryUnavailable):
    """What the registry sent proves nothing: another digest, length or kind than it should have (IMG-1)."""


class PromotionRefused(OrchError):
    """An image may not get the tags that it should: a definite refusal."""

    exit_code = 1


class StateError(OrchError):
    """The state branch could not be read or written."""


class MissingState(StateError):
    """There is no state branch: never made, or wiped; never the same as empty (ST-4)."""


class WipedState(MissingState):
    """There was a state branch, as its witness or this machine knows, and it is gone (ST-4)."""


class WrongStateBranch(StateError):
    """The name of the state branch is that of another branch; the state itself is not affected (ST-9)."""


class RewoundState(StateError):
    """The state branch lost commits that it was seen to have (ST-4)."""


class StateUnreachable(StateError):
    """The remote of the state branch did not answer, or not in time."""


class StateBusy(StateUnreachable):
    """The remote had no time, or the connection broke: asking again may help, after `retry_after` seconds."""

    def __init__(self, message: str, retry_after: float) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class StateDenied(StateError):
    """The server refused to let the state branch be read or written; asking again does not help."""


class StateExhausted(StateError):
    """Others were faster until the deadline; nothing was written, later it may be."""

    exit_code = 75


class StateUnclear(StateError):
    """A change was sent, and whether it was recorded could not be found out; `op` is in the commit if it was."""

    def __init__(self, op: str, message: str) -> None:
        super().__init__(message)
        self.op = op


class StaleConfiguration(StateError):
    """The configuration in this repository is older than the one on the state branch; `git fetch` mends that."""


class ForbiddenPush(OrchError):
    """A push would move what only the forge moves: a bug, stopped before anything was sent (P4)."""


class LeaseLost(OrchError):
    """The right to merge is another process's by now: this one stops, and nothing it was about to do is done."""

    exit_code = 75


class JobWaits(OrchError):
    """The work of a task cannot begin now, and may later: it runs already, is put off, or enough others run."""

    exit_code = 75


class StateDocumentError(StateError):
    """A file of the state branch is not what it has to be; the others are not affected (ST-6)."""


class NoStateDocument(StateDocumentError):
    """A branch lacks the document that every state branch has: it is another one, or somebody took that out."""


class UpgradeNeeded(StateDocumentError):
    """A newer orch-gates wrote the document; this one must not guess what it means (ST-1)."""
