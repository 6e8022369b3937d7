"""Markdown with YAML frontmatter: the form of every report and state document (SEC-8, ST-1, OWN-3)."""
