"""The pre-receive hook on a server: installed, proven, shown and taken away."""
