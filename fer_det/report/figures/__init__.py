"""One file a figure; each takes figures of scores.json and gives a Figure."""
