// The camera: one frame after the other, each drawn with the faces that were found in it.

import { drawFaces, showFaces, titleOf } from "./drawing.js";
import { pixelsOf } from "./pictures.js";
import { Rows } from "./table.js";
import { Tracker } from "./tracking.js";

const LARGEST_SIDE = 640;
const SMALLEST_FACE = 40;
const RATE_SECONDS = 2;
const MOST_ROWS = 50_000;

const PROBLEMS = {
  NotFoundError: "No camera was found; connect one, or open a photo.",
  NotAllowedError: "The camera is not allowed for this page; allow it in the browser, or open a photo.",
  NotReadableError: "The camera is used by another program; close that, or open a photo.",
};
const ENDED = "The camera was disconnected or is no longer allowed; start it again, or open a photo.";
const DROPPED =
  `The table keeps the camera's last ${MOST_ROWS.toLocaleString("en")} rows; earlier ones are dropped.`;

/**
 * Runs a camera until `stop`. elements: {video, frame, faces, rate, limit}; ask(picture,
 * smallestFace): the worker's answer; announce(sentence, isProblem); changed(): it was started or
 * has ended.
 */
export class Camera {
  constructor(elements, timeline, ask, contract, announce, changed) {
    const { classes, thresholds } = contract;
    Object.assign(this, elements, { timeline, ask, classes, thresholds, announce, changed });
    this.rows = new Rows(MOST_ROWS);
    this.stream = null;
    this.clear();
  }

  /** Forget the rows of all sessions. */
  clear() {
    this.rows.clear();
    this.sessions = 0;
    this.limit.textContent = "";
  }

  /** The ids of this machine's cameras. */
  async list() {
    const devices = await navigator.mediaDevices?.enumerateDevices() ?? [];
    return devices.filter(({ kind }) => kind === "videoinput").map(({ deviceId }) => deviceId);
  }

  /** Go on with the next camera of the list; throws as `start`. */
  async next() {
    const ids = await this.list();
    const own = this.stream.getVideoTracks()[0].getSettings().deviceId;
    this.stop(); // Phones open one camera at a time.
    await this.start(ids[(ids.indexOf(own) + 1) % ids.length]);
  }

  /**
   * Begin a session, with the camera of that id or else one that faces the person. Throws an Error
   * of one sentence for people.
   */
  async start(id) {
    if (!navigator.mediaDevices?.getUserMedia) {
      throw new Error("This browser gives no camera to this page, which needs https or this " +
        "machine's own address; open a photo instead.");
    }
    const which = id ? { deviceId: { exact: id } } : { facingMode: "user" };
    try {
      this.stream = await navigator.mediaDevices.getUserMedia(
        { video: { ...which, width: { ideal: 640 }, height: { ideal: 480 } } });
    } catch (error) {
      throw new Error(PROBLEMS[error.name] ??
        `The camera could not be opened (${error.message}); open a photo instead.`);
    }
    const { stream } = this;
    stream.getVideoTracks()[0].addEventListener("ended", () => {
      if (this.stream === stream) this.#fail(ENDED);
    });
    this.video.srcObject = stream;
    await this.video.play();
    this.source = `camera ${++this.sessions}`;
    this.tracker = new Tracker({ unknownBelow: this.thresholds.unknown });
    this.timeline.reset();
    Object.assign(this, { ends: [], labels: new Map() });
    this.#run(stream);
    this.changed();
  }

  stop() {
    this.stream?.getTracks().forEach((track) => track.stop());
    this.stream = null;
    this.video.srcObject = null;
    this.changed();
  }

  #fail(sentence) {
    this.stop();
    this.announce(sentence, true);
  }

  async #run(stream) {
    const started = performance.now();
    for (let number = 0; this.stream === stream; number++) {
      await new Promise(requestAnimationFrame);
      const { videoWidth, videoHeight } = this.video;
      if (!videoWidth) continue;
      const scale = Math.min(1, LARGEST_SIDE / Math.max(videoWidth, videoHeight));
      const [width, height] = [videoWidth, videoHeight].map((side) => Math.round(side * scale));
      const picture = pixelsOf(this.video, width, height);
      const seconds = (performance.now() - started) / 1000;
      let found;
      try {
        ({ faces: found } = await this.ask(picture, SMALLEST_FACE));
      } catch (error) {
        if (this.stream === stream) this.#fail(error.message);
        return;
      }
      if (this.stream !== stream) return;
      this.#show(picture, this.tracker.update(found, seconds), number, seconds);
    }
  }

  #show(picture, faces, number, seconds) {
    const titled = faces.map((face) => ({ ...face, title: titleOf(face, this.classes) }));
    drawFaces(this.frame, picture.canvas, picture.width, picture.height, titled);
    showFaces(this.faces, titled, this.classes);
    this.timeline.add(titled, number, seconds);
    this.#announceChanges(titled);
    for (const face of titled) {
      this.rows.add({ ...face, source: this.source, frame: number, seconds, face: face.number });
    }
    if (this.rows.dropped && !this.limit.textContent) this.limit.textContent = DROPPED;
    const now = performance.now();
    this.ends = [...this.ends, now].filter((end) => now - end <= 1000 * RATE_SECONDS);
    const passed = (now - this.ends[0]) / 1000;
    if (passed > 0) {
      this.rate.textContent = `${((this.ends.length - 1) / passed).toFixed(1)} frames per second`;
    }
  }

  /** Say a face's label only when it changes: bars that move must not speak. */
  #announceChanges(faces) {
    const changed = faces.filter(({ number, title }) => this.labels.get(number) !== title);
    for (const { number, title } of changed) this.labels.set(number, title);
    if (changed.length) this.announce(changed.map(({ title }) => `Face ${title}`).join(", "));
  }
}
