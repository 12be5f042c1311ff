"""The HTML report: one file without scripts that needs no network and no other file."""
