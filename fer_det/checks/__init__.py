"""What is wrong with a VOC folder, found before anything is trained on it."""
