// Places for the labels of boxes, so that they cover neither other boxes nor each other; the twin of
// fer_det/predict/labels.py.

/**
 * Choose a wording and a place for the label of each box: above it or below it, and inside it where
 * there is no room. First each label has a place in its last wording, then each in turn the first
 * wording for which there is room among the others. A label without a free place covers least.
 *
 * boxes: [left, top, right, bottom]; widths: of each box those of its wordings, the most welcome
 * first; height: of every label; all in pixels, as the picture's width and height.
 * Returns [{wording, place: [left, top, right, bottom]}].
 */
export function placeLabels(boxes, widths, height, pictureWidth, pictureHeight) {
  const chosen = [];
  for (const shortest of [true, false]) {
    boxes.forEach((box, number) => {
      const taken = boxes.filter((_, n) => n !== number)
        .concat(chosen.filter((_, n) => n !== number).map((each) => each.place));
      const options = [];
      for (const outside of [true, false]) {
        widths[number].forEach((width, wording) => {
          if (shortest && wording < widths[number].length - 1) return;
          for (const place of places(box, width, height, pictureWidth, pictureHeight, outside)) {
            options.push({ wording, place });
          }
        });
      }
      const covers = options.map(({ place }) => covered(place, taken));
      const best = covers.indexOf(Math.min(...covers));
      if (shortest || covers[best] === 0) chosen[number] = options[best];
    });
  }
  return chosen;
}

/** Rectangles in the picture, the most welcome first; inside the box there always are some. */
function places([left, top, right, bottom], width, height, pictureWidth, pictureHeight, outside) {
  const middle = (left + right) / 2;
  const lefts = [left, right - width, middle - width / 2, middle, middle - width]
    .map((each) => Math.min(Math.max(0, each), Math.max(0, pictureWidth - width)));
  const tops = outside
    ? [top - height, bottom].filter((each) => each >= 0 && each <= pictureHeight - height)
    : [Math.max(0, top), Math.max(0, Math.min(bottom, pictureHeight) - height)];
  return tops.flatMap((y) => lefts.map((x) => [x, y, x + width, y + height]));
}

/** The area that `place` shares with other rectangles. */
function covered([left, top, right, bottom], taken) {
  return taken.reduce((area, other) => area
    + Math.max(0, Math.min(right, other[2]) - Math.max(left, other[0]))
    * Math.max(0, Math.min(bottom, other[3]) - Math.max(top, other[1])), 0);
}
