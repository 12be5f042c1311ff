"""Glasses, masks, headgear and hands, drawn over a finished head."""
