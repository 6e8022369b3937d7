"""Gitea, and Forgejo, which is asked the same way; where they differ, the server is asked which it is."""
