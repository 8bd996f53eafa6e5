"""Installs, starts, measures and stops what is compared. Standard library only."""
