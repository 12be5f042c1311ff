"""The MTCNN cascade in PyTorch."""
