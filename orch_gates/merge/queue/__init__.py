"""The merge queue: who is queued, what an event means to it, and what is said on a pull request."""
