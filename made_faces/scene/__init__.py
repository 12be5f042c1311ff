"""How a picture is taken: pose, light, background, film."""
