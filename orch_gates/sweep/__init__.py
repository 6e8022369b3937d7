"""The scheduled tick: it notices what died or got lost, and moves what is stuck (SWP-1)."""
