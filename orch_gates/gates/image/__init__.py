"""Whether an image that was tested is the image of a commit (IMG-1)."""
