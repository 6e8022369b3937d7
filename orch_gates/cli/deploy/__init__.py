"""Deploys, the environments they change, and watching them."""
