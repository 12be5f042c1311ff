// Steady labels for the camera: averages, labels and `unknown` as in
// fer_det/predict/video/steady.py. Faces are followed by the overlap of their boxes alone.

import { iou } from "./boxes.js";

const LABEL_MARGIN = 0.1;

/** Numbers faces by the overlap of their boxes, averages probabilities, and keeps labels steady. */
export class Tracker {
  /**
   * unknownBelow: the contract's threshold; smoothing: seconds of the average, weights
   * exp(-age / smoothing); patience: seconds, and patientFrames, of lost faces.
   */
  constructor({
    unknownBelow = 0, smoothing = 0.5, minIou = 0.3, patience = 1, patientFrames = 2,
  } = {}) {
    Object.assign(this, { unknownBelow, smoothing, minIou, patience, patientFrames });
    this.margin = smoothing > 0 ? LABEL_MARGIN : 0;
    this.tracks = new Map();
    this.frame = 0;
    this.lastNumber = 0;
  }

  /**
   * Faces [{box, probabilities (or null), flags}] of the next frame, and its time -> the same with
   * `number`, averaged `probabilities`, `label`, the index of the class that is shown, null for
   * none, and the flag `unknown` where there is none by the average.
   */
  update(faces, seconds) {
    this.frame += 1;
    for (const [number, track] of this.tracks) {
      const missed = this.frame - track.frame - 1;
      if (seconds - track.seconds > this.patience && missed > this.patientFrames) {
        this.tracks.delete(number);
      }
    }
    const numbers = this.#match(faces);
    return faces.map((face, place) => {
      const number = numbers.get(place) ?? ++this.lastNumber;
      const track = this.tracks.get(number) ?? {};
      Object.assign(track, { box: face.box, seconds, frame: this.frame });
      this.tracks.set(number, track);
      if (!face.probabilities) return { ...face, number, label: null };
      const probabilities = this.#average(track, face.probabilities, seconds);
      const label = this.#keepLabel(track, probabilities);
      const flags = face.flags.filter((flag) => flag !== "unknown");
      if (label === null) flags.push("unknown");
      return { ...face, number, probabilities, label, flags };
    });
  }

  /** Place in `faces` -> number of the track that it overlaps most. */
  #match(faces) {
    const pairs = [];
    for (const [number, track] of this.tracks) {
      faces.forEach(({ box }, place) => pairs.push([iou(track.box, box), number, place]));
    }
    pairs.sort((a, b) => b[0] - a[0] || a[1] - b[1] || a[2] - b[2]);
    const numbers = new Map();
    const taken = new Set();
    for (const [overlap, number, place] of pairs) {
      if (overlap < this.minIou || numbers.has(place) || taken.has(number)) continue;
      numbers.set(place, number);
      taken.add(number);
    }
    return numbers;
  }

  #average(track, probabilities, seconds) {
    const age = track.total ? Math.max(0, seconds - track.averaged) : 0;
    const left = track.total && this.smoothing > 0 ? Math.exp(-age / this.smoothing) : 0;
    track.total = probabilities.map((each, i) => each + (left ? left * track.total[i] : 0));
    track.weight = 1 + (left ? left * track.weight : 0);
    track.averaged = seconds;
    return track.total.map((each) => each / track.weight);
  }

  /** The label, which another must lead by the margin; null for unknown, half of it either way. */
  #keepLabel(track, probabilities) {
    const best = probabilities.indexOf(Math.max(...probabilities));
    let least = this.unknownBelow;
    if (track.label === undefined) track.label = best;
    else least += (track.unknown ? this.margin : -this.margin) / 2;
    if (probabilities[best] - probabilities[track.label] > this.margin) track.label = best;
    track.unknown = probabilities[best] < least;
    return track.unknown ? null : track.label;
  }
}
