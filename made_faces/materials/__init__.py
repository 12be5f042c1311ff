"""What the head is made of, painted on the points that the camera sees."""
