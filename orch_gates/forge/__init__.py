"""One port for every forge, and an adapter for each."""
