"""Credentials in calls and results: which they are, where they stand, and where they may stay."""
