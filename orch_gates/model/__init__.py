"""What the words mean: values shared by every layer; pure."""
