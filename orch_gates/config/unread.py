"""Variables that look like settings and are read by nobody: a misspelled switch switches nothing."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping

from orch_gates.config.table import BY_VARIABLE

_PREFIX = "ORCH_"
# What is no setting: said by a job to its command, by actions to their shell, by the hooks' own text, and to our tests.
_HANDED_OVER = frozenset(
    {
        *("ORCH_STAGE", "ORCH_BRANCH", "ORCH_HEAD", "ORCH_NUMBER", "ORCH_FEEDBACK", "ORCH_FEEDBACK_FILE"),
        *("ORCH_GENERATION", "ORCH_DEPLOY", "ORCH_ENVIRONMENT", "ORCH_ROLLBACK_OF"),
        *("ORCH_GATES", "ORCH_GATES_BIN", "ORCH_TOKEN", "ORCH_REQUIRE_REAL", "ORCH_GITEA_BIN", "ORCH_RUNNER_BIN"),
    }
)
_INPUTS = "ORCH_INPUT_"


def unread(variables: Iterable[str], token_env: str) -> Mapping[str, str]:
    """Those of the variables that nobody reads, each with what is probably meant, empty for nothing (pure).

    `token_env` is the one that the token is in, which may have any name.
    """
    names = sorted(
        name
        for name in variables
        if name.startswith(_PREFIX)
        and name not in BY_VARIABLE
        and name not in _HANDED_OVER
        and name != token_env
        and not name.startswith(_INPUTS)
    )
    return {name: next(iter(difflib.get_close_matches(name, BY_VARIABLE, 1)), "") for name in names}


def line(found: Mapping[str, str]) -> str:
    """That nobody reads these, in a line."""
    names = [f"{name}{f' (did you mean {suggestion}?)' if suggestion else ''}" for name, suggestion in found.items()]
    return f"no setting is named {', '.join(names)}"
