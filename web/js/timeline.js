// The time line: one face's probabilities over the last seconds as a stacked band, with a legend.

import { element } from "./drawing.js";
import { longerSide } from "./recogniser.js";

const SECONDS_SHOWN = 20;
const LONGEST_GAP = 0.5; // Seconds without the face that the band bridges,
const LONGEST_PAUSE = 2; // and without any frame, as on a slow device.
const HEIGHT = 72;
/** The same as COLOURS in fer_det/predict/drawing.py. */
const EXPRESSION_COLOURS = {
  surprise: "#e68c14", fear: "#7846aa", disgust: "#64821e", happiness: "#1ea046",
  sadness: "#286ec8", anger: "#d22832", neutral: "#6e6e6e", contempt: "#96643c",
};

/** Follows a face until it is gone, then the largest of those that are there. */
export class Timeline {
  constructor({ canvas, title, legend }, classes) {
    Object.assign(this, { canvas, title, classes });
    legend.replaceChildren(...classes.map((name) => {
      const swatch = element("span", "", "swatch");
      swatch.style.background = colourOf(name);
      const item = element("li");
      item.append(swatch, name);
      return item;
    }));
    this.reset();
  }

  reset() {
    this.points = [];
    this.#draw(0);
  }

  /** faces: [{number, box, probabilities (or null)}] of frame `frame`, from 0. */
  add(faces, frame, seconds) {
    const face = chooseFace(faces, this.points.at(-1), seconds);
    if (face) {
      const { number, probabilities } = face;
      this.points.push({ number, frame, seconds, probabilities });
    }
    this.points = this.points.filter((point) => seconds - point.seconds <= SECONDS_SHOWN);
    this.#draw(seconds);
  }

  #draw(now) {
    const { canvas, classes, points } = this;
    const last = points.at(-1);
    const who = last ? `face ${last.number}` : "no face";
    const title = `Expressions over the last ${SECONDS_SHOWN} seconds: ${who}`;
    if (this.title.textContent !== title) {
      this.title.textContent = title;
      canvas.setAttribute("aria-label", title);
    }
    [canvas.width, canvas.height] = [canvas.clientWidth || 640, HEIGHT]; // This clears it, too.
    const pen = canvas.getContext("2d");
    const x = (seconds) => canvas.width * (1 - (now - seconds) / SECONDS_SHOWN);
    const pieces = piecesOf(points);
    for (const piece of pieces) {
      piece.forEach(({ seconds, probabilities }, i) => {
        const [from, to] = [x(piece[Math.max(0, i - 1)].seconds), x(seconds)];
        let top = 0;
        probabilities.forEach((probability, at) => {
          pen.fillStyle = colourOf(classes[at]);
          pen.fillRect(from, top, to - from + 0.5, probability * HEIGHT + 0.5);
          top += probability * HEIGHT;
        });
      });
    }
    if (new Set(pieces.map(([{ number }]) => number)).size < 2) return;
    pen.font = "12px system-ui, sans-serif";
    for (const [{ number, seconds }] of pieces) {
      const left = Math.max(0, x(seconds));
      pen.fillStyle = "#10151b";
      pen.fillRect(left, 0, pen.measureText(number).width + 6, 16);
      pen.fillStyle = "#ffffff";
      pen.fillText(number, left + 3, 12);
    }
  }
}

/** The face to show after the last point (if any), undefined for none. */
export function chooseFace(faces, last, seconds) {
  const known = faces.filter(({ probabilities }) => probabilities);
  const same = known.find(({ number }) => number === last?.number);
  if (same || (last && seconds - last.seconds <= LONGEST_GAP)) return same;
  return known.reduce((best, face) =>
    best && longerSide(best.box) >= longerSide(face.box) ? best : face, undefined);
}

/** Points [{number, frame, seconds}] -> lists of those that are one band: one face without a gap. */
export function piecesOf(points) {
  const pieces = [];
  points.forEach((point, i) => {
    const before = points[i - 1];
    const longest = before && point.frame > before.frame + 1 ? LONGEST_GAP : LONGEST_PAUSE;
    if (before?.number === point.number && point.seconds - before.seconds <= longest) {
      pieces.at(-1).push(point);
    } else {
      pieces.push([point]);
    }
  });
  return pieces;
}

function colourOf(name) {
  return EXPRESSION_COLOURS[name] ?? "#888888";
}
