"""Plain data types: expressions, boxes, samples, detections."""
