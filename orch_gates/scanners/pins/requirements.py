"""Requirements and constraints files, read as pip reads them (pure)."""

from __future__ import annotations

import codecs
import re

from orch_gates.errors import PinsUnreadable
from orch_gates.scanners.pins.pin import Collected, Pins, UnpinnedReason
from orch_gates.scanners.pins.text import inside

_NAMES = re.compile(
    r"""(?:.*/)?(?:
          [^/]*(?:requirements|constraints)[^/]*\.(?:txt|in|pip|lock)
        | (?:[^/]*[-_.])?(?:requirement|requires|constraint|reqs?)(?:[-_.][^/]*)?\.(?:txt|in|pip)
        | (?:pip|python|py)[-_.](?:deps|dependencies|packages)\.txt
        | (?:[^/]*[-_])?(?:requirements|constraints|reqs)/(?:.*/)?[^/]+\.(?:txt|in|pip)
        )""",
    re.VERBOSE | re.IGNORECASE | re.DOTALL,
)
# Anywhere on the line: pip takes an editable that stands behind another option.
_EDITABLE = re.compile(r"(?:^|\s)(?:-e|--e(?!xtra))")
_INCLUDE = re.compile(r"(?:^|\s)(?:-r|--requirem[a-z]*)[\s=]*[\"']?(?P<path>[^\s\"']*)")


def is_requirements(path: str) -> bool:
    """Whether a file of this name is read as a requirements file."""
    return _NAMES.fullmatch(path) is not None


def read(data: bytes, path: str) -> Pins:
    """Read the requirements file at a path of the repository.

    An entry that names a package without pinning one version (a range, a URL, an editable path) is
    told, not passed over. A file included with -r is judged as itself if it is one that is audited,
    and told if not.

    Raises:
        PinsUnreadable: it holds options and no package.
    """
    found = Collected()
    options = False
    for number, text in _logical_lines(_text(data)):
        if requirement := re.split(r"\s#", f" {text}", maxsplit=1)[0].strip():
            add_line(found, requirement, number, path)
            options = True
    if options and not found.seen:
        raise PinsUnreadable("only options, and no package")
    return found.pins()


def add_line(found: Collected, requirement: str, number: int, path: str) -> None:
    """Add one line without its comment; options that name no package are none."""
    if not requirement.startswith("-"):
        # What follows a package are its own options: --hash, --config-settings.
        found.requirement(re.split(r"\s-", requirement, maxsplit=1)[0], number)
        return
    if _EDITABLE.search(requirement):
        found.entry(UnpinnedReason.PLACE, requirement, number)
    elif included := _INCLUDE.search(requirement):
        if is_requirements(inside(path, included["path"])):
            found.pass_over()
        else:
            found.entry(UnpinnedReason.INCLUDED, requirement, number)


def _text(data: bytes) -> str:
    """As pip reads it: a byte order mark decides (PowerShell writes UTF-16)."""
    utf16 = data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    return data.decode("utf-16" if utf16 else "utf-8-sig", "replace")


def _logical_lines(text: str) -> list[tuple[int, str]]:
    found: list[tuple[int, str]] = []
    start, held = 0, ""
    for number, line in enumerate(text.splitlines(), 1):
        start = start or number
        # As in pip, a comment ends with its line, whatever it ends with.
        comment = line.lstrip().startswith("#")
        if line.endswith("\\") and not comment:
            held += line.rstrip("\\")
            continue
        found.append((start, f"{held} {line}" if comment else held + line))
        start, held = 0, ""
    if held:
        found.append((start, held))
    return found
