"""The commands that make and change VOC folders, one file a command."""
