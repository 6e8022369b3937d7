"""GitHub: github.com, its data residency domains, and Enterprise Server."""
