"""Setting orch-gates up in a repository: what is there, what to write, and what to set at the forge (UX-1)."""
