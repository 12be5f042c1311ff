// Models -> faces and expressions of a picture. Knows onnxruntime-web only by what it is given.

import { selectDetections, softmax } from "./boxes.js";
import { detectFaces } from "./mtcnn.js";
import { boxesToPicture, faceView, render, toPlanes, uprightView, wholeView } from "./view.js";

const MTCNN = ["pnet", "rnet", "onet"];
const UPRIGHT_ABOVE = 15; // Degrees; --upright_above of fer-det predict.

/**
 * Faces of pictures. models: the content of models/models.json; open(file): opens a session;
 * tensor(values, dims): makes an input.
 */
export class Recogniser {
  static async load(models, open, tensor) {
    const own = new Recogniser();
    own.contract = models.contract;
    own.tensor = tensor;
    own.sessions = { model: await open(models.model) };
    if (models.contract.kind === "classifier") {
      for (const name of MTCNN) own.sessions[name] = await open(`${name}.onnx`);
    }
    return own;
  }

  /**
   * A picture {data (RGBA), width, height} -> [{box, score, probabilities, flags}], best score
   * first; probabilities is null for a face that is too small. smallestFace: pixels, to be faster.
   * The flags are those of this picture alone; Tracker decides `unknown` anew over time.
   */
  async recognise(picture, smallestFace = 20) {
    const found = this.contract.kind === "classifier"
      ? await this.#classified(picture, smallestFace)
      : await this.#detected(picture);
    return found.map((face) => this.#flagged(face));
  }

  async #classified(picture, smallestFace) {
    const { contract } = this;
    const size = contract.input_size;
    const run = (name, values, dims) => this.#run(name, { crops: this.tensor(values, dims) })
      .then(({ answers }) => answers);
    const faces = await detectFaces(picture, run, smallestFace);
    for (const face of faces) {
      face.probabilities = null;
      if (isTooSmall(face.box, contract)) continue;
      const [[leftX, leftY], [rightX, rightY]] = face.landmarks;
      const roll = Math.atan2(rightY - leftY, rightX - leftX) * 180 / Math.PI;
      let view = faceView(face.box, contract.face_margin, size);
      if (Math.abs(roll) > UPRIGHT_ABOVE) view = uprightView(view, roll);
      const planes = toPlanes(render(picture, view, contract.padding), size);
      const { logits } = await this.#run("model",
        { images: this.tensor(planes, [1, 3, size, size]) });
      face.probabilities = softmax(logits.data, contract.temperature);
    }
    return faces;
  }

  async #detected(picture) {
    const { contract } = this;
    const { width, height } = picture;
    const size = contract.input_size;
    const view = wholeView(width, height, size);
    const planes = toPlanes(render(picture, view, contract.padding), size);
    const { logits, deltas, anchors } = await this.#run("model",
      { images: this.tensor(planes, [1, 3, size, size]) });
    return selectDetections(logits.data, deltas.data, anchors.data, contract)
      .filter(({ score }) => score >= contract.thresholds.score)
      .map((face) => {
        const [box] = boxesToPicture([face.box], view, width, height);
        const probabilities = isTooSmall(box, contract) ? null : face.probabilities;
        return { ...face, box, probabilities };
      })
      .filter(({ box }) => box[2] > box[0] && box[3] > box[1]);
  }

  #flagged(face) {
    const { thresholds } = this.contract;
    const side = longerSide(face.box);
    const flags = [];
    if (!face.probabilities) flags.push("too_small");
    else if (side < thresholds.low_resolution) flags.push("low_resolution");
    if (face.probabilities && Math.max(...face.probabilities) < thresholds.unknown) {
      flags.push("unknown");
    }
    return { ...face, flags };
  }

  #run(name, inputs) {
    return this.sessions[name].run(inputs);
  }
}

/** The longer side of a box in pixels. */
export function longerSide(box) {
  return Math.max(box[2] - box[0], box[3] - box[1]);
}

function isTooSmall(box, contract) {
  return longerSide(box) < contract.thresholds.smallest_face;
}
