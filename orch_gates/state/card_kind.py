"""The document of a task's card on the state branch; only orch-gates writes it."""

from __future__ import annotations

from orch_gates.model.card import Card
from orch_gates.state import layout
from orch_gates.state.kinds import DocumentKind, Example

CARD = DocumentKind(
    model=Card,
    path=layout.CARD_PATH,
    keys={"task": "task"},
    ours=("task", "shown"),
    ours_alone=True,
    example=Example(
        {
            "task": "T-1",
            "shown": [
                {
                    "channel": "telegram",
                    "place": "123456789 -1001234567890 0",
                    "digest": "ab" * 32,
                    "message": 4711,
                    "claim": None,
                    "not_before": None,
                    "limited": False,
                    "problem": "",
                }
            ],
        },
        "\n# T-1: what people were shown\n",
    ),
)
