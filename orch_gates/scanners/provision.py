"""Making the scanners ready, and believing in each only after it has found a random token (SEC-6)."""

from __future__ import annotations

import shutil
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from orch_gates import process
from orch_gates.content.bundle import Bundles
from orch_gates.content.fragments import Fragment, Origin
from orch_gates.errors import OrchError, ScannerError
from orch_gates.scanners.locate import find_gitleaks, find_scanner
from orch_gates.scanners.port import SecretScanner
from orch_gates.settings import Settings

GITLEAKS_MODULE = "github.com/zricethezav/gitleaks/v8@v8.30.1"
_BUILD_TIMEOUT_S = 900
_TRIAL_TIMEOUT_S = 120
_ORDINARY = b"def add(left, right):\n    return left + right\n"


def provision(settings: Settings) -> Iterator[str]:
    """Prepare and try every scanner; yields a line about each.

    Raises:
        ScannerError: none of them works.
    """
    env = settings.inherited_env
    if find_gitleaks(settings.tools, env) is None:
        yield from _build_gitleaks(settings)
    _make_rule_cache(settings)
    working = 0
    for name in ("gitleaks", "kingfisher"):
        try:
            scanner = find_scanner(name, settings.tools, env)
            _try(scanner)
        except OrchError as error:
            yield f"{name}: not usable: {error}"
        else:
            working += 1
            yield f"{name}: works ({scanner.engine.path})"
    if not working:
        raise ScannerError("no scanner works, so no gate can pass; install Go or pip install kingfisher-bin")


def _build_gitleaks(settings: Settings) -> Iterator[str]:
    go = shutil.which("go", path=settings.inherited_env.get("PATH"))
    if go is None or settings.tools.cache_dir is None:
        yield "gitleaks: not built, Go is not installed (kingfisher will be used)"
        return
    target = settings.tools.cache_dir / "bin"
    target.mkdir(parents=True, exist_ok=True)
    yield f"gitleaks: building {GITLEAKS_MODULE} into {target}"
    with tempfile.TemporaryDirectory(dir=target.parent) as directory:
        # Go checks the module against its checksum database; its caches go with the folder.
        scratch = {"GOPATH": f"{directory}/go", "GOCACHE": f"{directory}/cache", "GOBIN": f"{directory}/bin"}
        env = {**settings.inherited_env, **scratch, "GOFLAGS": "-modcacherw"}
        done = process.run([go, "install", GITLEAKS_MODULE], env=env, timeout=_BUILD_TIMEOUT_S)
        built = list(Path(directory, "bin").glob("*"))
        if done.returncode != 0 or not built:
            yield f"gitleaks: the build failed: {done.complaint}"
            return
        built[0].replace(target / "gitleaks")


def _make_rule_cache(settings: Settings) -> None:
    """A folder for kingfisher's compiled rules, beside the program so that a server's user reads it."""
    beside = Path(sys.prefix) / "var" / "orch-gates" / "kingfisher"
    for directory in (beside, settings.tools.cache_dir / "kingfisher" if settings.tools.cache_dir else None):
        if directory is None:
            continue
        try:
            directory.mkdir(parents=True, exist_ok=True)
        except OSError:
            continue
        return


def _try(scanner: SecretScanner) -> None:
    """The scanner must find a token it has never seen, and nothing in ordinary text.

    Raises:
        ScannerError: it does not.
    """
    with tempfile.TemporaryDirectory(prefix="orch-gates-") as directory:
        bundles = Bundles(Path(directory), scanner.canary, len(_ORDINARY) + 10_000)
        bundles.write([Fragment(Origin("file", "ordinary.py", "", "trial"), 1, _ORDINARY)])
        result = scanner.scan(Path(directory), timeout=_TRIAL_TIMEOUT_S)
    found = {match.secret for match in result.matches}
    if found != set(bundles.canaries.values()):
        raise ScannerError("it does not find a random token, or finds one in ordinary text")
