// Boxes and probabilities from a network's answers: the same as fer_det/export/decoding.py.
//
// tests/golden/web.json holds what both must give.

const LOG_LARGEST_SCALE = Math.log(1000 / 16);
const SMALLEST_SIDE = 1e-2;

/** Logits [C] -> probabilities [C] of the logits divided by a temperature. */
export function softmax(logits, temperature = 1) {
  const highest = Math.max(...logits);
  const powers = Array.from(logits, (logit) => Math.exp((logit - highest) / temperature));
  const sum = powers.reduce((total, power) => total + power, 0);
  return powers.map((power) => power / sum);
}

/** Logits [1 + C], background first -> log odds that a box holds a face. */
export function faceOdds(logits) {
  const faces = Array.from(logits).slice(1);
  const highest = Math.max(...faces);
  return highest + Math.log(faces.reduce((sum, logit) => sum + Math.exp(logit - highest), 0)) -
    logits[0];
}

/** Corrections [4] of an anchor [4] -> a box [4]. */
export function decodeBox(deltas, anchor, weights) {
  const [width, height] = [anchor[2] - anchor[0], anchor[3] - anchor[1]];
  const x = (deltas[0] / weights[0]) * width + anchor[0] + width / 2;
  const y = (deltas[1] / weights[1]) * height + anchor[1] + height / 2;
  const w = Math.exp(Math.min(deltas[2] / weights[2], LOG_LARGEST_SCALE)) * width;
  const h = Math.exp(Math.min(deltas[3] / weights[3], LOG_LARGEST_SCALE)) * height;
  return [x - w / 2, y - h / 2, x + w / 2, y + h / 2];
}

/** Greedy non-maximum suppression: indices of the boxes kept, highest score first. */
export function suppress(boxes, scores, maxIou) {
  let order = rank(scores);
  const kept = [];
  while (order.length) {
    const [best, ...rest] = order;
    kept.push(best);
    order = rest.filter((other) => iou(boxes[best], boxes[other]) <= maxIou);
  }
  return kept;
}

/**
 * A core's answer to one picture -> [{box (input pixels), score, probabilities}], best first.
 * logits [A * (1 + C)], deltas and anchors [A * 4], flat; contract: of the exported file.
 */
export function selectDetections(logits, deltas, anchors, contract) {
  const width = contract.classes.length + 1;
  const count = logits.length / width;
  const row = (flat, index, length) => flat.slice(index * length, (index + 1) * length);
  const odds = Array.from({ length: count }, (_, i) => faceOdds(row(logits, i, width)));
  const limit = contract.input_size;
  const found = rank(odds).slice(0, contract.candidates ?? count).map((index) => ({
    index,
    odds: odds[index],
    box: decodeBox(row(deltas, index, 4), row(anchors, index, 4), contract.box_weights)
      .map((edge) => Math.min(Math.max(edge, 0), limit)),
  })).filter(({ box }) => box[2] - box[0] >= SMALLEST_SIDE && box[3] - box[1] >= SMALLEST_SIDE);
  const kept = suppress(found.map(({ box }) => box), found.map((each) => each.odds),
    contract.nms_iou).slice(0, contract.detections ?? count);
  return kept.map((at) => ({
    box: found[at].box,
    score: 1 / (1 + Math.exp(-found[at].odds)),
    probabilities: softmax(row(logits, found[at].index, width).slice(1), contract.temperature),
  }));
}

/** Intersection of two boxes over their union. */
export function iou(first, second) {
  const shared = intersection(first, second);
  return shared / (area(first) + area(second) - shared);
}

/** Shared area of two boxes. */
export function intersection(first, second) {
  const width = Math.min(first[2], second[2]) - Math.max(first[0], second[0]);
  const height = Math.min(first[3], second[3]) - Math.max(first[1], second[1]);
  return Math.max(width, 0) * Math.max(height, 0);
}

/** Area of a box. */
export function area(box) {
  return (box[2] - box[0]) * (box[3] - box[1]);
}

/** Indices of scores, highest first; equal ones in their order. */
export function rank(scores) {
  return Array.from(scores, (_, i) => i).sort((a, b) => scores[b] - scores[a] || a - b);
}
