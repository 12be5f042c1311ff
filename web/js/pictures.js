// Picture files -> pixels, upright, as fer_det/imaging/decode.py has them.

const MOST_PIXELS = 66_000_000;

/** A file -> {data (RGBA), width, height, canvas}; throws an Error of one sentence for people. */
export async function readPicture(file) {
  let bitmap;
  try {
    // The program ignores colour profiles, too.
    bitmap = await createImageBitmap(file,
      { imageOrientation: "from-image", colorSpaceConversion: "none" });
  } catch {
    throw new Error(`${file.name} is no picture that this browser can read; ` +
      "open a JPEG, PNG or WebP file.");
  }
  try {
    const { width, height } = bitmap;
    if (width * height > MOST_PIXELS) {
      throw new Error(`${file.name} has ${millions(width * height)} megapixels, more than the ` +
        `${millions(MOST_PIXELS)} that fit into memory; open a smaller copy.`);
    }
    return pixelsOf(bitmap, width, height, file.name);
  } finally {
    bitmap.close();
  }
}

/** Pixels of whatever a canvas can draw, scaled to that size, on white. */
export function pixelsOf(source, width, height, name = "the picture") {
  const canvas = Object.assign(document.createElement("canvas"), { width, height });
  const pen = canvas.getContext("2d", { willReadFrequently: true });
  try {
    pen.fillStyle = "white";
    pen.fillRect(0, 0, width, height);
    pen.drawImage(source, 0, 0, width, height);
    const { data } = pen.getImageData(0, 0, width, height);
    return { data, width, height, canvas };
  } catch {
    throw new Error(`${name} is too large for this browser; open a smaller copy.`);
  }
}

function millions(count) {
  return Math.round(count / 1e6);
}
