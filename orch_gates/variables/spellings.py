"""How settings are spelled that become part of git objects, refs or trailers (ST-9), or of messages (OWN-3)."""

from __future__ import annotations

from orch_gates.model.branch import BRANCH
from orch_gates.variables.setting import Spelling

# A control character or an unpaired surrogate breaks a commit, a line break adds a line to it.
_UNSAFE = r"\x00-\x1f\x7f\x85\u2028\u2029\ud800-\udfff"

LINE = Spelling(rf"(?![ ])[^{_UNSAFE}]*[^ {_UNSAFE}]", "text on one line")
AUTHOR_NAME = Spelling(rf"(?![ ])[^<>{_UNSAFE}]*[^ <>{_UNSAFE}]", "a name on one line, without `<` and `>`")
AUTHOR_EMAIL = Spelling(
    rf"[^<>\s{_UNSAFE}]+", "an address alone, like ci@example.org: no name before it, no `<`, `>` or space"
)
URL = Spelling(r"https?://[!-~]+", "an address like https://git.example.org/help, without blanks")
SLUG = Spelling(r"[A-Za-z0-9_-]+", "the part of an address, in letters, digits, `_` and `-`")
UUID = Spelling(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", "an id like 8dc25f76-d8ad-48d9-8ce9-279a67a3a3d5")
STATE_BRANCH = Spelling(
    rf"(?!refs/|heads/){BRANCH.pattern}",
    "the name of a branch; give the branch's name without refs/heads/, in letters, digits, `.`, `_`, `-` and `/`",
)
# Whatever git takes: the branch is there already, and other people chose its name.
TARGET = Spelling(
    r"(?!refs/|[-./])(?!(?:.*/)?\.)(?!.*(?:\.\.|//|@\{|\.lock(?:/|$)|[./]$))"
    rf"[^ ~^:?*\[\\\s{_UNSAFE}]+",
    "the name of a branch; give the branch's name without refs/heads/, as git branch shows it",
)
