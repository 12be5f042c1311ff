"""Evaluating a detector as a classifier; knows detections, not models."""

from fer_det.evaluation.evaluate import EvaluationReport, RuleScores, evaluate
from fer_det.evaluation.picture import ScoredPicture
from fer_det.evaluation.protocol import Protocol, hash_pictures, split_hash
from fer_det.evaluation.scores_file import SCORES, read_scores, write_scores

__all__ = [
    "EvaluationReport",
    "Protocol",
    "RuleScores",
    "ScoredPicture",
    "evaluate",
    "SCORES",
    "read_scores",
    "write_scores",
    "hash_pictures",
    "split_hash",
]
