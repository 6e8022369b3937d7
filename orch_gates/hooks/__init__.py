"""Git hooks: what they read, what they refuse, how they are installed."""
