"""The issues of the forge as a tracker: a label is a word (TRK-1)."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from orch_gates.documents import escape
from orch_gates.engine import issues as task_issues
from orch_gates.forge import own_comment
from orch_gates.forge.own_comment import Ours
from orch_gates.forge.port.forge import Forge
from orch_gates.forge.port.issues import Comment, Issue, Issues
from orch_gates.forge.port.server import ForgeKind
from orch_gates.model.effect import TrackerState
from orch_gates.trackers import notice
from orch_gates.trackers.names import names_of
from orch_gates.trackers.notice import Notice
from orch_gates.trackers.port import Item
from orch_gates.variables.services import TrackerSettings

_LONGEST_WORDS = 200


# Not slotted: who we are is asked once.
@dataclass(frozen=True)
class ForgeIssues:
    """`Tracker` by the labels of issues; `ours` finds out who we are, `stages` are those of the pipeline."""

    issues: Issues
    labels: Mapping[TrackerState, str]
    stages: Sequence[str]
    ours: Callable[[], Ours]

    def items(self) -> tuple[Item, ...]:
        """One list of all open issues: a filter for each word would be as many lists, read at different moments."""
        found = (self._item(issue) for issue in self.issues.list())
        return tuple(item for item in found if item.words)

    def item(self, number: int) -> Item:
        """One issue."""
        return self._item(self.issues.get(number))

    def who(self, number: int, word: TrackerState) -> str:
        """Whoever last put the label on."""
        return self.issues.labelled_by(number, self.labels[word])

    def last_words(self, number: int, login: str) -> str:
        """The beginning of the newest comment of somebody, ours apart."""
        bodies = [one.body for one in self.issues.comments(number) if login and one.author == login and not _ours(one)]
        return escape.clip(escape.visible(" ".join(bodies[-1].split())), _LONGEST_WORDS) if bodies else ""

    def clear(self, number: int, word: TrackerState) -> None:
        """Take the label off."""
        self.issues.label(number, remove=[self.labels[word]])

    def show(self, number: int, label: str, text: str, *, generation: int, clears: Sequence[TrackerState] = ()) -> bool:
        """The label first, then the comment, as that alone says which generation was shown."""
        comment = self._comment(number)
        there = notice.read(comment.body) if comment is not None else Notice()
        if there.generation > generation:
            return False
        others = sorted(task_issues.labels(self.stages) - {label})
        self.issues.label(number, add=[label], remove=[*others, *(self.labels[word] for word in clears)])
        standing = notice.standing(text)
        if (there.generation, there.standing) != (generation, standing):
            self._write(number, comment, Notice(generation, standing))
        return True

    def say(self, number: int, text: str) -> None:
        """Below what the comment says."""
        comment = self._comment(number)
        there = notice.read(comment.body) if comment is not None else Notice()
        self._write(number, comment, Notice(there.generation, there.standing, notice.note(text)))

    def _write(self, number: int, comment: Comment | None, wanted: Notice) -> None:
        if comment is None:
            comment = own_comment.make(self.issues, number, notice.MARK, self._us, wanted.text)
        if comment is None:
            return
        there = notice.read(comment.body)
        if there != wanted and there.generation <= wanted.generation:
            self.issues.edit_comment(number, comment.id, wanted.text)

    def _comment(self, number: int) -> Comment | None:
        return own_comment.find(self.issues.comments(number), notice.MARK, self._us)

    @cached_property
    def _us(self) -> Ours:
        return self.ours()

    def _item(self, issue: Issue) -> Item:
        def stands(label: str) -> bool:
            return any(self.issues.same_label(label, there) for there in issue.labels)

        words = frozenset(word for word, label in self.labels.items() if stands(label))
        return Item(issue.number, issue.title, issue.url, issue.open, words)


def connect(settings: TrackerSettings, forge: Forge, kind: ForgeKind | None, stages: Sequence[str]) -> ForgeIssues:
    """The issues of a forge, with the labels that are set, of tasks in these stages.

    Raises:
        SettingsError: as `names_of`.
    """
    return ForgeIssues(forge.issues, names_of(settings), stages, lambda: own_comment.ours_at(forge, kind))


def _ours(comment: Comment) -> bool:
    return comment.body.lstrip().startswith(notice.MARK)
