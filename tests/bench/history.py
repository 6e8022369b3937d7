"""Ordinary source history, made from the standard library's own text; the same on every run."""

from __future__ import annotations

import os
import random
import subprocess
import sysconfig
from collections.abc import Iterator
from pathlib import Path
from typing import IO

STANDARD_LIBRARY = Path(sysconfig.get_paths()["stdlib"])
ENV = {
    "PATH": os.environ["PATH"],
    "HOME": "/nonexistent",
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_CONFIG_NOSYSTEM": "1",
    **{f"GIT_{role}_NAME": "A Bencher" for role in ("AUTHOR", "COMMITTER")},
    **{f"GIT_{role}_EMAIL": "bencher@example.invalid" for role in ("AUTHOR", "COMMITTER")},
    # What is measured is the code beside this, also where another one is installed.
    **{name: os.environ[name] for name in ("PYTHONPATH",) if name in os.environ},
}
_FILES = 80
_LONGEST_FILE = 900
_START = 1_700_000_000


def git(directory: Path, *args: str) -> str:
    done = subprocess.run(["git", "-C", str(directory), *args], env=ENV, check=True, capture_output=True, text=True)
    return done.stdout.strip()


def ordinary(directory: Path, commits: int) -> Path:
    """A bare repository with `commits` commits after the first, 30 to 60 new lines in 1 to 4 files each."""
    init(directory)
    with Importer(directory) as stream:
        for number, (subject, files) in enumerate(_edits(commits)):
            commit(stream, number, subject, files)
    return directory


def library(directory: Path, *, whole: bool) -> Path:
    """A bare repository whose second commit adds the standard library; its tests only if `whole`."""
    init(directory)
    files = {
        f"Lib/{path.relative_to(STANDARD_LIBRARY)}": path.read_bytes()
        for path in sorted(STANDARD_LIBRARY.rglob("*.py"))
        if "site-packages" not in path.parts and (whole or not {"test", "tests", "idle_test"} & set(path.parts))
    }
    with Importer(directory) as stream:
        commit(stream, 0, "Begin", {"README": b"The library follows.\n"})
        commit(stream, 1, "Add the library", files)
    return directory


def init(directory: Path) -> Path:
    """A new bare repository; answers its place."""
    subprocess.run(["git", "init", "--quiet", "--bare", "-b", "main", str(directory)], env=ENV, check=True)
    return directory


class Importer:
    """A `git fast-import` to write to; leaving the block waits for its success."""

    def __init__(self, directory: Path) -> None:
        self._process = subprocess.Popen(
            ["git", "-C", str(directory), "fast-import", "--quiet"], env=ENV, stdin=subprocess.PIPE
        )

    def __enter__(self) -> IO[bytes]:
        assert self._process.stdin is not None
        return self._process.stdin

    def __exit__(self, *_: object) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        if self._process.wait() != 0:
            raise RuntimeError("git fast-import failed")


def commit(stream: IO[bytes], number: int, subject: str, files: dict[str, bytes]) -> None:
    """Write a commit of whole files to `git fast-import`."""
    message = f"{subject}\n".encode()
    stream.write(b"commit refs/heads/main\ncommitter A Bencher <bencher@example.invalid> ")
    stream.write(b"%d +0000\ndata %d\n%s\n" % (_START + 600 * number, len(message), message))
    for path, data in files.items():
        stream.write(b"M 644 inline %s\ndata %d\n%s\n" % (path.encode(), len(data), data))


def _edits(commits: int) -> Iterator[tuple[str, dict[str, bytes]]]:
    chance = random.Random(20_260_101)
    sources = {
        path.name: path.read_text("utf-8", "replace").split("\n") for path in sorted(STANDARD_LIBRARY.glob("*.py"))
    }
    long_enough = [lines for lines in sources.values() if len(lines) > 100]
    tree = {f"src/{name[0]}/{name}": lines[:150] for name, lines in list(sources.items())[:_FILES]}
    yield "Begin", {path: "\n".join(lines).encode() for path, lines in tree.items()}
    for number in range(commits):
        chosen = chance.sample(sorted(tree), chance.choice([1, 1, 2, 3, 4]))
        added = chance.randint(30, 60)
        for path in chosen:
            _edit(chance, tree[path], chance.choice(long_enough), added // len(chosen))
        yield f"Change {number}: {chosen[0]}", {path: "\n".join(tree[path]).encode() for path in chosen}


def _edit(chance: random.Random, lines: list[str], source: list[str], added: int) -> None:
    start, at = chance.randrange(len(source) - added), chance.randrange(len(lines))
    lines[at : at + chance.randrange(added)] = source[start : start + added]
    if len(lines) > _LONGEST_FILE:
        del lines[:300]
