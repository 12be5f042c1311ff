"""Temperature scaling: one number that makes a model's probabilities mean what they say.

Guo, Pleiss, Sun and Weinberger, "On Calibration of Modern Neural Networks" (ICML 2017): logits are
divided by a temperature that is fitted on validation faces by their negative log-likelihood. Above
1 it takes back certainty, below 1 it adds some. The most probable expression stays the same.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

UNCHANGED = 1.0
RANGE = (0.05, 20.0)
"""Where a temperature is looked for; beyond it the validation faces tell nothing of use."""

_SMALLEST = float(np.finfo(np.float32).tiny)
_HALVINGS = 60


def apply_temperature(probabilities: NDArray[np.floating[Any]], temperature: float) -> NDArray[Any]:
    """Probabilities [N, C] of logits -> those of the logits divided by `temperature`.

    In float64, so that two different float32 probabilities stay different and the most probable
    one stays where it was; the very same array for a temperature of 1. To divide by t and then by
    1 / t changes nothing.
    """
    if temperature == UNCHANGED:
        return probabilities
    with np.errstate(divide="ignore"):
        logits = np.log(np.asarray(probabilities, np.float64)) / temperature
    return _softmax(logits)


def fit_temperature(probabilities: NDArray[np.floating[Any]], labels: NDArray[np.int64]) -> float:
    """The temperature under which labels [F] in 1..C are most likely, given [F, C]; in RANGE.

    One face's worth of doubt is spread over all classes. Without it a model that is right about
    every validation face would become infinitely sure of itself. 1 for no faces.
    """
    faces, classes = probabilities.shape
    if faces == 0:
        return UNCHANGED
    logits = np.log(np.maximum(np.asarray(probabilities, np.float64), _SMALLEST))
    wanted = np.full((faces, classes), 1 / classes)
    wanted[np.arange(faces), labels - 1] += faces
    target = float((logits * wanted / (faces + 1)).sum())
    # The likelihood is concave in 1 / temperature, so its slope has one zero.
    low, high = (np.log(1 / temperature) for temperature in reversed(RANGE))
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        expected = float((_softmax(logits * np.exp(middle)) * logits).sum())
        low, high = (middle, high) if expected < target else (low, middle)
    return float(np.exp(-(low + high) / 2))


def _softmax(logits: NDArray[np.float64]) -> NDArray[np.float64]:
    powers = np.exp(logits - logits.max(axis=1, keepdims=True, initial=-np.inf))
    return np.asarray(powers / powers.sum(axis=1, keepdims=True))
