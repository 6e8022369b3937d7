"""The carriers: each function hides a token somewhere in a clone and says what is pushed and judged."""

from __future__ import annotations

import base64
import os
from collections.abc import Callable
from dataclasses import dataclass, replace

from tests.builders import Done, Repo, aws_key_id, private_key, run


@dataclass(frozen=True, slots=True)
class Case:
    """What to push and what the gate is to judge; `head` is empty where only a push can carry it.

    `only` names the engine that has a rule for this token at all.
    """

    refspecs: tuple[str, ...] = ("HEAD:refs/heads/topic",)
    head: str = "HEAD"
    base: str = "origin/main"
    push: Callable[[], Done] | None = None
    only: str = ""


@dataclass(frozen=True, slots=True)
class Lab:
    """A clone, its server with the hook installed, and a token made for this carrier alone."""

    work: Repo
    server: Repo
    token: str

    @property
    def line(self) -> str:
        """The token as it stands in most leaks."""
        return f'token = "{self.token}"\n'


Carrier = Callable[[Lab], Case]
CARRIERS: dict[str, Carrier] = {}
# Carriers that need a repository of their own: they change more than they commit, or push more than one branch.
ALONE: set[str] = set()


def carrier(name: str, *, alone: bool = False) -> Callable[[Carrier], Carrier]:
    """Name a carrier and add it to the corpus."""

    def add(function: Carrier) -> Carrier:
        CARRIERS[name] = function
        if alone:
            ALONE.add(name)
        return function

    return add


def in_file(name: str, path: str | bytes, content: Callable[[Lab], str | bytes]) -> None:
    """A carrier that is one new file."""

    def build(lab: Lab) -> Case:
        lab.work.write(path, content(lab))
        lab.work.commit()
        return Case()

    CARRIERS[name] = build


def _head(lab: Lab) -> str:
    return lab.work.git("rev-parse", "HEAD")


def _raw_commit(
    lab: Lab, *, headers: bytes = b"", message: bytes = b"a change\n", author: bytes = b"A <a@b.invalid>"
) -> str:
    tree = lab.work.git("rev-parse", "HEAD^{tree}").encode()
    who = author + b" 1700000000 +0000\n"
    return lab.work.object(
        "commit",
        b"tree "
        + tree
        + b"\nparent "
        + _head(lab).encode()
        + b"\nauthor "
        + who
        + b"committer "
        + who
        + headers
        + b"\n"
        + message,
    )


def _case_of(lab: Lab, commit: str) -> Case:
    lab.work.git("update-ref", "refs/heads/made", commit)
    return Case((f"{commit}:refs/heads/topic",), head=commit)


# --- files -------------------------------------------------------------------------------------

in_file("plain file", "config.ini", lambda lab: lab.line)
in_file("NUL byte", "data.bin", lambda lab: b"\0\1\2\0" + lab.line.encode() + b"\0\xff")
in_file("NUL right before and after", "data.bin", lambda lab: b"x\0" + lab.token.encode() + b"\0y")


def _encoded(encoding: str, start: str) -> Callable[[Lab], bytes]:
    return lambda lab: f"{start}\n{lab.line}".encode(encoding)


def _after(magic: bytes) -> Callable[[Lab], bytes]:
    return lambda lab: magic + b"\n" + lab.line.encode()


def _between(before: str, after: str) -> Callable[[Lab], str]:
    return lambda lab: before + lab.line + after


for _encoding in ("utf-16-le", "utf-16-be", "utf-32-le", "utf-32-be"):
    in_file(f"{_encoding}, no mark", "a.txt", _encoded(_encoding, "first"))
    in_file(f"{_encoding}, with mark", "a.txt", _encoded(_encoding, "\ufeffé"))
in_file("UTF-16 at an odd offset", "a.txt", lambda lab: b"abc" + lab.line.encode("utf-16-le"))
in_file("Latin-1 around", "a.txt", lambda lab: "é\n".encode("latin-1") + lab.line.encode() + b"\xe9\xff\n")
in_file("file name: newline", b"a\nb.txt", lambda lab: lab.line)
in_file("file name: quotes", b"a\"b'c.txt", lambda lab: lab.line)
in_file("file name: not UTF-8", b"a\xff\xfe.txt", lambda lab: lab.line)
in_file("file name: spaces and colon", b" : a  b .txt", lambda lab: lab.line)
in_file("comment gitleaks:allow", "a.py", lambda lab: lab.line.rstrip() + "  # gitleaks:allow\n")
in_file("comment kingfisher:ignore", "a.py", lambda lab: lab.line.rstrip() + "  # kingfisher:ignore\n")
for _path in (
    "package-lock.json",
    "go.sum",
    "node_modules/x/index.js",
    "vendor/github.com/a/b.go",
    "logo.svg",
    "a.pdf",
    "a.png",
    "a.zip",
    "x.gitleaks.toml",
    "venv/lib/python3.11/a.py",
):
    in_file(f"path {_path}", _path, lambda lab: lab.line)
for _name, _magic in {
    "%PDF": b"%PDF-1.7\n",
    "gzip": b"\x1f\x8b\x08\x00",
    "zip": b"PK\x03\x04",
    "RTF": b"{\\rtf1 ",
    "ELF": b"\x7fELF\x02\x01",
    "PNG": b"\x89PNG\r\n\x1a\n",
    "xz": b"\xfd7zXZ\0",
    "7z": b"7z\xbc\xaf\x27\x1c",
}.items():
    in_file(f"magic {_name}", "a.txt", _after(_magic))
for _gap in (257, 244, 243, 242):
    in_file(f"magic ustar at {_gap}", "a.txt", _after(b"x" * (_gap - 1) + b"\nustar"))
in_file("magic CD001 at 32769", "a.txt", lambda lab: b"x " * 16384 + b"\nCD001\n" + lab.line.encode())
in_file("CR only", "a.txt", lambda lab: lab.line.join(["a\r" * 20, "b\r"]).replace("\n", "\r"))
in_file("two on a line", "a.txt", lambda lab: f"{lab.token} {lab.token[::-1]} {lab.token}\n")
in_file("20 MB line, at its end", "a.txt", lambda lab: b"ab " * 6_600_000 + lab.line.encode())
for _edge in (4_000, 56_000, 60_000, 100_000, 125_000):
    _words = (_edge - 20) // 3
    in_file(f"long line, over byte {_edge}", "a.txt", _between("ab " * _words, "ab " * 30_000))
    in_file(f"short lines, over byte {_edge}", "a.txt", _between("ab\n" * _words, "ab\n" * 9_000))
in_file("base64", "a.txt", lambda lab: "value: " + base64.b64encode(lab.line.encode() * 2).decode() + "\n")
in_file(
    ".gitmodules url",
    ".gitmodules",
    lambda lab: f'[submodule "x"]\n\tpath = x\n\turl = https://u:{lab.token}@h.invalid/x\n',
)
in_file(
    "LFS pointer beside it",
    "a.txt",
    lambda lab: f"version https://git-lfs.invalid/spec/v1\noid sha256:{'0' * 64}\nsize 3\n{lab.line}",
)
in_file("private key", "id", lambda lab: private_key(lab.work.path))
in_file("private key, UTF-16", "id", lambda lab: private_key(lab.work.path).encode("utf-16"))
in_file(
    "private key, one line", "id.json", lambda lab: '{"k": "' + private_key(lab.work.path).replace("\n", "\\n") + '"}\n'
)
in_file("private key, CRLF", "id", lambda lab: private_key(lab.work.path).replace("\n", "\r\n"))


@carrier("file name")
def _(lab: Lab) -> Case:
    lab.work.commit(files={f"a/{lab.token}.txt": "x\n"})
    return Case()


@carrier("directory name")
def _(lab: Lab) -> Case:
    lab.work.commit(files={f"a/{lab.token}/b.txt": "x\n"})
    return Case()


@carrier("symlink target")
def _(lab: Lab) -> Case:
    (lab.work.path / "link").symlink_to(f"/x/{lab.token}")
    lab.work.commit()
    return Case()


@carrier("added, then removed")
def _(lab: Lab) -> Case:
    lab.work.commit(files={"a.txt": lab.line})
    lab.work.commit(files={"a.txt": "gone\n"})
    return Case()


@carrier("-diff attribute")
def _(lab: Lab) -> Case:
    lab.work.commit(files={".gitattributes": "*.cfg -diff -text binary\n", "a.cfg": lab.line})
    return Case()


@carrier("textconv and filter attributes", alone=True)
def _(lab: Lab) -> Case:
    lab.work.git("config", "diff.hide.textconv", "true")
    lab.work.commit(files={".gitattributes": "*.cfg diff=hide export-ignore\n", "a.cfg": lab.line})
    return Case()


@carrier("moved and changed file")
def _(lab: Lab) -> Case:
    text = (lab.work.path / "src/app.py").read_text()
    lab.work.git("mv", "src/app.py", "src/other.py")
    lab.work.commit(files={"src/other.py": text.replace("line_30 = 30", lab.line.strip())})
    return Case()


@carrier("leak, then moved")
def _(lab: Lab) -> Case:
    lab.work.commit(files={"a.txt": lab.line})
    lab.work.git("mv", "a.txt", "b.txt")
    lab.work.commit()
    return Case()


@carrier("value under a name that was there")
def _(lab: Lab) -> Case:
    text = (lab.work.path / "src/app.py").read_text()
    lab.work.commit(files={"src/app.py": text.replace("line_7 = 7\n", "line_7 = (\n") + lab.token + "\n"})
    return Case()


def _halves(lab: Lab, key: str, encoding: str, split: Callable[[list[str]], list[str]]) -> Case:
    lines = key.splitlines(keepends=True)
    lab.work.commit(files={"id": "".join(split(lines)).encode(encoding)})
    lab.work.commit(files={"id": key.encode(encoding)})
    return Case()


def _first_then_all(encoding: str, first: Callable[[list[str]], list[str]]) -> Carrier:
    return lambda lab: _halves(lab, private_key(lab.work.path), encoding, first)


for _code in ("ascii", "utf-16-le"):
    CARRIERS[f"private key, odd lines then all ({_code})"] = _first_then_all(_code, lambda lines: lines[::2])
    CARRIERS[f"private key, half then all ({_code})"] = _first_then_all(_code, lambda lines: lines[: len(lines) // 2])
    CARRIERS[f"private key, shuffled then in order ({_code})"] = _first_then_all(_code, lambda lines: lines[::-1])


@carrier("private key, its shuffled lines already on the server", alone=True)
def _(lab: Lab) -> Case:
    key = private_key(lab.work.path)
    lab.work.commit(files={"id": "".join(reversed(key.splitlines(keepends=True)))})
    lab.server.git("fetch", "--quiet", str(lab.work.path), "HEAD:refs/heads/main")
    lab.work.git("fetch", "--quiet", "origin")
    lab.work.commit(files={"id": key})
    return Case()


for _begin in ("-----BEGIN RSA PRIVATE KEY-----", "-----begin rsa private key-----", "-----BEGIN A-B PRIVATE KEY-----"):

    @carrier(f"private key after a lone line {_begin.strip('-')[:18]}")
    def _(lab: Lab, begin: str = _begin) -> Case:
        lab.work.commit(files={"a": f"{begin}\n", "b": private_key(lab.work.path)})
        return Case()


@carrier("curl header after a file that ends in curl")
def _(lab: Lab) -> Case:
    header = f'-H "Authorization: Bearer {lab.token}"'
    lab.work.commit(files={"a.sh": "#!/bin/sh\ncurl \\\n", "b.sh": f"curl {header} https://h.invalid\n"})
    return Case()


@carrier("private key, 40 kB long")
def _(lab: Lab) -> Case:
    first, *rest = private_key(lab.work.path).splitlines(keepends=True)
    lab.work.commit(files={"id": first + "".join(rest[:-1]) * 26 + rest[-1]})
    return Case()


# --- history -----------------------------------------------------------------------------------


def _topic(lab: Lab, name: str, start: str = "HEAD") -> None:
    lab.work.git("checkout", "--quiet", "-B", name, start)


@carrier("content of a merge only")
def _(lab: Lab) -> Case:
    _topic(lab, "side", "HEAD^")
    lab.work.commit(files={"side.txt": "side\n"})
    _topic(lab, "topic", "origin/main")
    lab.work.git("merge", "--quiet", "--no-ff", "--no-commit", "side")
    lab.work.commit(files={"evil.txt": lab.line})
    return Case()


@carrier("second parent")
def _(lab: Lab) -> Case:
    _topic(lab, "side", "HEAD^")
    lab.work.commit(files={"side.txt": lab.line})
    _topic(lab, "topic", "origin/main")
    lab.work.git("merge", "--quiet", "--no-ff", "--strategy=ours", "-m", "merge", "side")
    return Case()


@carrier("content of an octopus merge only")
def _(lab: Lab) -> Case:
    for name in ("one", "two"):
        _topic(lab, name, "origin/main")
        lab.work.commit(files={f"{name}.txt": f"{name}\n"})
    _topic(lab, "topic", "origin/main")
    lab.work.git("merge", "--quiet", "-m", "three", "one", "two")
    lab.work.write("README.md", lab.line)
    lab.work.git("add", "--all")
    lab.work.git("commit", "--quiet", "--amend", "--no-edit")
    return Case()


@carrier("root commit of an orphan branch")
def _(lab: Lab) -> Case:
    lab.work.git("checkout", "--quiet", "--orphan", "lone")
    lab.work.commit(files={"README.md": lab.line})
    return Case()


@carrier("last of three refs", alone=True)
def _(lab: Lab) -> Case:
    one = lab.work.commit(files={"one": "1\n"})
    two = lab.work.commit(files={"two": "2\n"})
    lab.work.commit(files={"three": lab.line})
    return Case((f"{one}:refs/heads/one", f"{two}:refs/heads/two", "HEAD:refs/heads/zzz"))


@carrier("forced push beside a deletion", alone=True)
def _(lab: Lab) -> Case:
    lab.server.git("branch", "old", "main")
    lab.work.git("fetch", "--quiet")
    _topic(lab, "topic", "HEAD^")
    lab.work.commit(files={"a": lab.line})
    return Case(("+HEAD:refs/heads/main", ":refs/heads/old"))


# --- messages and headers ----------------------------------------------------------------------


@carrier("commit message")
def _(lab: Lab) -> Case:
    lab.work.commit(f"a change\n\n{lab.line}")
    return Case()


@carrier("commit message, UTF-16")
def _(lab: Lab) -> Case:
    return _case_of(lab, _raw_commit(lab, headers=b"encoding UTF-16\n", message=lab.line.encode("utf-16")))


@carrier("commit message, after a NUL")
def _(lab: Lab) -> Case:
    return _case_of(lab, _raw_commit(lab, message=b"a change\n\0" + lab.line.encode()))


@carrier("commit message that looks like a header")
def _(lab: Lab) -> Case:
    return _case_of(lab, _raw_commit(lab, message=f"author {lab.token}\ntree {lab.token}\n".encode()))


@carrier("author name")
def _(lab: Lab) -> Case:
    return _case_of(lab, _raw_commit(lab, author=lab.token.encode() + b" <a@b.invalid>"))


@carrier("author address")
def _(lab: Lab) -> Case:
    return _case_of(lab, _raw_commit(lab, author=b"A <" + lab.token.encode() + b"@b.invalid>"))


@carrier("extra commit header")
def _(lab: Lab) -> Case:
    return _case_of(lab, _raw_commit(lab, headers=f"x-note {lab.token}\n".encode()))


@carrier("gpgsig header")
def _(lab: Lab) -> Case:
    return _case_of(
        lab,
        _raw_commit(
            lab,
            headers=f"gpgsig -----BEGIN PGP SIGNATURE-----\n \n {lab.token}\n -----END PGP SIGNATURE-----\n".encode(),
        ),
    )


@carrier("mergetag header")
def _(lab: Lab) -> Case:
    return _case_of(
        lab,
        _raw_commit(
            lab,
            headers=(
                f"mergetag object {'0' * 40}\n type commit\n tag x\n tagger {lab.token} <a@b> 1 +0000\n \n x\n"
            ).encode(),
        ),
    )


@carrier("private key in a commit message")
def _(lab: Lab) -> Case:
    lab.work.commit(private_key(lab.work.path))
    return Case()


@carrier("tag message", alone=True)
def _(lab: Lab) -> Case:
    lab.work.git("tag", "-a", "v1", "-m", lab.line)
    return Case(("refs/tags/v1",), head="v1")


@carrier("message of a tag within a tag", alone=True)
def _(lab: Lab) -> Case:
    lab.work.git("tag", "-a", "inner", "-m", lab.line)
    lab.work.git("tag", "-a", "outer", "-m", "fine", "inner")
    return Case(("refs/tags/outer",), head="outer")


def _tag_of(lab: Lab, kind: str, oid: str) -> Case:
    tag = lab.work.object("tag", f"object {oid}\ntype {kind}\ntag v1\ntagger A <a@b.invalid> 1 +0000\n\nx\n".encode())
    return Case((f"{tag}:refs/tags/v1",), head="")


@carrier("tag of a file", alone=True)
def _(lab: Lab) -> Case:
    return _tag_of(lab, "blob", lab.work.object("blob", lab.line.encode()))


@carrier("tag of a tree", alone=True)
def _(lab: Lab) -> Case:
    blob = lab.work.object("blob", lab.line.encode())
    return _tag_of(lab, "tree", lab.work.git("mktree", stdin=f"100644 blob {blob}\ta\n".encode()))


@carrier("ref to a file", alone=True)
def _(lab: Lab) -> Case:
    return Case((f"{lab.work.object('blob', lab.line.encode())}:refs/x/y",), head="")


@carrier("ref to a tree", alone=True)
def _(lab: Lab) -> Case:
    blob = lab.work.object("blob", lab.line.encode())
    return Case((f"{lab.work.git('mktree', stdin=f'100644 blob {blob}	a'.encode())}:refs/x/y",), head="")


@carrier("ref name", alone=True)
def _(lab: Lab) -> Case:
    return Case((f"HEAD:refs/heads/{lab.token}",), head="")


@carrier("tag name", alone=True)
def _(lab: Lab) -> Case:
    return Case((f"HEAD:refs/tags/{lab.token}",), head="")


# --- trees -------------------------------------------------------------------------------------


def _commit_tree(lab: Lab, tree: str) -> Case:
    commit = lab.work.git("commit-tree", tree, "-p", "HEAD", "-m", "a change")
    return _case_of(lab, commit)


@carrier("name of an empty directory", alone=True)
def _(lab: Lab) -> Case:
    empty = lab.work.object("tree", b"")
    return _commit_tree(lab, lab.work.git("mktree", stdin=f"040000 tree {empty}\t{lab.token}\n".encode()))


for _mode in ("160000", "0160000", "160755", "150000", "7"):

    @carrier(f"submodule id that spells a token, mode {_mode}", alone=True)
    def _(lab: Lab, mode: str = _mode) -> Case:
        # kingfisher has no rule for an AWS key id alone, and no other token has twenty bytes.
        tree = lab.work.object("tree", f"{mode} sub\0{aws_key_id()}".encode())
        return replace(_commit_tree(lab, tree), only="gitleaks")


@carrier("tree with an entry twice")
def _(lab: Lab) -> Case:
    entries = b"".join(
        b"100644 a\0" + bytes.fromhex(lab.work.object("blob", content)) for content in (b"fine\n", lab.line.encode())
    )
    return _commit_tree(lab, lab.work.object("tree", entries))


@carrier("tree with odd modes")
def _(lab: Lab) -> Case:
    entry = b"0000100600 a\0" + bytes.fromhex(lab.work.object("blob", lab.line.encode()))
    return _commit_tree(lab, lab.work.object("tree", entry))


# --- configuration -----------------------------------------------------------------------------


@carrier("pushed .gitleaks.toml, .gitleaksignore and kingfisher.yaml")
def _(lab: Lab) -> Case:
    allow = "[allowlist]\npaths = ['''.*''']\n"
    lab.work.commit(
        files={".gitleaks.toml": allow, ".gitleaksignore": "a.txt:github-pat:1\n", "kingfisher.yaml": "x: 1\n"}
    )
    lab.work.commit(files={"a.txt": lab.line})
    return Case()


@carrier("pushed list of exceptions")
def _(lab: Lab) -> Case:
    fields = {"hash": f"hmac-sha256:{'0' * 64}", "path": "a.txt", "rule": "github-pat", "owner": "me", "reason": "why"}
    rows = "".join(f"    {name}: '{value}'\n" for name, value in fields.items())
    entry = f"---\nschema: orch.allowed-secrets/1\nentries:\n  -\n{rows}    expires: '2099-01-01'\n---\n"
    lab.work.commit(files={".orch-gates/allowed-secrets.md": entry, "a.txt": lab.line})
    return Case()


@carrier("replace ref, pushed", alone=True)
def _(lab: Lab) -> Case:
    evil = lab.work.commit(files={"a.txt": lab.line})
    lab.work.git("reset", "--quiet", "--hard", "origin/main")
    return Case((f"{evil}:refs/replace/{_head(lab)}",), head=evil)


@carrier("replace ref that hides the leak", alone=True)
def _(lab: Lab) -> Case:
    evil = lab.work.commit(files={"a.txt": lab.line})
    lab.work.git("replace", evil, "origin/main")
    lab.server.git("update-ref", f"refs/replace/{evil}", "main")
    return Case((f"{evil}:refs/heads/topic",), head=evil)


@carrier("grafts file that hides the leak", alone=True)
def _(lab: Lab) -> Case:
    lab.work.commit(files={"a.txt": lab.line})
    lab.work.commit(files={"a.txt": "gone\n"})
    graft = f"{_head(lab)} {lab.work.git('rev-parse', 'origin/main')}\n"
    for folder in (lab.work.path / ".git/info", lab.server.path / "info"):
        folder.mkdir(exist_ok=True)
        (folder / "grafts").write_text(graft)

    def push() -> Done:
        unharmed = {"GIT_GRAFT_FILE": os.devnull}
        return run("git", "push", "-q", "origin", "HEAD:refs/heads/topic", cwd=lab.work.path, env=unharmed)

    return Case(push=push)


@carrier("hostile git configuration", alone=True)
def _(lab: Lab) -> Case:
    lab.work.commit(files={"a.txt": lab.line})
    hostile = {
        "color.ui": "always",
        "color.diff": "always",
        "diff.orderFile": "/nonexistent",
        "diff.external": "true",
        "log.showRoot": "false",
        "diff.noprefix": "true",
        "diff.renames": "copies",
        "core.quotePath": "false",
        "core.attributesFile": "/nonexistent",
        "diff.algorithm": "patience",
        "diff.ignoreSubmodules": "all",
        "core.bigFileThreshold": "1",
        "diff.renameLimit": "1",
        "log.showSignature": "true",
        "format.pretty": "%H",
        "diff.relative": "true",
        "core.fsmonitor": "false",
        "status.showUntrackedFiles": "no",
    }
    for repo in (lab.work, lab.server):
        for name, value in hostile.items():
            repo.git("config", name, value)
    return Case()


@carrier("shallow clone", alone=True)
def _(lab: Lab) -> Case:
    lab.work.commit(files={"a.txt": lab.line})
    lab.work.commit(files={"a.txt": "gone\n"})
    (lab.work.path / ".git/shallow").write_text(_head(lab) + "\n")
    return Case()


@carrier("object that no ref reaches", alone=True)
def _(lab: Lab) -> Case:
    evil = lab.work.object("blob", lab.line.encode())
    commit = lab.work.commit(files={"fine.txt": "fine\n"})
    wanted = f"{commit}\n^origin/main\n".encode()
    listed = lab.work.git("rev-list", "--objects", "--stdin", stdin=wanted).split("\n")
    names = "".join(line.split(" ")[0] + "\n" for line in listed) + evil + "\n"
    pack = run("git", "pack-objects", "--stdout", "-q", cwd=lab.work.path, stdin=names.encode()).stdout
    command = f"{'0' * 40} {commit} refs/heads/topic\0report-status".encode()
    request = f"{len(command) + 4:04x}".encode() + command + b"0000" + pack

    def push() -> Done:
        done = run("git", "receive-pack", lab.server.path, cwd=lab.server.path, stdin=request)
        accepted = b"ok refs/heads/topic" in done.stdout
        done.returncode, done.stderr = int(not accepted), done.stderr + done.stdout
        return done

    return Case(head="", push=push)
