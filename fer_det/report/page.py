"""The report's page: figures, tables and gallery put into the template, and written whole."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from fer_det.core.sample import MADE_CAUTION
from fer_det.io.files import write_text
from fer_det.report import tables
from fer_det.report.figures.beside_published import draw_beside_published
from fer_det.report.figures.box_sizes import draw_box_sizes
from fer_det.report.figures.class_counts import ClassCounts, draw_class_counts, in_an_epoch
from fer_det.report.figures.learning_curves import draw_learning
from fer_det.report.figures.precision_recall import draw_detection_curves, draw_given_curves
from fer_det.report.figures.recall_bars import draw_recalls
from fer_det.report.figures.reliability import draw_reliability
from fer_det.report.gallery import hang
from fer_det.report.published import PUBLISHED, is_rafdb_test
from fer_det.report.source import ReportSource
from fer_det.report.svg import Figure

_TEMPLATE, _STYLE = "report.html.j2", "style.css"


def write_report(path: Path, source: ReportSource) -> None:
    """Write the page, whole or not at all; its folder must be there."""
    write_text(path, render_report(source))


def render_report(source: ReportSource) -> str:
    """The page as HTML."""
    return render(_TEMPLATE, **_parts(source))


def render(template: str, **parts: Any) -> str:
    """A template of this package with the style sheet in it; everything unknown is an error."""
    environment = Environment(
        loader=PackageLoader("fer_det.report", "template"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    # The style sheet is ours, so it goes in as it is.
    style = Markup(environment.get_template(_STYLE).render())
    return environment.get_template(template).render(style=style, **parts)


def _parts(source: ReportSource) -> dict[str, Any]:
    scores, faces = source.scores, source.faces
    return {
        "source": source,
        "protocol": source.protocol,
        "caution": MADE_CAUTION if source.made else "",
        "tiles": tables.tiles(source) if faces else (),
        "rule_words": tables.RULES,
        "rules": tables.rules_table(scores),
        "recalls": _recalls(source),
        "others": tuple(_others(source)),
        "elsewhere": "" if _is_rafdb(source) else _why_not_beside(source),
        "confusion": tuple(tables.confusion(source)),
        "columns": scores["confusion_columns"],
        "doubts": tuple(_doubts(source)),
        "learning": draw_learning(source.records, source.info.get("epoch")),
        "data": tuple(_data(source)),
        "data_tables": tables.data_tables(source),
        "walls": hang(faces, scores["classes"], source.primary, source.load),
        "conditions": tables.conditions(source),
        "settings": tables.settings(source),
    }


def _is_rafdb(source: ReportSource) -> bool:
    return not source.made and is_rafdb_test(source.protocol["listed"])


def _recalls(source: ReportSource) -> Figure:
    baselines = PUBLISHED if _is_rafdb(source) else ()
    return draw_recalls(source.rule, source.scores["n_by_class"], baselines)


def _others(source: ReportSource) -> Iterator[Figure]:
    if _is_rafdb(source):
        yield draw_beside_published(source.rule)


def _why_not_beside(source: ReportSource) -> str:
    if source.made:
        return "These are made faces, so no published result stands beside them."
    listed = source.protocol["listed"]
    ours = "an unknown number of" if listed is None else f"{sum(listed.values()):,}"
    return (
        "Published results on RAF-DB are not drawn here: its test split lists 3,068 faces, and "
        f"this one lists {ours} faces, so it is another data set."
    )


def _doubts(source: ReportSource) -> Iterator[Figure]:
    scores = source.scores
    if scores["ap"] is not None:
        yield draw_detection_curves(scores["ap"], scores["n_by_class"])
    else:
        yield draw_given_curves(source.faces, scores["classes"], scores["n_by_class"])
    yield draw_reliability(source.rule["calibration"], source.protocol["temperature"])


def _data(source: ReportSource) -> Iterator[Figure]:
    states = tuple(_states(source))
    if states:
        yield draw_class_counts(states)
    if source.faces:
        size = source.protocol["input_size"]
        side = size if isinstance(size, int) else size[0]
        yield draw_box_sizes(source.faces, source.primary, side)


def _states(source: ReportSource) -> Iterator[ClassCounts]:
    found = source.data.training
    if not found:
        return
    yield ClassCounts("in the data set", found)
    after = source.data.balanced or found
    if source.data.balanced:
        yield ClassCounts("after balancing", after)
    power = source.info.get("train_config", {}).get("balance", 0)
    if power:
        yield ClassCounts("drawn in an epoch, about", in_an_epoch(after, power))
