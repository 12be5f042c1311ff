"""Scores of a detector or classifier of expressions; knows predictions and labels, but no model.

picture           ScoredPicture: labelled faces and detections of one picture
protocol          Protocol, the scoring protocol; hash of a split
predictions       three rules -> one prediction for each labelled face
recognition       confusion matrix, accuracy, recall, macro-F1, bootstrap intervals
average_precision COCO's AP
calibration       expected calibration error, temperature scaling
evaluate          ScoredPictures -> Evaluation, which holds all of these
scores_file       Evaluation -> scores.json, and back
comparison        several scores.json -> paired tests
table             Evaluation or Comparison -> text
"""
