"""The converter: raw data sets to a VOC folder."""
