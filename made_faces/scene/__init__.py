"""Settings of a photograph, backgrounds, and the camera's image processing."""
