"""What a training trains for: detection, classification, face attributes."""
