"""What is asked of a forge, by meaning; failures are typed, never an empty answer (SPEC §2, P2)."""
