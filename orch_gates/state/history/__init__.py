"""The commits of the state branch: what each says about itself, and whether it is legal (ST-6, ST-8)."""
