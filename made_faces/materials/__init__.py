"""Materials of the head, evaluated at the points that the camera sees."""
