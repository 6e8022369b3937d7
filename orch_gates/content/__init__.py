"""What a push adds, laid out so that a line scanner sees all of it."""
