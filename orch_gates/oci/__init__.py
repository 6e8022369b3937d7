"""Container registries, read and tagged over HTTP: the OCI distribution API, without a daemon (IMG-1)."""
