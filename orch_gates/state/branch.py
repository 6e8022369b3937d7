"""The files with which a state branch begins."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import resources

from orch_gates.model.root import Root
from orch_gates.state import codec, layout


def branch_files(root: Root) -> Mapping[str, str]:
    """The page that explains the branch to whoever lands on it, and its own document."""
    readme = resources.files(__package__).joinpath("branch_readme.md").read_text("utf-8")
    body = "\n# State branch\n\n[README](README.md) explains what is here.\n"
    return {layout.README: readme, layout.ROOT: codec.encode(root, body)}
