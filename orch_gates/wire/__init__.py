"""Connections over HTTP to whatever answers there: bounded in time and size, and errors by what they mean."""
