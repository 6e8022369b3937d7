"""What fails silently, and the scanners."""
