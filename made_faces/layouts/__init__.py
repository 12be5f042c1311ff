"""Folder layouts of RAF-DB and CK+, and what each of their files shows."""
