"""`hooks/deploy-check`: on the host, nothing but the expected commit and image passes (IMG-2)."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from tests.blocks import ROOT

CHECK = ROOT / "hooks" / "deploy-check"
REVISION, OTHER = "a" * 40, "b" * 40
DIGEST, ANOTHER = "sha256:" + "ab" * 32, "sha256:" + "cd" * 32


def check(*args: str, revision: str = REVISION, digest: str = "", shell: str = "sh") -> tuple[int, str]:
    done = subprocess.run(
        [shell, str(CHECK), *args],
        # Nothing but what every host has.
        env={"PATH": os.defpath, "EXPECTED_REVISION": revision, "EXPECTED_DIGEST": digest},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    return done.returncode, done.stdout + done.stderr


@pytest.mark.parametrize("shell", ["sh", "bash"])
@pytest.mark.parametrize(
    ("args", "digest"),
    [
        (["--revision", REVISION], ""),
        (["--revision", REVISION, "--digest", DIGEST], DIGEST),
        (["--digest", DIGEST, "--revision", REVISION], DIGEST),
        (["--revision", REVISION, "--digest", ""], ""),
    ],
)
def test_just_what_is_expected_passes(args: list[str], digest: str, shell: str) -> None:
    code, output = check(*args, digest=digest, shell=shell)
    assert (code, output) == (0, f"deploy-check: {REVISION}{' ' + digest if digest else ''}, as expected\n")


@pytest.mark.parametrize(
    ("args", "expected", "message"),
    [
        (["--revision", OTHER], (REVISION, ""), f"the commit is {OTHER}, expected is {REVISION}"),
        (["--revision", REVISION[:10]], (REVISION, ""), "the commit is aaaaaaaaaa"),
        (["--revision", REVISION.upper()], (REVISION, ""), "expected is"),
        (["--revision", f"{REVISION} "], (REVISION, ""), "something that is no id"),
        (["--revision", f"{REVISION}\n::error::x"], (REVISION, ""), "something that is no id"),
        (["--revision", ""], (REVISION, ""), "the commit is nothing"),
        (["--revision", ""], ("", ""), "EXPECTED_REVISION holds no commit id"),
        (["--revision", "main"], ("main", ""), "EXPECTED_REVISION holds no commit id"),
        (["--revision", "abc"], ("abc", ""), "EXPECTED_REVISION holds no whole commit id"),
        ([], (REVISION, ""), "name what was unpacked"),
        (["--digest", DIGEST], (REVISION, DIGEST), "name what was unpacked"),
        (["--revision", REVISION], (REVISION, DIGEST), "an image is expected"),
        (["--revision", REVISION, "--digest", ANOTHER], (REVISION, DIGEST), f"the image is {ANOTHER}"),
        (["--revision", REVISION, "--digest", ""], (REVISION, DIGEST), "the image is nothing"),
        (["--revision", REVISION, "--digest", DIGEST], (REVISION, ""), "none is expected"),
        (["--revision"], (REVISION, ""), "--revision needs a value"),
        (["--revison", REVISION], (REVISION, ""), "--revison is no option"),
        (["--revision-file", "/no/such/file"], (REVISION, ""), "there is no file --revision-file"),
        (["--revision-file", "/"], (REVISION, ""), "there is no file --revision-file"),
    ],
)
def test_anything_else_is_refused(args: list[str], expected: tuple[str, str], message: str) -> None:
    """Exit 2, also where it cannot be told; what anybody may have written acts on no terminal and no runner."""
    code, told = check(*args, revision=expected[0], digest=expected[1])
    assert code == 2
    assert message in told
    assert told.startswith("deploy-check: refused: ")
    assert told.count("\n") == 1


@pytest.mark.parametrize(
    ("text", "code"),
    [
        (REVISION, 0),
        (f"{REVISION}\n", 0),
        (f"  {REVISION}  \nmore\n", 0),
        ("", 2),
        ("\n", 2),
        (f"{REVISION} {OTHER}\n", 2),
        (f"{REVISION}\\\n", 2),
        (f"{REVISION}\r\n", 2),
    ],
)
def test_a_file_holds_one_word(tmp_path: Path, text: str, code: int) -> None:
    (tmp_path / "REVISION").write_bytes(text.encode())
    (tmp_path / "DIGEST").write_text(DIGEST)
    files = ("--revision-file", str(tmp_path / "REVISION"), "--digest-file", str(tmp_path / "DIGEST"))
    assert check(*files, digest=DIGEST)[0] == code
