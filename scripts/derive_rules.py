"""Writes the digest of the derived rules into catalogue.toml, after a change of the table."""

from __future__ import annotations

import re
from pathlib import Path

from orch_gates.scanners.rules import derive

_CATALOGUE = Path(derive.__file__).with_name("catalogue.toml")


def main() -> None:
    """Derive, and commit to the result."""
    digest = derive.digest(derive.build())
    text = _CATALOGUE.read_text("utf-8")
    _CATALOGUE.write_text(re.sub(r'(?m)^digest = ".*"$', f'digest = "{digest}"', text), "utf-8")
    print(digest)


if __name__ == "__main__":
    main()
