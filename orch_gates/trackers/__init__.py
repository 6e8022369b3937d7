"""Where people keep their issues, by meaning: what they say of a task, and what they are told of it (TRK-1)."""
