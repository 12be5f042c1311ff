"""Generated documents: nearly right ones, with one thing or everything in them wrong."""

from __future__ import annotations

from hypothesis import strategies as st

NUMBERS = st.one_of(
    st.integers(-5, 120).map(str),
    st.floats(allow_nan=True, allow_infinity=True).map(str),
    st.sampled_from(
        [
            "nan",
            "-inf",
            "1e999",
            "1e-999",
            "0x10",
            "1_0",
            "-0",
            "١٢",
            "1,5",
            "1.",
            ".",
            "+7",
            "&lt;",
            "&#49;",
            "true",
        ]
    ),
    st.sampled_from(["", " ", "9" * 400, "9" * 5000, "1\n", "\t3 "]),
)
WORDS = st.one_of(
    st.sampled_from(["fear", "anger", "ignore", "background", "../../etc/passwd", "/etc/passwd"]),
    st.text(st.characters(codec="utf-8"), max_size=12),
)
_ENDS = st.sampled_from(["\n", "\r\n", "\r", "\t", "\u2028", "\x0b", ""])


@st.composite
def annotations(draw: st.DrawFn) -> bytes:
    """A VOC annotation in which every part may be missing, twice there, or something else."""

    def element(name: str, text: str) -> str:
        return draw(
            st.sampled_from(
                [f"<{name}>{text}</{name}>"] * 12 + ["", f"<{name}/>", f"<{name}>", name]
            )
        )

    def size() -> str:
        parts = [element(name, draw(NUMBERS)) for name in ("width", "height", "depth")]
        return element("size", "".join(parts))

    def face() -> str:
        edges = [element(name, draw(NUMBERS)) for name in ("xmin", "ymin", "xmax", "ymax")]
        name = draw(WORDS) if draw(st.booleans()) else "fear"
        return element("object", element("name", name) + element("bndbox", "".join(edges)))

    faces = [face() for _ in range(draw(st.integers(0, 3)))]
    parts = draw(st.permutations([size(), *faces, element("filename", draw(WORDS))]))
    prologue = draw(st.sampled_from([""] * 8 + list(PROLOGUES)))
    end = draw(_ENDS)
    text = prologue + element("annotation", end.join(parts)) + end
    encoding = draw(st.sampled_from(["utf-8"] * 6 + ["utf-8-sig", "utf-16", "latin-1"]))
    return draw(damaged(text.encode(encoding, errors="replace")))


PROLOGUES = (
    '<?xml version="1.0" encoding="utf-8"?>',
    "<!DOCTYPE annotation>",
    '<!DOCTYPE annotation [<!ENTITY fear SYSTEM "file:///etc/passwd">]>',
    '<!DOCTYPE annotation SYSTEM "http://127.0.0.1:9/a.dtd">',
    '<!DOCTYPE a [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;&a;"><!ENTITY c "&b;&b;&b;">]>',
    '<?xml-stylesheet href="file:///etc/passwd"?>',
    "<!-- <!DOCTYPE -->",
)


@st.composite
def damaged(draw: st.DrawFn, data: bytes) -> bytes:
    """The same bytes, in one of four cases with a piece taken out or put in."""
    if not data or draw(st.integers(0, 3)):
        return data
    place = draw(st.integers(0, len(data)))
    return data[:place] + draw(st.binary(max_size=8)) + data[place + draw(st.integers(0, 20)) :]


@st.composite
def lists(draw: st.DrawFn, names: st.SearchStrategy[str], fields: int) -> bytes:
    """Lines of a name and more fields, with all that editors and enemies put between them."""
    rows = []
    for _ in range(draw(st.integers(0, 6))):
        words = [draw(names), *(draw(NUMBERS) for _ in range(draw(st.integers(0, fields + 1))))]
        rows.append(draw(st.sampled_from([" ", "  ", "\t", ",", " \t "])).join(words))
    text = "".join(row + draw(_ENDS) for row in rows)
    encoding = draw(st.sampled_from(["utf-8"] * 6 + ["utf-8-sig", "utf-16", "latin-1"]))
    return draw(damaged(text.encode(encoding, errors="replace")))


ESCAPES = ("../a.jpg", "/etc/passwd", "..\\a.jpg", "C:a.jpg", "a/b.jpg", ".", "..", "a\0.jpg", "~")
"""Names that would leave their folder."""

JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3)
    ),
    max_leaves=8,
)
