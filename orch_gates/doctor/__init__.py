"""What a silent failure could hide: checks that look, and say what was seen and how to mend it (UX-1)."""
