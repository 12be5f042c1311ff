"""Pictures as arrays: decoding, affine changes, views, jitter."""
