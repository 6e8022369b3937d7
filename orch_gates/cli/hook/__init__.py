"""What git runs, on a server and in a clone."""
