"""The outputs of `--json`: what each holds, from which its published JSON Schema is made (GATE-4)."""
