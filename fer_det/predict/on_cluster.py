"""Predict pictures on the nodes of a Ray cluster, chunk by chunk, as one machine would."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path

from fer_det.config.model import Precision
from fer_det.config.predict import PredictConfig
from fer_det.predict.pictures import Chunk, PictureDone, predict_chunk
from fer_det.predict.predictor import Predictor
from fer_det.runtime.memory import keep_freed_memory
from fer_det.runtime.ray_pool import map_on_ray


@dataclass(frozen=True)
class PredictorPlan:
    """All that a node needs to make its predictor."""

    weights: Path
    on_gpu: bool
    precision: Precision
    """Chosen once for the whole cluster: the processors of its nodes may differ."""
    config: PredictConfig


def predict_on_cluster(
    chunks: Sequence[Chunk], plan: PredictorPlan, out: Path, found_by: Counter[str]
) -> Iterator[PictureDone]:
    """Yield the work of all chunks in order, without pixels. To be called within ray_pool.connect.

    out: the folder of the drawings. found_by: Predictor.found_by, to be added to. Raises what
    `map_on_ray` and Predictor.from_checkpoint raise.
    """
    shared = (plan.weights, out)
    for done, found in map_on_ray(
        partial(_predict, plan), chunks, gpus=int(plan.on_gpu), shared=shared
    ):
        found_by.update(found)
        yield from done


def _predict(plan: PredictorPlan, chunk: Chunk) -> tuple[list[PictureDone], Counter[str]]:
    predictor = _make_predictor(plan)
    predictor.found_by.clear()
    done = [each.without_pixels() for each in predict_chunk(chunk, predictor, plan.config)]
    return done, Counter(predictor.found_by)


@cache
def _make_predictor(plan: PredictorPlan) -> Predictor:
    """One a process, made at its first chunk."""
    keep_freed_memory()
    config, device = plan.config, "cuda" if plan.on_gpu else "cpu"
    return Predictor.from_checkpoint(plan.weights, device, plan.precision, config, config.backend)
