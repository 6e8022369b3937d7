"""What programs read of `config show --json` stays as it is; a new setting adds a line."""

from __future__ import annotations

import json
from pathlib import Path

from orch_gates import settings
from orch_gates.cli.config import view as config_view
from orch_gates.config.file import Config
from orch_gates.config.listing import listing

GOLDEN = Path(__file__).with_name("config_show.json")


def test_config_show_says_what_it_always_said() -> None:
    """Variables, keys, defaults and the pipeline are a contract; their order is for people."""
    shown = json.loads(config_view.as_json(listing(settings.load({}), Config()), Config()))
    pinned = json.loads(GOLDEN.read_text("utf-8"))
    shown["settings"].sort(key=lambda row: row["variable"])
    assert shown == pinned
