"""Published files of VGG16's weights: their formats, readers, conversion and download.

A new published file is one entry in published.py; a new kind of file is also one module with a
reader. No reader runs anything that a file holds, and none allocates memory by a number in the file
before the file's own size has shown that the number can be true.
"""
