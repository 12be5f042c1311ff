"""Losses beside the detector's own."""
