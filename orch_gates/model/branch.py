"""How a branch is named, where settings can read it without what makes documents dear to import."""

from __future__ import annotations

import re

# What git takes as a branch's name, and no option, traversal or lock file besides.
BRANCH = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9_-]|/(?=[A-Za-z0-9_-])|\.(?![./]|lock(?:/|\Z)|\Z)){0,199}")
