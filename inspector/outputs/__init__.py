"""Outputs: everything that acts on the line itself, and has a safe state."""
