"""One carrier judged by one engine, from the command line and in a push."""

from __future__ import annotations

import shutil
from pathlib import Path

from tests.builders import Done, Template, github_token, orch
from tests.corpus.carriers import CARRIERS, Lab

ENTRIES = ("gate", "push")
CAUGHT, REFUSED, PASSED, BROKEN, NONE = "caught", "refused", "PASSED", "BROKEN", "-"


def cells(template: Template, name: str, folder: Path) -> dict[str, str]:
    """The answer at each entry; also PASSED where the token is shown to the reader (SEC-5)."""
    server, work = template.pair(folder)
    token = github_token()
    case = CARRIERS[name](Lab(work, server, token))
    answers = dict.fromkeys(ENTRIES, NONE)
    if case.only not in {"", template.engine}:
        shutil.rmtree(folder)
        return answers
    if case.head:
        done = orch(
            *("gate", "security", "--base", case.base, "--head", case.head),
            cwd=work.path,
            env={"ORCH_SECURITY_ENGINE": template.engine},
        )
        answers["gate"] = _answer(done, b"", token)
    done = case.push() if case.push else work.push(*case.refspecs)
    answers["push"] = _answer(done, b"orch-gates: push refused", token)
    shutil.rmtree(folder)
    return answers


def _answer(done: Done, said: bytes, token: str) -> str:
    text = done.stdout + done.stderr
    if done.returncode == 0:
        return PASSED
    if b"Traceback" in text or b"bug in orch-gates" in text:
        return BROKEN
    if said and said not in text:
        return f"{REFUSED} by git"
    # git itself repeats the name of a ref.
    ours = b"\n".join(line for line in text.splitlines() if b"orch-gates" in line or b"rule" in line)
    if token.encode() in ours:
        return PASSED
    return CAUGHT if b"secret" in text and b"found" in text and b"not proven" not in text else REFUSED
