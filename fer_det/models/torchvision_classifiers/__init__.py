"""Classifiers of face crops whose networks are torchvision's: ResNet, EfficientNet, VGG."""
