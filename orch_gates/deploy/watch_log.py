"""The log of a watch in its task's folder: verdict, reaction and what was seen, as people read it (WCH-4)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from orch_gates.deploy import watches
from orch_gates.deploy.watch_ends import reaction_text
from orch_gates.documents import escape, frontmatter
from orch_gates.engine.watch_assessment import WatchRules, classify
from orch_gates.model.ids import TaskId, timestamp
from orch_gates.model.watch import Watch
from orch_gates.report import watch_view
from orch_gates.state import layout
from orch_gates.state.snapshot import Snapshot
from orch_gates.tasks import book

FILE = "16-post-deploy-log.md"
GATE = "post-deploy"
OPEN = "WATCHING"


def written(snapshot: Snapshot, watch: Watch, rules: WatchRules, now: datetime) -> Mapping[str, str]:
    """The file of the log; none of a rollback's watch, or of an archived task: its reports are what they were."""
    if watch.rollback_of or book.find(snapshot, watch.task) is None:
        return {}
    samples = watches.samples_of(watch)
    judged = classify(samples, rules, watches.before(watch))
    word, reason = watch.verdict.value or OPEN, watch.reason or judged.reason
    values: dict[str, object] = {
        "schema": "orch.report/1",
        "gate": GATE,
        "watch_status": word,
        "head": watch.revision,
        "reason": reason,
        "next_step": "",
        "created": timestamp(now),
        "evidence": {
            "environment": watch.environment,
            "deploy": watch.deploy,
            "digest": watch.digest,
            "coverage": judged.coverage,
            "armed": watch.armed,
            "deadline": watch.deadline,
            "reaction": watch.reaction.what.value,
            "rollback": watch.reaction.deploy,
        },
    }
    body = [f"\n# {GATE}: {word}, {judged.coverage} samples observed\n", f"{escape.markdown(reason)}\n"]
    if reaction := reaction_text(watch):
        body.append(f"Reaction: {escape.markdown(reaction)}\n")
    # Four blanks make a block of code, whatever stands in the line.
    body.append("".join(f"    {line}\n" for line in watch_view.sparklines(samples, rules)))
    if (before := watches.before(watch)) is not None:
        body.append("".join(f"    {line}\n" for line in watch_view.before(before)))
    body.append(
        f"Each mark is a moment of the window: `{watch_view.WELL}` well, `{watch_view.FAILED}` failed, "
        f"`{watch_view.MISSING}` not observed; of counts, the higher the more errors.\n"
    )
    text = frontmatter.encode(values, "\n".join(body))
    return {layout.report_path(TaskId(watch.task), FILE, watch.revision): text}
