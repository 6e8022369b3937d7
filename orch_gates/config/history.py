"""Every pipeline that the target branch has configured: what the stages of a state branch may be (P5, ST-8)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TypeAlias

from orch_gates.config.file import PATH, Config
from orch_gates.engine.stages import DEFAULT
from orch_gates.errors import ConfigError, GitError
from orch_gates.git.cli import Git
from orch_gates.model.root import Root

Stages: TypeAlias = tuple[tuple[str, ...], str]

_MOST = 10_000


@dataclass(frozen=True, slots=True)
class Pipelines:
    """Stages and rework stage, by the id of the file that declares them; `whole`: none is missing.

    `reaches` answers whether a commit is among those that were looked at.
    """

    by_file: Mapping[str, Stages]
    whole: bool
    reaches: Callable[[str], bool]

    def has(self, root: Root) -> bool:
        """Whether the target branch has ever configured the pipeline of a state branch, by the file that it names.

        A document from before files were named has to have the stages of any of them.

        Raises:
            GitError: its history is not here far enough to tell.
        """
        stages = (root.stages, root.rework)
        known = [self.by_file.get(root.configuration)] if root.configuration else self.by_file.values()
        if stages in known:
            return True
        if not self.whole:
            raise GitError(
                "this clone lacks history, so the earlier pipelines of the default branch are unknown; fetch all of "
                "it: `git fetch --unshallow origin`"
            )
        if root.configured_by and not self.reaches(root.configured_by):
            raise GitError(
                f"the pipeline of the state branch was configured by commit {root.configured_by}, which is not on the "
                "default branch of this clone. Fetch or push that branch; if git uses another default branch here, run "
                "`git remote set-head origin -a`. Its history may also have been rewritten"
            )
        return False


def current(config: Config) -> Stages:
    """The stages and the rework stage that a configuration stands for."""
    pipeline = config.declared.pipeline if config.declared else DEFAULT
    return pipeline.names, pipeline.rework


def pipelines(git: Git, trusted: str) -> Pipelines:
    """All that the history of a trusted commit has configured; without any file it is the default one.

    Raises:
        GitError: the history cannot be read.
    """
    # The guard of a repository without a configuration file asks for nothing but `current`.
    from orch_gates.config.parse import parse

    known: dict[str, Stages] = {"": current(Config())}
    if not trusted:
        return Pipelines(known, whole=not git.is_shallow(), reaches=lambda _: False)
    listed = git.text("rev-list", f"--max-count={_MOST}", trusted, "--", PATH).split()
    for commit in listed:
        file = file_at(git, commit)
        if not file or file in known:
            continue
        try:
            known[file] = current(parse(git.read("cat-file", "blob", file)))
        except ConfigError:
            # A file that could not be used has configured nothing.
            continue

    def reaches(commit: str) -> bool:
        return git.run("merge-base", "--is-ancestor", commit, trusted).returncode == 0

    return Pipelines(known, whole=len(listed) < _MOST and not git.is_shallow(), reaches=reaches)


def file_at(git: Git, commit: str) -> str:
    """The id of the configuration file at a commit; empty where there is none.

    Raises:
        GitError: the commit cannot be read.
    """
    listed = git.text("ls-tree", "--full-tree", commit, "--", PATH).split()
    return listed[2] if len(listed) > 2 and listed[1] == "blob" else ""
