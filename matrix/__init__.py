"""Decides what to measure, measures it, and keeps what was found."""
