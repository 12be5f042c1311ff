"""People's own pictures: a table with several faces a picture and votes, or class folders."""

from __future__ import annotations

from pathlib import Path

from fake_data.faces import draw

SIZE = (120, 90)
FACES = ((50.0, 20.0, 90.0, 70.0), (5.0, 30.0, 35.0, 65.0))
TABLE = """file,xmin,ymin,xmax,ymax,happy,sad,angry,neutral,split,person
holidays/IMG 1.jpg,50,20,90,70,7,1,0,2,train,Ann
holidays/IMG 1.jpg,5,30,35,65,0,0,10,0,train,Ann
holidays/IMG 2.jpg,50,20,90,70,0,4,4,2,train,Ann
holidays/IMG 2.jpg,5,30,35,65,0,0,0,0,train,Ann
party.jpg,50,20,90,70,10,0,0,0,val,Bo
party 2.jpg,50,20,90,70,0,9,1,0,test,Cy
"""


def write(root: Path, form: str = "table") -> None:
    """Write a table with its pictures below `root`, or class folders."""
    if form == "table":
        for name in ("holidays/IMG 1.jpg", "holidays/IMG 2.jpg", "party.jpg", "party 2.jpg"):
            draw(root / name, SIZE, FACES)
        (root / "labels.csv").write_text(TABLE)
        return
    for number, word in enumerate(("Happy", "sad", "Angry", "surprised")):
        for split in ("train", "test"):
            draw(root / split / word / f"IMG {number}.jpg", SIZE, FACES[:1])
