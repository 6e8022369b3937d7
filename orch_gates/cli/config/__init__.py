"""What configures a repository, and what `--json` prints."""
