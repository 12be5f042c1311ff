from pathlib import Path

import pytest
from fake_data import emotionet as fake

from fer_det.core.expression import Expression
from fer_det.core.sample import Sample
from fer_det.errors import ConfigError, DatasetFormatError
from voc_builder.readers.emotionet import Options, expression_of_units, read

RULE = Options(rule="ekman")


def units(active: tuple[int, ...], unknown: tuple[int, ...] = ()) -> dict[int, int | None]:
    return {unit: None if unit in unknown else int(unit in active) for unit in (*fake.UNITS, 7, 23)}


def test_it_is_refused_without_a_rule(tmp_path: Path) -> None:
    fake.write(tmp_path)
    with pytest.raises(ConfigError, match=r"action units and no expressions.*options\.rule ekman"):
        list(read(tmp_path, Options()))


@pytest.mark.parametrize(
    ("active", "found"),
    [
        ((6, 12, 25), Expression.HAPPINESS),
        ((1, 2, 5, 26), Expression.SURPRISE),
        # Contains surprise's units; the larger prototype decides.
        ((1, 2, 4, 5, 26), Expression.FEAR),
        ((1, 4, 15), Expression.SADNESS),
        ((9, 25), Expression.DISGUST),
        ((4, 5, 7, 23), Expression.ANGER),
        ((), Expression.NEUTRAL),
        ((25,), "action units of no prototype"),
        ((6, 12, 15), "action units of several prototypes"),
    ],
)
def test_prototypes(active: tuple[int, ...], found: Expression | str) -> None:
    assert expression_of_units(units(active)) == found


def test_unknown_units_are_neither_active_nor_inactive() -> None:
    assert expression_of_units(units((12,), unknown=(6,))) == "action units of no prototype"
    assert expression_of_units(units((), unknown=(6,))) == "action units of no prototype"
    assert expression_of_units({}) == "action units of no prototype"


def test_rows_find_their_pictures(tmp_path: Path) -> None:
    fake.write(tmp_path)
    samples = list(read(tmp_path, RULE))
    assert [
        each.labels[0].label if each.labels else each.left_out  # type: ignore[union-attr]
        for each in samples
    ] == [
        "happiness",
        "surprise",
        "fear",
        "sadness",
        "disgust",
        "neutral",
        "action units of no prototype",
        "happiness",
    ]
    assert samples[0].picture.name == "images/N_0000000000.jpg"
    assert samples[0].attributes == {"action_units": "6 12 25", "rule": "ekman"}


def test_pictures_that_were_not_fetched_are_absent(tmp_path: Path) -> None:
    fake.write(tmp_path)
    (tmp_path / "images" / "N_0000000001.jpg").unlink()
    absent = [each for each in read(tmp_path, RULE) if not each.picture.exists()]
    assert [each.sample_id for each in absent] == ["emotionet_N_0000000001"]


def append(root: Path, text: str) -> list[Sample]:
    with (root / "list.csv").open("a") as file:
        file.write(text)
    return list(read(root, RULE))


def test_rows_that_are_wrong(tmp_path: Path) -> None:
    for number, (text, message) in enumerate(
        [
            (fake.line(20, ()).replace(", 0", ", 2", 1), "action unit 1 is '2'"),
            ("'http://faces.example/a.jpg', 'b', 0\n", "3 cells"),
            (fake.line(20, ()).replace("/N_0000000020.jpg", "/"), "an address|address of"),
            (fake.line(3, (9,)), r"two addresses that end in N_0000000003\.jpg"),
        ]
    ):
        root = tmp_path / str(number)
        fake.write(root)
        with pytest.raises(DatasetFormatError, match=message):
            append(root, text)
