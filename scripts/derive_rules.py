"""Writes the digest of the derived rules into pin.py, after a change of a table or of the wheel."""

from __future__ import annotations

import re
from pathlib import Path

from orch_gates.scanners.rules import derive, pin

_PIN = Path(pin.__file__)


def main() -> None:
    """Derive, and commit to the result."""
    derived = derive.build()
    digest = pin.digest(derived.rules, derived.meta)
    _PIN.write_text(re.sub(r'(?m)^DIGEST = ".*"$', f'DIGEST = "{digest}"', _PIN.read_text("utf-8")), "utf-8")
    print(digest)


if __name__ == "__main__":
    main()
