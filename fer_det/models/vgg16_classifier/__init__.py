"""A classifier of expressions in given boxes: backbone and box head of vgg16_frcnn."""
