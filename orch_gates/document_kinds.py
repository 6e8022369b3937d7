"""Every kind of document that this program knows: the state's own, and those that an adapter brings."""

from __future__ import annotations

from orch_gates.forge.local import kinds as local
from orch_gates.state.card_kind import CARD
from orch_gates.state.deploy_kinds import DEPLOYS
from orch_gates.state.kinds import CORE, Kinds

KINDS = Kinds((*CORE, CARD, *DEPLOYS, *local.KINDS))
