"""Hair on the head, from the haircut to single strands."""
