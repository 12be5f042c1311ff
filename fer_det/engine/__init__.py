"""Training: the loop, its run folder, its tasks; and the scoring of a split."""
