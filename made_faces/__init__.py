"""Renderer of synthetic faces with expressions, written in the folder layouts of RAF-DB and CK+."""
