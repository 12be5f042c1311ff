"""Videos and cameras: reading, tracking, drawing, timelines."""
