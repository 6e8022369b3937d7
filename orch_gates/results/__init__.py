"""Results of test runs as runners write them, read without trust into one model (STG-1)."""
