"""The only access to git: processes in `cli`, object reading in `objects`."""
