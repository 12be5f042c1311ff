"""What people wear and hold: glasses, hats, masks, a hand before the face."""
