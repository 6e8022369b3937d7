"""What the local forge keeps on the state branch: pull requests, issues, statuses and rules."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from orch_gates.model.document import Document
from orch_gates.model.ids import OID, BranchName, Line, OidOrNone, Timestamp

_ONE_LINE = r"\A[^\n\r]+\z"

Title = Annotated[str, StringConstraints(min_length=1, max_length=255, pattern=_ONE_LINE)]
Label = Annotated[str, StringConstraints(min_length=1, max_length=100, pattern=_ONE_LINE)]
Context = Annotated[str, StringConstraints(min_length=1, max_length=255, pattern=_ONE_LINE)]
Oid = Annotated[str, StringConstraints(pattern=rf"\A({OID.pattern})\z")]
Number = Annotated[int, Field(ge=1, le=999_999_999)]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="allow", strict=True, defer_build=True)


class Comment(_Part):
    """What somebody said on a pull request or an issue."""

    by: Line
    at: Timestamp
    text: Annotated[str, StringConstraints(max_length=65_536)]


class PullReview(_Part):
    """A reviewer's latest word, and the commit that it is about."""

    reviewer: Line
    state: Literal["approved", "changes_requested", "dismissed"]
    commit: Oid
    at: Timestamp


class Pull(Document):
    """A pull request; the text below is its description. Numbers are shared with issues."""

    KIND: ClassVar[str] = "pull"
    ADDED: ClassVar[tuple[str, ...]] = ("labels",)

    schema_: Literal["orch.pull/1"] = Field(default="orch.pull/1", alias="schema", description="Always `orch.pull/1`.")
    number: Number = Field(description="Its number, shared with issues and never used again.")
    title: Title = Field(description="One line for people.")
    branch: BranchName = Field(description="The branch that is to be merged.")
    target: BranchName = Field(description="The branch that it is to be merged into.")
    state: Literal["open", "closed", "merged"] = Field(description="Where it stands; `merged` and `closed` are ends.")
    author: Line = Field(description="Who opened it.")
    created: Timestamp = Field(description="When it was opened, UTC.")
    first_head: Oid = Field(description="The commit at the branch when it was opened.")
    last_head: OidOrNone = Field(description="The commit that was merged, or that was there when it was closed.")
    merge_commit: OidOrNone = Field(description="What came of the merge; empty without one.")
    reviews: tuple[PullReview, ...] = Field(strict=False, description="Every reviewer's latest word.")
    comments: tuple[Comment, ...] = Field(strict=False, description="What was said, oldest first.")
    labels: tuple[Label, ...] = Field(default=(), strict=False, description="Its labels, sorted; left out without any.")


class Issue(Document):
    """An issue; the text below is its description."""

    KIND: ClassVar[str] = "issue"

    schema_: Literal["orch.issue/1"] = Field(
        default="orch.issue/1", alias="schema", description="Always `orch.issue/1`."
    )
    number: Number = Field(description="Its number, shared with pull requests and never used again.")
    title: Title = Field(description="One line for people.")
    state: Literal["open", "closed"] = Field(description="Where it stands.")
    author: Line = Field(description="Who opened it.")
    created: Timestamp = Field(description="When it was opened, UTC.")
    labels: tuple[Label, ...] = Field(strict=False, description="Its labels, sorted.")
    comments: tuple[Comment, ...] = Field(strict=False, description="What was said, oldest first.")


class Status(_Part):
    """The latest word of one context on a commit; `number` counts the words about that commit."""

    context: Context
    state: Literal["success", "failure", "pending", "skipped", "unknown"]
    description: Line
    url: Line
    by: Line
    at: Timestamp
    number: int = Field(default=0, ge=0)


class Statuses(Document):
    """What was said about one commit."""

    KIND: ClassVar[str] = "statuses"

    schema_: Literal["orch.statuses/1"] = Field(
        default="orch.statuses/1", alias="schema", description="Always `orch.statuses/1`."
    )
    commit: Oid = Field(description="The commit; also the file's name.")
    statuses: tuple[Status, ...] = Field(strict=False, description="The latest word of every context.")


class Rule(Document):
    """What a merge into one branch needs; see the port's `Protection`."""

    KIND: ClassVar[str] = "protection"

    schema_: Literal["orch.protection/1"] = Field(
        default="orch.protection/1", alias="schema", description="Always `orch.protection/1`."
    )
    branch: BranchName = Field(description="The branch that the rule is for.")
    contexts: tuple[Context, ...] = Field(strict=False, description="Statuses that have to be green.")
    approvals: int = Field(ge=0, description="How many reviewers have to approve the very head.")
    mergers: tuple[Line, ...] = Field(strict=False, description="Who alone may merge; empty: all who may write.")
    pushes: bool = Field(description="Whether people may push to it.")
    admins: bool = Field(description="Whether administrators are held to it too.")
