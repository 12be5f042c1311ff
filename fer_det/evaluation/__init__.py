"""Evaluating a detector as a classifier; knows detections, not models."""

from fer_det.evaluation.picture import ScoredPicture
from fer_det.evaluation.protocol import Protocol, hash_pictures, split_hash
from fer_det.evaluation.report import EvaluationReport, RuleScores, evaluate

__all__ = [
    "EvaluationReport",
    "Protocol",
    "RuleScores",
    "ScoredPicture",
    "evaluate",
    "hash_pictures",
    "split_hash",
]
