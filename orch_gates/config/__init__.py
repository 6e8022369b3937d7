"""`.orch-gates.yaml` and the settings it may set, each with its origin (P5)."""
