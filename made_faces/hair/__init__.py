"""Hair on the head, from hairline to strands."""
