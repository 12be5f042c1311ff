"""VGG16 with a shallow head for everything known of a synthetic face, to train the backbone."""
