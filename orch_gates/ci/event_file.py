"""The file in which the runner leaves the event: JSON, of a bounded size; a hook's start reads it without pydantic."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from orch_gates.errors import UsageError
from orch_gates.settings import CiContext

MAX_BYTES = 25_000_000


def payload(ci: CiContext) -> dict[str, Any] | None:
    """The event of this run; None where no file is named, as outside CI.

    Raises:
        UsageError: there is a file and it is not a JSON object.
    """
    if not ci.event_path:
        return None
    path = Path(ci.event_path)
    try:
        with path.open("rb") as file:
            raw = file.read(MAX_BYTES + 1)
        if len(raw) > MAX_BYTES:
            raise UsageError(f"the event file has more than {MAX_BYTES} bytes")
        found = json.loads(raw)
    # What is nested too deeply for the reader is no ValueError.
    except (OSError, ValueError, RecursionError) as error:
        raise UsageError(f"the event file {path} cannot be read: {type(error).__name__}") from error
    if not isinstance(found, dict):
        raise UsageError(f"the event file {path} is not a JSON object")
    return found
