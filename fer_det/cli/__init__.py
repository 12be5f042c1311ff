"""The commands, one file each; main.py lists and starts them."""
