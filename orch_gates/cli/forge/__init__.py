"""The forge, its events, issues and notices."""
