"""A bare repository on a disk as a forge: what a server would keep is on the state branch (ADR 10)."""
