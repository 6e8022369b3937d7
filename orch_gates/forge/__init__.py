"""What is asked of a forge, by meaning (SPEC §2)."""
