"""Histories with secrets in random places of ordinary source texts, for the referee.

A kind bounds what is random in it, so that a failure names what is missed; a seed makes the same history again, only
keys that openssl makes are other ones.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import IO

from tests.bench.history import STANDARD_LIBRARY, Importer, init
from tests.corpus.formats import FORMATS, key_like
from tests.corpus.programs import git
from tests.corpus.syntaxes import NAMES, SYNTAXES
from tests.corpus.text_carriers import ENCODED
from tests.corpus.values import text
from tests.corpus.whole_files import FILES

Files = dict[str, bytes]
Leak = Callable[[Random], list[str]]
Change = Callable[[Random, list[str], list[str]], None]

PATHS = (
    "src/app.py", "conf/app.yml", "conf/values.yaml", ".env", "config.json", "Main.java", "beans.xml", "setup.ini",
    "app.properties", "main.tf", "run.sh", "index.php", "lib/tool.rb", "main.go", "Login.cs", "web/app.js", "README.md",
    "notes.txt", "Dockerfile", "a b/ü.txt", "Makefile", "noext",
)  # fmt: skip
ODD_PATHS = (
    "lib/python/settings.py", "lib/python_client/config.py", "env/python/settings.py", "uv.lock", "Cargo.lock",
    "composer.lock", "favicon.ico", "bg.webp", "swagger-ui-init.css", "go.sum", "package-lock.json",
    "yarn.lock", "vendor/github.com/a/b.go", "node_modules/a/index.js", "logo.svg", "a.min.js",
    "lib64/python3.9/a.py", "venv/lib/python3.11/a.py", "a-1.0.dist-info/METADATA", "gradlew", "a.pdf",
    "docs/a.docx", "jquery-3.6.0.js", "bootstrap/a.css", "vendor/bundle/a.rb", "Pipfile.lock", "poetry.lock",
    "deno.lock", "gradle/verification-metadata.xml", "font.woff2", "data.bin", "test/fixtures/a.json",
    "bower_components/a.js", "plotly-2.js", "mvnw.cmd",
)  # fmt: skip
# Old lines that what stands below them could be taken to belong to.
OLD_LINES = (
    "DB_PASSWORD=", "API_KEY=", "secret_key:", "ACCESS_TOKEN =", "client_secret: ", 'AUTH="', "password = \\",
    "api_key: >", '"secret":', "token = (", "key:", "secret_key = [", "// password", "-----BEGIN RSA PRIVATE KEY-----",
    "curl -u", "Authorization:",
)  # fmt: skip
_DECODED = ("base64 in YAML", "base64 alone", "hex", "percent-encoded")
_WRAPPED = (
    'token = "{}"', "value: {}", '"key": "{}",', "export ACCESS={}", "see {} for it", '-H "Authorization: Bearer {}"',
    "<a>{}</a>", "f('{}', 3)", "api_key={}", "x = `{}`", "{}", "https://h.invalid/{}", "client_secret : '{}' # mine",
)  # fmt: skip


def assignment(chance: Random) -> list[str]:
    """A password, key or token given to a name, in any syntax."""
    syntax = SYNTAXES[chance.choice(sorted(SYNTAXES))]
    names, value = NAMES[chance.choice(sorted(NAMES))]
    return syntax.text(chance.choice(names), value(chance)).rstrip("\n").split("\n")


def bare_assignment(chance: Random) -> list[str]:
    """A long name and its value from the start of the line on, as env and ini files have it."""
    name = chance.choice(
        ("auth_token", "api_secret_key", "client_secret", "admin_password", "ACCESS_TOKEN", "API_KEY_LIVE")
    )
    made = text(chance, chance.choice((20, 24, 32, 40)))
    return [chance.choice(('{}="{}"', "{} = {}", "{}: {}", "{}='{}'", "{} : '{}'", '{} = "{}",')).format(name, made)]


def quoted_password(chance: Random) -> list[str]:
    """The commonest leak there is: a password of 12 to 20 characters in double quotes."""
    start = chance.choice(
        ("password = ", "  password: ", '"db_password": ', "MYSQL_ROOT_PASSWORD=", "String dbPassword = ")
    )
    return [f'{start}"{text(chance, chance.randrange(12, 21))}"{chance.choice(["", ",", ";"])}']


def provider_token(chance: Random) -> list[str]:
    """A token of any format, in any line."""
    return [chance.choice(_WRAPPED).format(FORMATS[chance.choice(sorted(FORMATS))](chance))]


def run_on_token(chance: Random) -> list[str]:
    """A token of any format with letters or digits directly before or behind it."""
    before, behind = chance.choice((("", "abc"), ("", "0"), ("x", ""), ("https://", "x@h.invalid/")))
    return [f"see {before}{FORMATS[chance.choice(sorted(FORMATS))](chance)}{behind}"]


def encoded_token(chance: Random) -> list[str]:
    """A token in base64, hex or percent-encoded."""
    token = FORMATS[chance.choice(sorted(FORMATS))](chance)
    return ENCODED[chance.choice(_DECODED)].content(token).decode().rstrip("\n").split("\n")


def whole_file(chance: Random) -> list[str]:
    """All lines of a file that holds a credential."""
    return FILES[chance.choice(sorted(FILES))].content(chance).rstrip("\n").split("\n")


def key(chance: Random) -> list[str]:
    """A private key with a label of any kind, as gitleaks' rule takes it."""
    label = chance.choice(
        ("RSA PRIVATE KEY", "PRIVATE KEY", "EC PRIVATE KEY", "X-Y PRIVATE KEY", "OPENSSH PRIVATE KEY")
    )
    lines = key_like(chance, label, chance.choice((300, 1200, 2400))).rstrip("\n").split("\n")
    if chance.random() < 0.4:
        lines[0], lines[-1] = lines[0].lower(), lines[-1].lower()
    return lines


def any_leak(chance: Random) -> list[str]:
    """Any of these."""
    return chance.choice(
        (assignment, bare_assignment, quoted_password, provider_token, encoded_token, whole_file, key)
    )(chance)


def insert(chance: Random, lines: list[str], leak: list[str]) -> None:
    """New lines anywhere."""
    at = chance.randrange(len(lines) + 1)
    lines[at:at] = leak


def in_a_block(chance: Random, lines: list[str], leak: list[str]) -> None:
    """New lines with many other new ones around them."""
    before, after = (chance.randrange(400) for _ in range(2))
    block = [f"{at} more lines of text" for at in range(before)] + leak + [f"and {at} others" for at in range(after)]
    insert(chance, lines, block)


def edit(chance: Random, lines: list[str], leak: list[str]) -> None:
    """In place of old lines."""
    at = chance.randrange(len(lines))
    lines[at : at + chance.randrange(4)] = leak


def extend(chance: Random, lines: list[str], leak: list[str]) -> None:
    """Behind what an old line holds."""
    at = chance.randrange(len(lines))
    lines[at : at + 1] = [f"{lines[at]} {leak[0]}", *leak[1:]]


def under_old(chance: Random, lines: list[str], leak: list[str]) -> None:
    """Right below an old line that could take it for its own."""
    places = [at for at, line in enumerate(lines) if line in OLD_LINES]
    at = chance.choice(places) + 1 if places else len(lines)
    lines[at:at] = leak


def again(chance: Random, lines: list[str], leak: list[str]) -> None:
    """Twice, apart from each other."""
    insert(chance, lines, leak)
    insert(chance, lines, leak)


@dataclass(frozen=True, slots=True)
class Kind:
    """What is random in a history: the leaks, how they get into a file, the paths, and what else a commit does."""

    leaks: tuple[Leak, ...] = (any_leak,)
    changes: tuple[Change, ...] = (insert,)
    paths: tuple[str, ...] = PATHS
    moves: bool = False
    merges: bool = False
    filler: tuple[int, ...] = (0,)


KINDS: dict[str, Kind] = {
    "assignments": Kind((assignment,)),
    "passwords in double quotes": Kind((quoted_password,)),
    "provider tokens": Kind((provider_token,), (insert, edit, extend)),
    "tokens in longer words": Kind((run_on_token,), (insert, edit)),
    "encoded tokens": Kind((encoded_token,), (insert, edit)),
    "whole files": Kind((whole_file,)),
    "under old lines": Kind((bare_assignment, bare_assignment, assignment, provider_token), (under_old,)),
    "private keys": Kind((key,), (insert, edit, in_a_block, in_a_block)),
    "odd paths": Kind((assignment, provider_token), (insert,), ODD_PATHS),
    "edits": Kind(changes=(edit, extend, again)),
    "moves": Kind(changes=(insert, edit), moves=True),
    "merges": Kind(changes=(insert, edit), merges=True),
    "everything": Kind(
        (any_leak,), (insert, edit, extend, under_old, again), PATHS + ODD_PATHS, True, True, (0, 0, 900)
    ),
}


@dataclass(slots=True)
class _Story:
    stream: IO[bytes]
    number: int = 0
    tips: dict[str, int] = field(default_factory=dict)

    def commit(self, branch: str, files: Mapping[str, bytes], *, merge: str = "") -> None:
        self.number += 1
        write = self.stream.write
        write(b"commit refs/heads/%s\nmark :%d\n" % (branch.encode(), self.number))
        write(
            b"committer A Tester <tester@example.invalid> %d +0000\ndata 7\nchange\n\n" % (1_700_000_000 + self.number)
        )
        if branch in self.tips:
            write(b"from :%d\n" % self.tips[branch])
        if merge:
            write(b"merge :%d\n" % self.tips[merge])
        write(b"deleteall\n")
        for path, content in files.items():
            write(b'M 644 inline "%s"\ndata %d\n%s\n' % (path.encode(), len(content), content))
        self.tips[branch] = self.number


def history(repository: Path, kind: Kind, seed: int, commits: int = 40) -> list[str]:
    """A bare repository of a kind; answers its line of first parents, what was there before first."""
    chance = Random(seed)
    init(repository)
    files = _ordinary(chance, kind)
    with Importer(repository) as stream:
        story = _Story(stream)
        story.commit("main", files)
        for _ in range(commits):
            if kind.merges and chance.random() < 0.5:
                _merged(chance, kind, story, files)
            else:
                _changed(chance, kind, files)
                story.commit("main", files)
    return git(repository, "rev-list", "--reverse", "--first-parent", "main").split()


def _merged(chance: Random, kind: Kind, story: _Story, files: Files) -> None:
    """A side branch and the main one move on; the merge holds both, and at times what neither has."""
    side = dict(files)
    ours, theirs = chance.sample(sorted(files), 2)
    story.tips["side"] = story.tips["main"]
    side[theirs] = _leaked(chance, kind, side[theirs])
    story.commit("side", side)
    files[ours] = _leaked(chance, kind, files[ours])
    story.commit("main", files)
    files[theirs] = side[theirs]
    if chance.random() < 0.5:
        path = chance.choice(sorted(files))
        files[path] = _leaked(chance, kind, files[path])
    story.commit("main", files, merge="side")


def _changed(chance: Random, kind: Kind, files: Files) -> None:
    path = chance.choice(sorted(files))
    if kind.moves and chance.random() < 0.5:
        moved = f"moved{len(files)}/{path}"
        files[moved] = files.pop(path)
        path = moved
        if chance.random() < 0.3:
            return
    files[path] = _leaked(chance, kind, files[path])


def _leaked(chance: Random, kind: Kind, content: bytes) -> bytes:
    lines = content.decode().split("\n")
    chance.choice(kind.changes)(chance, lines, chance.choice(kind.leaks)(chance))
    return "\n".join(lines).encode()


def _ordinary(chance: Random, kind: Kind) -> Files:
    sources = sorted(STANDARD_LIBRARY.glob("*.py"))
    files: Files = {}
    for path in chance.sample(kind.paths, min(len(kind.paths), 12)):
        lines = chance.choice(sources).read_text("utf-8", "replace").split("\n")
        start = chance.randrange(max(len(lines) - 120, 1))
        lines = lines[start : start + chance.randrange(20, 120)]
        for _ in range(3):
            lines.insert(chance.randrange(len(lines) + 1), chance.choice(OLD_LINES[: chance.choice((5, None))]))
        filler = [f"line {at} of the text" for at in range(chance.choice(kind.filler))]
        files[path] = "\n".join([*filler, *lines, *filler]).encode()
    return files
