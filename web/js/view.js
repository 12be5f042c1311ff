// View: how a part of a picture is scaled into a square model input, and how boxes come back.
//
// The same as fer_det/imaging/view.py; tests/golden/view.json holds what both must give. A picture
// is {data, width, height}, data in RGBA, as a canvas has it. Boxes are [x_min, y_min, x_max, y_max]
// in pixels from 0, maximal edges exclusive.

const NEGLIGIBLE = 1e-3; // Part of a pixel that area resizing leaves out, as OpenCV does.

/** The square of the picture that begins at (left, top), scaled to `size` pixels. */
export function squareView(left, top, side, size) {
  const scale = size / side;
  return { matrix: [[scale, 0, -scale * left], [0, scale, -scale * top]], size };
}

/** The longer side scaled to `size`, the picture at the top left. */
export function wholeView(width, height, size) {
  return squareView(0, 0, Math.max(width, height), size);
}

/** A face's box in the middle, with `margin` of its longer side on each side. */
export function faceView(box, margin, size) {
  const [left, top, right, bottom] = box;
  const side = (1 + 2 * margin) * Math.max(right - left, bottom - top);
  return squareView((left + right - side) / 2, (top + bottom - side) / 2, side, size);
}

/** The view turned about the square's centre, so that a face tilted clockwise stands upright. */
export function uprightView(view, degrees) {
  const [cosine, sine] = [Math.cos(degrees * Math.PI / 180), Math.sin(degrees * Math.PI / 180)];
  const half = view.size / 2;
  const [[a, b, e], [c, d, f]] = view.matrix;
  return {
    size: view.size,
    matrix: [
      [cosine * a + sine * c, cosine * b + sine * d, cosine * (e - half) + sine * (f - half) + half],
      [cosine * c - sine * a, cosine * d - sine * b, cosine * (f - half) - sine * (e - half) + half],
    ],
  };
}

/** Pixels [size * size * 3], 0..255, of a picture seen through a view; padding: RGB outside. */
export function render(picture, view, padding) {
  const [[a, b], [c, d]] = view.matrix;
  const { size } = view;
  const reduction = Math.floor(1 / Math.sqrt(Math.abs(a * d - b * c)) + 1e-6);
  if (reduction <= 1) return warp(picture, 0, 0, invert(view.matrix), size, padding);
  const width = Math.max(1, Math.floor(picture.width / reduction));
  const height = Math.max(1, Math.floor(picture.height / reduction));
  // From the square to the reduced picture.
  const toReduced = invert(view.matrix).map((row, axis) => {
    const ratio = axis === 0 ? picture.width / width : picture.height / height;
    return row.map((value) => value / ratio);
  });
  // Only the part that the square shows is reduced, and one pixel around it.
  const corners = [[0, 0], [size, 0], [0, size], [size, size]].map(([x, y]) => [
    toReduced[0][0] * x + toReduced[0][1] * y + toReduced[0][2],
    toReduced[1][0] * x + toReduced[1][1] * y + toReduced[1][2],
  ]);
  const range = (axis, most) => [
    Math.max(0, Math.min(most, Math.floor(Math.min(...corners.map((at) => at[axis]))) - 2)),
    Math.max(0, Math.min(most, Math.ceil(Math.max(...corners.map((at) => at[axis]))) + 2)),
  ];
  const [left, right] = range(0, width);
  const [top, bottom] = range(1, height);
  const part = shrink(picture, width, height, left, right, top, bottom);
  const rounded = { data: part, width, height, channels: 3, left, top, right, bottom };
  for (let i = 0; i < part.length; i++) part[i] = Math.round(part[i]);
  return warp(rounded, left, top, toReduced, size, padding);
}

/** Boxes of the picture -> boxes of the square, not clipped. */
export function boxesToInput(boxes, view) {
  return boxes.map((box) => moveBox(box, view.matrix));
}

/** Boxes of the square -> boxes of a picture of that size, clipped to it. */
export function boxesToPicture(boxes, view, width, height) {
  const back = invert(view.matrix);
  const bounds = [width, height, width, height];
  return boxes.map((box) =>
    moveBox(box, back).map((edge, i) => Math.min(Math.max(edge, 0), bounds[i])));
}

/** Average over areas: columns left..right and rows top..bottom of a picture [height, width, 3]. */
export function shrink(picture, width, height, left = 0, right = width, top = 0, bottom = height) {
  const { data } = picture;
  const channels = picture.channels ?? 4;
  const rows = areaShares(picture.height, height);
  const columns = areaShares(picture.width, width);
  const shown = Math.max(0, right - left);
  const result = new Float32Array(shown * Math.max(0, bottom - top) * 3);
  if (!result.length) return result;
  const first = columns[left].start;
  const last = columns[right - 1].start + columns[right - 1].shares.length;
  const sums = new Float32Array((last - first) * 3);
  for (let y = top; y < bottom; y++) {
    sums.fill(0);
    const row = rows[y];
    for (let k = 0; k < row.shares.length; k++) {
      const share = row.shares[k];
      let from = ((row.start + k) * picture.width + first) * channels;
      for (let at = 0; at < sums.length; at += 3, from += channels) {
        sums[at] += share * data[from];
        sums[at + 1] += share * data[from + 1];
        sums[at + 2] += share * data[from + 2];
      }
    }
    let to = (y - top) * shown * 3;
    for (let x = left; x < right; x++, to += 3) {
      const { start, shares } = columns[x];
      let at = (start - first) * 3;
      let red = 0;
      let green = 0;
      let blue = 0;
      for (let k = 0; k < shares.length; k++, at += 3) {
        red += shares[k] * sums[at];
        green += shares[k] * sums[at + 1];
        blue += shares[k] * sums[at + 2];
      }
      result[to] = red;
      result[to + 1] = green;
      result[to + 2] = blue;
    }
  }
  return result;
}

/** For each of `target` pixels: the first source pixel below it, and the shares of those it covers. */
function areaShares(source, target) {
  const scale = source / target;
  const found = [];
  for (let i = 0; i < target; i++) {
    const from = i * scale;
    const to = Math.min(from + scale, source);
    const shares = [];
    let start = -1;
    for (let at = Math.floor(from); at < Math.min(Math.ceil(to), source); at++) {
      const covered = Math.min(at + 1, to) - Math.max(at, from);
      if (covered <= NEGLIGIBLE) continue;
      if (start < 0) start = at;
      shares.push(covered / (to - from));
    }
    found.push({ start, shares });
  }
  return found;
}

/**
 * Bilinear samples; `back` maps the square's pixel edges to those of the picture. The picture's data
 * may hold only a part, which begins at (left, top).
 */
function warp(picture, left, top, back, size, padding) {
  const { data, width, height } = picture;
  const channels = picture.channels ?? 4;
  const right = picture.right ?? width;
  const bottom = picture.bottom ?? height;
  const stride = (right - left) * channels;
  const result = new Uint8ClampedArray(size * size * 3);
  let to = 0;
  for (let row = 0; row < size; row++) {
    for (let column = 0; column < size; column++, to += 3) {
      // Pixel i has its centre at i + 0.5.
      const x = back[0][0] * (column + 0.5) + back[0][1] * (row + 0.5) + back[0][2] - 0.5;
      const y = back[1][0] * (column + 0.5) + back[1][1] * (row + 0.5) + back[1][2] - 0.5;
      const x0 = Math.floor(x);
      const y0 = Math.floor(y);
      for (let channel = 0; channel < 3; channel++) {
        let sum = 0;
        for (let dy = 0; dy < 2; dy++) {
          const weightY = dy ? y - y0 : 1 - (y - y0);
          for (let dx = 0; dx < 2; dx++) {
            const weight = weightY * (dx ? x - x0 : 1 - (x - x0));
            const atX = x0 + dx;
            const atY = y0 + dy;
            const inside = atX >= 0 && atX < width && atY >= 0 && atY < height;
            sum += weight * (inside
              ? data[(atY - top) * stride + (atX - left) * channels + channel] || 0
              : padding[channel]);
          }
        }
        result[to + channel] = Math.round(sum);
      }
    }
  }
  return result;
}

/** Pixels [size * size * 3] in 0..255 -> planes [3 * size * size] in 0..1, as models take them. */
export function toPlanes(pixels, size) {
  const planes = new Float32Array(3 * size * size);
  const area = size * size;
  for (let i = 0; i < area; i++) {
    for (let channel = 0; channel < 3; channel++) {
      planes[channel * area + i] = pixels[3 * i + channel] / 255;
    }
  }
  return planes;
}

/** The 2x3 matrix that undoes another. */
function invert([[a, b, e], [c, d, f]]) {
  const det = a * d - b * c;
  const [p, q, r, s] = [d / det, -b / det, -c / det, a / det];
  return [[p, q, -(p * e + q * f)], [r, s, -(r * e + s * f)]];
}

/** A box after a 2x3 matrix, as the ellipse inscribed in it. */
function moveBox([left, top, right, bottom], [[a, b, e], [c, d, f]]) {
  const [x, y] = [(left + right) / 2, (top + bottom) / 2];
  const [w, h] = [(right - left) / 2, (bottom - top) / 2];
  const [atX, atY] = [a * x + b * y + e, c * x + d * y + f];
  const [halfW, halfH] = [Math.hypot(a * w, b * h), Math.hypot(c * w, d * h)];
  return [atX - halfW, atY - halfH, atX + halfW, atY + halfH];
}
