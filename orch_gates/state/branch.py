"""The files with which a state branch begins."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import resources

from orch_gates.model.root import Root
from orch_gates.state import codec, layout
from orch_gates.state.kinds import ROOT


def branch_files(root: Root) -> Mapping[str, str]:
    """The page that explains the branch to whoever lands on it, and its own document."""
    readme = resources.files(__package__).joinpath("branch_readme.md").read_text("utf-8")
    return {layout.README: readme, layout.ROOT: codec.encode(root, ROOT.example.body)}
