"""Rules about committed files that no other lint knows."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import yaml

ROOT = Path(__file__).parent.parent
LOCKS = (ROOT / "requirements" / "dev.txt", ROOT / "requirements" / "runtime.txt")
YAML = {".yml", ".yaml"}

# Joined here, because this file is judged as well.
_HOSTS = [
    ".".join(parts)
    for parts in (
        ("pypi", "org"),
        ("pythonhosted", "org"),
        ("npmjs", "org"),
        ("yarnpkg", "com"),
        ("proxy", "golang", "org"),
        ("sum", "golang", "org"),
        ("deb", "debian", "org"),
        ("security", "debian", "org"),
        ("index", "crates", "io"),
        ("static", "crates", "io"),
    )
]
_HOST = re.compile("|".join(re.escape(host) for host in _HOSTS), re.IGNORECASE)
_ELSEWHERE = re.compile(r"SPEC §?\d|DESIGN §\d|faults\.md T\d|\(issue \d")
_HASH = re.compile(r"--hash=sha256:[0-9a-f]{64}\b")


def registry_hosts(text: str) -> Iterator[str]:
    """Lines that hold the address of a package index or registry."""
    for number, line in enumerate(text.splitlines(), 1):
        if found := _HOST.search(line):
            yield f"{number}: address of a package registry: {found[0]}"


def unopenable(text: str) -> Iterator[str]:
    """Comments that cite what a reader of the repository cannot open."""
    for number, line in enumerate(text.splitlines(), 1):
        if found := _ELSEWHERE.search(line):
            yield f"{number}: cites what is not in the repository: {found[0]}; name a page of docs/ or say the fact"


def unhashed(lock: str) -> Iterator[str]:
    """Entries of a requirements lock that are not an exact version with a hash."""
    for entry in lock.replace("\\\n", " ").splitlines():
        if entry.strip() and not entry.startswith("#") and not ("==" in entry and _HASH.search(entry)):
            yield f"no exact version with a hash: {entry[:60]}"


def expressions_in_shell(text: str) -> Iterator[str]:
    """`run:` scripts into which the runner would paste values (OWN-1)."""
    try:
        pending = list(yaml.compose_all(text, yaml.SafeLoader))
    except yaml.YAMLError as error:
        yield f"not YAML: {error}"
        return
    while pending:
        node = pending.pop()
        if isinstance(node, yaml.SequenceNode):
            pending += node.value
        elif isinstance(node, yaml.MappingNode):
            for key, value in node.value:
                pending.append(value)
                if key.value == "run" and isinstance(value, yaml.ScalarNode) and "${{" in value.value:
                    yield f"{value.start_mark.line + 1}: an expression inside a run: script; hand it over in env:"


def project_files() -> list[Path]:
    """Every file that is committed or could be."""
    listing = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(listing, cwd=ROOT, check=True, capture_output=True, text=True).stdout
    return [path for name in listed.split("\0") if name and (path := ROOT / name).is_file()]


def problems() -> Iterator[str]:
    """One line for every broken rule."""
    for path in project_files():
        text = path.read_text(encoding="utf-8", errors="replace")
        found = list(registry_hosts(text))
        if path.suffix == ".py" and path.is_relative_to(ROOT / "orch_gates"):
            found += unopenable(text)
        if path.suffix in YAML:
            found += expressions_in_shell(text)
        yield from (f"{path.relative_to(ROOT)}:{problem}" for problem in found)
    for lock in LOCKS:
        yield from (f"{lock.relative_to(ROOT)}: {problem}" for problem in unhashed(lock.read_text()))


def main() -> int:
    """Print every broken rule; 1 when there is one."""
    broken = list(problems())
    print("\n".join(broken) or "house rules kept")
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
