"""The event that a workflow was started by, read the same way for Gitea, Forgejo and GitHub."""
