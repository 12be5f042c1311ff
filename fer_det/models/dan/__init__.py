"""DAN: ResNet18 and cross-attention heads that are kept apart from each other."""
