"""The board as a table in a terminal."""

from __future__ import annotations

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from orch_gates.engine.board import Board
from orch_gates.report.tasks import shown, waiting_line

_STYLES = {
    "active": "green",
    "deferred": "yellow",
    "held": "magenta",
    "escalated": "red",
    "done": "dim",
    "cancelled": "dim",
}


def show_board(board: Board) -> None:
    """Print the board to the terminal; only states that occur have a column."""
    states = [state for state in _STYLES if any(state in row.counts for row in board.rows)]
    table = Table(title=f"tasks by stage (generation {board.generation})", title_justify="left")
    table.add_column("stage")
    for state in states:
        table.add_column(state, justify="right", style=_STYLES[state])
    table.add_column("total", justify="right")
    for row in board.rows:
        table.add_row(row.stage, *(str(row.counts.get(state, "")) for state in states), str(row.total or ""))
    console = Console()
    console.print(table)
    for task in board.attention:
        console.print(f"[bold red]waits for a person:[/] {escape(shown(waiting_line(task)))}")
    for lease in board.held_leases:
        console.print(f"merge lease of {escape(shown(lease.target))}: {escape(shown(lease.holder))}")
    if board.quarantined:
        console.print(f"[red]{board.quarantined} files cannot be read:[/] `orch-gates state lint` names them")
