"""Settings as data, and how one gets its value; pure."""
