"""Glasses, masks, hats and hands drawn over a finished head."""
