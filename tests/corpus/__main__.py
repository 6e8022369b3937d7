"""`make corpus`: the evasion matrix and the recall tables; exits 1 if a carrier passed.

python -m tests.corpus                       both
python -m tests.corpus matrix [WORD...]      the matrix, of the carriers whose names hold all words
python -m tests.corpus recall [--write]      the recall tables; into docs/reference/recall.md
python -m tests.corpus referee REPO...       what gitleaks finds in their histories and the gate does not
"""

from __future__ import annotations

import sys

from tests.corpus import matrix, noise, public_sets, recall, referee

COMMANDS = {
    "matrix": matrix.main,
    "recall": recall.main,
    "labels": public_sets.main,
    "noise": noise.main,
    "referee": referee.main,
}


def main() -> int:
    """Run one command, or the two that `make corpus` prints."""
    match sys.argv[1:]:
        case []:
            return max(matrix.main([]), recall.main([]))
        case [name, *arguments] if name in COMMANDS:
            return COMMANDS[name](arguments)
        case _:
            print(__doc__, file=sys.stderr)
            return 2


if __name__ == "__main__":
    raise SystemExit(main())
