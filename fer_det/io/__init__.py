"""Files: atomic writing and the VOC folder."""
