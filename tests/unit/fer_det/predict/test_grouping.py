from collections.abc import Iterator

from fer_det.predict import grouping
from fer_det.predict.grouping import in_groups


def test_in_order_and_the_rest_last() -> None:
    assert list(in_groups(range(5), 2, lambda _: 1)) == [[0, 1], [2, 3], [4]]
    assert list(in_groups([], 2, lambda _: 1)) == []


def test_large_pictures_end_a_group() -> None:
    half = grouping.MOST_PIXELS // 2
    sizes = [half, half, 1, 3 * half, 1, 1]
    assert list(in_groups(sizes, 4, lambda size: size)) == [[half, half], [1, 3 * half], [1, 1]]


def test_nothing_is_read_ahead() -> None:
    read: list[int] = []

    def items() -> Iterator[int]:
        for number in range(10):
            read.append(number)
            yield number

    groups = in_groups(items(), 3, lambda _: 1)
    assert next(groups) == [0, 1, 2]
    assert read == [0, 1, 2]
