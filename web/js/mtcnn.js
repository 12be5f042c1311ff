// The MTCNN cascade around its three networks: the same as fer_det/faces/mtcnn.
//
// Zhang et al., "Joint face detection and alignment using multitask cascaded convolutional
// networks", 2016, with the thresholds, scales and rounding of the package mtcnn 1.0.0.

import { area, intersection, rank } from "./boxes.js";
import { shrink } from "./view.js";

const WINDOW = 12;
const STRIDE = 2;
const SMALLEST_FACE = 20;
const SCALE_FACTOR = 0.709;
const RNET_SIDE = 24;
const ONET_SIDE = 48;
const [PNET_SCORE, RNET_SCORE, ONET_SCORE] = [0.6, 0.7, 0.8].map((s) => Math.log(s / (1 - s)));
const [OVERLAP_IN_LEVEL, OVERLAP] = [0.5, 0.7];
const PNET_PIXELS = 100_000;
const CROPS = 64;

/**
 * Faces of a picture {data (RGBA), width, height}: [{box, score, landmarks}], best score first.
 *
 * run(name, values, dims): asks network "pnet", "rnet" or "onet" -> {data, dims}. smallestFace:
 * pixels; the finest levels that only smaller faces need are left out.
 */
export async function detectFaces(picture, run, smallestFace = SMALLEST_FACE) {
  // The finest level left is that with the largest window within the smallest face.
  const scales = pyramidScales(picture.height, picture.width)
    .filter((scale) => WINDOW / (scale * SCALE_FACTOR) > smallestFace);
  const proposed = [];
  for (const scale of scales) proposed.push(...await proposeLevel(picture, scale, run));
  let boxes = keep(proposed, OVERLAP).map(squared);
  boxes = await refine(picture, boxes, run);
  return finish(picture, boxes, run);
}

/** The scales of P-Net's pyramid, finest first; none for a short side below 21 pixels. */
export function pyramidScales(height, width) {
  const shorter = Math.min(height, width);
  const levels = roundHalfEven(-(Math.log(shorter / WINDOW) / Math.log(SCALE_FACTOR) + 1));
  return Array.from({ length: Math.max(0, levels) },
    (_, level) => (WINDOW / SMALLEST_FACE) * SCALE_FACTOR ** level);
}

async function proposeLevel(picture, scale, run) {
  const [height, width] = [Math.floor(picture.height * scale), Math.floor(picture.width * scale)];
  const level = shrink(picture, width, height);
  for (let i = 0; i < level.length; i++) level[i] = (level[i] - 127.5) / 128;
  const found = [];
  // Strips bound the memory of a large picture.
  const rows = Math.max(1, Math.floor(PNET_PIXELS / (width * STRIDE)));
  for (let row = 0; row < Math.floor((height - WINDOW) / STRIDE) + 1; row += rows) {
    const end = (row + rows - 1) * STRIDE + WINDOW;
    const last = end + STRIDE > height ? height : end;
    const strip = planes(level.subarray(row * STRIDE * width * 3, last * width * 3));
    const answer = await run("pnet", strip, [1, 3, last - row * STRIDE, width]);
    const [, , h, w] = answer.dims;
    const cells = h * w;
    for (let at = 0; at < cells; at++) {
      const logit = answer.data[4 * cells + at];
      if (logit <= PNET_SCORE) continue;
      const [x, y] = [(at % w) * STRIDE, (Math.floor(at / w) + row) * STRIDE];
      const window = [x + 1, y + 1, x + WINDOW, y + WINDOW];
      const box = window.map((edge, i) =>
        (edge + answer.data[i * cells + at] * (WINDOW - 1)) / scale);
      found.push({ box, score: sigmoid(logit) });
    }
  }
  return keep(found.filter(isNoSliver), OVERLAP_IN_LEVEL);
}

async function refine(picture, proposed, run) {
  const found = [];
  for (const [face, answer] of await onCrops("rnet", picture, proposed, RNET_SIDE, run)) {
    if (answer[4] <= RNET_SCORE) continue;
    found.push({ box: moved(face.box, answer), score: sigmoid(answer[4]) });
  }
  return keep(found.filter(isNoSliver), OVERLAP).map(squared);
}

async function finish(picture, refined, run) {
  const found = [];
  for (const [face, answer] of await onCrops("onet", picture, refined, ONET_SIDE, run)) {
    if (answer[14] <= ONET_SCORE) continue;
    const [left, top, right, bottom] = face.box;
    // Landmarks belong to the square that was cut out, not to the moved box.
    const landmarks = Array.from({ length: 5 }, (_, i) => [
      roundHalfEven((right - left + 1) * answer[4 + i] + left - 1),
      roundHalfEven((bottom - top + 1) * answer[9 + i] + top - 1),
    ]);
    found.push({ box: moved(face.box, answer), score: sigmoid(answer[14]), landmarks });
  }
  return keep(found, OVERLAP, true)
    .map((face) => ({ ...face, box: roundedBox(face.box, picture.width, picture.height) }))
    .filter(({ box }) => box[2] > box[0] && box[3] > box[1]);
}

/** [face, answer of a network] for the crop of each face. */
async function onCrops(name, picture, faces, side, run) {
  const pairs = [];
  for (let start = 0; start < faces.length; start += CROPS) {
    const part = faces.slice(start, start + CROPS);
    const values = new Float32Array(part.length * 3 * side * side);
    part.forEach(({ box }, i) => cutOut(picture, box, side, values, i * 3 * side * side));
    const answer = await run(name, values, [part.length, 3, side, side]);
    const width = answer.dims[1];
    part.forEach((face, i) => pairs.push([face, answer.data.slice(i * width, (i + 1) * width)]));
  }
  return pairs;
}

/** Bilinear samples of a box, 0 outside the picture, into planes of `values` from `offset`. */
export function cutOut(picture, box, side, values, offset) {
  const { data, width, height } = picture;
  const channels = picture.channels ?? 4;
  const [limitX, limitY] = [width - 1, height - 1];
  const samples = (from, to, limit, size) => {
    const start = from * (limit / size);
    const step = (to * (limit / size) - start) / (side - 1);
    return Array.from({ length: side }, (_, i) => start + i * step);
  };
  const xs = samples(box[0], box[2], limitX, width);
  const ys = samples(box[1], box[3], limitY, height);
  for (let row = 0; row < side; row++) {
    const y = ys[row];
    if (!(y >= 0 && y <= limitY)) continue;
    const y0 = Math.min(Math.floor(y), Math.max(limitY - 1, 0));
    const y1 = Math.min(y0 + 1, limitY);
    for (let column = 0; column < side; column++) {
      const x = xs[column];
      if (!(x >= 0 && x <= limitX)) continue;
      const x0 = Math.min(Math.floor(x), Math.max(limitX - 1, 0));
      const x1 = Math.min(x0 + 1, limitX);
      const [fx, fy] = [x - x0, y - y0];
      for (let channel = 0; channel < 3; channel++) {
        const at = (py, px) => (data[(py * width + px) * channels + channel] - 127.5) / 128;
        values[offset + (channel * side + row) * side + column] =
          (1 - fy) * ((1 - fx) * at(y0, x0) + fx * at(y0, x1)) +
          fy * ((1 - fx) * at(y1, x0) + fx * at(y1, x1));
      }
    }
  }
}

/**
 * Non-maximum suppression, best score first. Not greedy: a box goes when any better one overlaps
 * it by more than the threshold. smaller: the shared area over that of the smaller box.
 */
export function keep(faces, threshold, smaller = false) {
  const order = rank(faces.map(({ score }) => score)).map((i) => faces[i]);
  return order.filter(({ box }, i) => !order.slice(0, i).some((better) => {
    const shared = intersection(better.box, box);
    if (shared === 0) return false;
    const [first, second] = [area(better.box), area(box)];
    return shared / (smaller ? Math.min(first, second) : first + second - shared) > threshold;
  }));
}

/** [H * W * 3] -> [3 * H * W]. */
function planes(pixels) {
  const count = pixels.length / 3;
  const result = new Float32Array(pixels.length);
  for (let i = 0, at = 0; i < count; i++, at += 3) {
    result[i] = pixels[at];
    result[count + i] = pixels[at + 1];
    result[2 * count + i] = pixels[at + 2];
  }
  return result;
}

/** Each edge moved by its offset, in parts of the box's side, the last pixel included. */
function moved(box, offsets) {
  const sides = [box[2] - box[0] + 1, box[3] - box[1] + 1];
  return box.map((edge, i) => edge + offsets[i] * sides[i % 2]);
}

/** The square on the longer side around the box's centre. */
function squared(face) {
  const [left, top, right, bottom] = face.box;
  const [width, height] = [right - left, bottom - top];
  const side = Math.max(width, height);
  const [x, y] = [left + width * 0.5 - side * 0.5, top + height * 0.5 - side * 0.5];
  return { ...face, box: [x, y, x + side, y + side] };
}

function isNoSliver({ box }) {
  return Math.min(box[2] - box[0], box[3] - box[1]) >= 1;
}

/** Clamped to the picture, then x, y, width and height rounded one by one. */
function roundedBox([left, top, right, bottom], width, height) {
  const clamp = (value, most) => Math.min(Math.max(value, 0), most);
  const [x0, x1] = [clamp(left, width - 1), clamp(right, width - 1)];
  const [y0, y1] = [clamp(top, height - 1), clamp(bottom, height - 1)];
  const [x, y] = [roundHalfEven(x0), roundHalfEven(y0)];
  return [x, y, x + roundHalfEven(x1 - x0), y + roundHalfEven(y1 - y0)];
}

function sigmoid(logit) {
  // float32, whose equal values decide what the suppression keeps.
  return Math.fround(1 / (1 + Math.fround(Math.exp(-logit))));
}

function roundHalfEven(value) {
  const below = Math.floor(value);
  const rest = value - below;
  if (rest !== 0.5) return Math.round(value);
  return below % 2 === 0 ? below : below + 1;
}
