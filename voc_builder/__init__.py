"""Raw data sets to a VOC folder of face boxes with expression labels."""
