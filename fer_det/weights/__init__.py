"""Model files: reading, writing, initialisation, published formats."""
