// web/js against the golden vectors of the Python program, and by itself: node --test tests/web

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";

import { selectDetections, softmax } from "../../web/js/boxes.js";
import { placeLabels } from "../../web/js/labels.js";
import { cutOut, keep, pyramidScales } from "../../web/js/mtcnn.js";
import { Rows, toCsv } from "../../web/js/table.js";
import { chooseFace, piecesOf } from "../../web/js/timeline.js";
import { Tracker } from "../../web/js/tracking.js";
import {
  boxesToInput, boxesToPicture, faceView, render, shrink, uprightView, wholeView,
} from "../../web/js/view.js";

const read = (name) => JSON.parse(readFileSync(new URL(`../golden/${name}`, import.meta.url)));
const VIEW = read("view.json");
const GOLDEN = read("web.json");

/** The picture of view.json's formula, in RGBA. */
function picture(width, height) {
  const data = new Uint8ClampedArray(width * height * 4);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      for (let c = 0; c < 3; c++) {
        data[(y * width + x) * 4 + c] =
          Math.round(128 + 90 * Math.sin(0.21 * x + c) + 37 * Math.cos(0.33 * y - 0.7 * c));
      }
      data[(y * width + x) * 4 + 3] = 255;
    }
  }
  return { data, width, height };
}

function near(found, wanted, tolerance, what) {
  const [ours, theirs] = [[found].flat(9), [wanted].flat(9)];
  assert.equal(ours.length, theirs.length, `${what}: length`);
  const worst = Math.max(0, ...ours.map((value, i) => Math.abs(value - theirs[i])));
  assert.ok(worst <= tolerance, `${what}: ${worst} apart`);
}

for (const each of VIEW.cases) {
  test(`view: ${each.name}`, () => {
    const view = { matrix: each.matrix, size: VIEW.size };
    const pixels = render(picture(each.width, each.height), view, VIEW.padding);
    near(Array.from(pixels), each.pixels, VIEW.tolerance, "pixels");
    const moved = boxesToInput(each.boxes, view);
    near(moved, each.boxes_in_input, 1e-4, "boxes");
    near(boxesToPicture(moved, view, each.width, each.height), each.boxes_back, 1e-3, "back");
  });
}

test("views of whole pictures and faces", () => {
  const matrix = (name) => VIEW.cases.find((each) => each.name === name).matrix;
  near(wholeView(40, 63, VIEW.size).matrix, matrix("whole, shrunk by 5.25"), 1e-9, "whole");
  const face = faceView([20.5, 14.25, 41.0, 40.0], 0.2, VIEW.size);
  near(face.matrix, matrix("face with margin"), 1e-9, "face");
  const turned = uprightView(faceView([20.5, 14.25, 41.0, 40.0], 0.3, VIEW.size), 20);
  near(turned.matrix, matrix("face, rotated"), 1e-9, "turned");
});

test("detections", () => {
  const wanted = GOLDEN.detections;
  const found = selectDetections(
    wanted.logits.flat(), wanted.deltas.flat(), wanted.anchors.flat(), wanted.contract);
  near(found.map(({ box }) => box), wanted.boxes, 1e-3, "boxes");
  near(found.map(({ score }) => score), wanted.scores, 1e-6, "scores");
  near(found.map(({ probabilities }) => probabilities), wanted.probabilities, 1e-6, "rows");
});

test("softmax", () => {
  for (const { logits, temperature, probabilities } of GOLDEN.softmax) {
    near(softmax(logits, temperature), probabilities, 1e-6, "probabilities");
  }
});

test("area resizing", () => {
  for (const { from, to, pixels } of GOLDEN.shrunk) {
    near(Array.from(shrink(picture(...from), ...to)), pixels, 2e-3, `${from} -> ${to}`);
  }
});

test("MTCNN's crops", () => {
  for (const { size, box, side, planes } of GOLDEN.crops) {
    const values = new Float32Array(3 * side * side);
    cutOut(picture(...size), box, side, values, 0);
    near(Array.from(values), planes, 1e-4, `${box}`);
  }
});

test("MTCNN's suppression", () => {
  for (const { boxes, scores, threshold, smaller, kept } of GOLDEN.suppressed) {
    const faces = boxes.map((box, i) => ({ box, score: scores[i], i }));
    assert.deepEqual(keep(faces, threshold, smaller).map(({ i }) => i), kept);
  }
});

test("MTCNN's pyramid", () => {
  for (const { size, scales } of GOLDEN.pyramids) {
    near(pyramidScales(...size), scales, 1e-12, `${size}`);
  }
});

for (const { unknown_below: unknownBelow, frames } of GOLDEN.tracks) {
  test(`tracks, unknown below ${unknownBelow}`, () => {
    const tracker = new Tracker({ unknownBelow });
    for (const { seconds, faces, shown } of frames) {
      const alone = ({ probabilities }) => Math.max(...probabilities) < unknownBelow;
      const found = tracker.update(faces.map((face) =>
        ({ ...face, flags: ["low_resolution", ...(alone(face) ? ["unknown"] : [])] })), seconds);
      assert.deepEqual(found.map(({ number }) => number), shown.map(({ number }) => number));
      assert.deepEqual(found.map(({ label }) => label), shown.map(({ label }) => label));
      assert.deepEqual(found.map(({ flags }) => flags), shown.map(({ label }) =>
        label === null ? ["low_resolution", "unknown"] : ["low_resolution"]));
      near(found.map((f) => f.probabilities), shown.map((f) => f.probabilities), 1e-9, "means");
    }
  });
}

test("labels of crowds", () => {
  for (const { boxes, widths, labels } of GOLDEN.labels) {
    assert.deepEqual(placeLabels(boxes, widths, 16, 320, 240), labels);
  }
});

test("the time line's band breaks at gaps and at another face", () => {
  const points = [
    [1, 0, 0.0], [1, 1, 0.1], [1, 4, 0.5], // Lost for two frames.
    [1, 9, 1.2], // Lost for longer.
    [1, 10, 2.2], // One slow frame.
    [1, 11, 9.0], // A pause.
    [2, 12, 9.1], [2, 13, 9.2], [1, 14, 9.3],
  ].map(([number, frame, seconds]) => ({ number, frame, seconds }));
  const found = piecesOf(points).map((piece) => piece.map(({ frame }) => frame));
  assert.deepEqual(found, [[0, 1, 4], [9, 10], [11], [12, 13], [14]]);
});

test("the time line stays with a face until it is gone", () => {
  const face = (number, side, probabilities = [1]) =>
    ({ number, box: [0, 0, side, side], probabilities });
  const faces = [face(1, 50), face(2, 80), face(3, 90, null), face(4, 80)];
  const last = { number: 1, seconds: 5 };
  assert.equal(chooseFace(faces, undefined, 5).number, 2);
  assert.equal(chooseFace(faces, last, 9).number, 1);
  assert.equal(chooseFace(faces.slice(1), last, 5.4), undefined);
  assert.equal(chooseFace(faces.slice(1), last, 5.6).number, 2);
  assert.equal(chooseFace([], undefined, 0), undefined);
});

test("the camera's rows keep their source, and the first are dropped", () => {
  const rows = new Rows(2);
  for (const source of ["camera 1", "camera 1", "camera 2"]) rows.add({ source, frame: 0 });
  assert.equal(rows.dropped, 1);
  const [, ...lines] = toCsv(rows.all, ["fear"]).trim().split("\n");
  assert.deepEqual(lines.map((line) => line.split(",")[0]), ["camera 1", "camera 2"]);
  rows.clear();
  assert.deepEqual([rows.all, rows.dropped], [[], 0]);
});
