"""Composed pictures: labelled faces of any size on backgrounds without faces."""
