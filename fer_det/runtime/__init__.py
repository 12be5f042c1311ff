"""Device and precision, processes, memory, progress."""
