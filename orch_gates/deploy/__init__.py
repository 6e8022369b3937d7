"""Deploys, and the watch over what they brought to production."""
