"""The work of a task's stage: run, recorded, and started by itself (JOB-1)."""
