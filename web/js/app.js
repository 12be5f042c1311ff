// The page: photos and the camera in, pictures with bars out.

import { Camera } from "./camera.js";
import { drawFaces, element, showFaces, titleOf } from "./drawing.js";
import { readPicture } from "./pictures.js";
import { save, toCsv } from "./table.js";
import { Timeline } from "./timeline.js";

const at = (id) => document.getElementById(id);
const rows = []; // Of photos, for the table.
const waiting = new Map(); // Questions to the worker by their number.
let lastId = 0;
let worker = null;
let camera = null;
let classes = [];
let queue = Promise.resolve();

function say(text, isProblem = false) {
  const problem = at("problem");
  problem.hidden = !isProblem;
  problem.textContent = isProblem ? text : "";
  at("status").textContent = isProblem ? "" : text;
}

/** Ask the worker for a picture's faces. */
function ask(picture, smallestFace) {
  const id = ++lastId;
  const { data, width, height } = picture;
  return new Promise((resolve, reject) => {
    waiting.set(id, { resolve, reject });
    worker.postMessage({ id, picture: { data, width, height }, smallestFace }, [data.buffer]);
  });
}

function start() {
  if (typeof WebAssembly !== "object") {
    say("This browser has no WebAssembly, which the page needs; use a current browser.", true);
    return;
  }
  worker = new Worker(new URL("worker.js", import.meta.url), { type: "module" });
  worker.addEventListener("message", ({ data }) => {
    if (data.ready) return ready(data.ready);
    if (data.id === undefined) return failed(data.problem);
    const { resolve, reject } = waiting.get(data.id);
    waiting.delete(data.id);
    if (data.problem) reject(new Error(`The models failed: ${data.problem}`));
    else resolve(data);
  });
  worker.addEventListener("error", (event) => failed(event.message ?? "they cannot be loaded"));
  if ("serviceWorker" in navigator && window.isSecureContext) {
    navigator.serviceWorker.register("service_worker.js").catch(() => {});
  }
}

function failed(why) {
  say(`The models could not be loaded: ${why}. Reload the page, or build it again.`, true);
}

function ready({ contract, threads }) {
  ({ classes } = contract);
  at("smallest").textContent = contract.thresholds.smallest_face;
  const facts = {
    Model: `${contract.model}, ${contract.dtype}`,
    Source: `${contract.source}, sha256 ${contract.source_sha256}`,
    "Licence of the weights": contract.licence,
    "Face detector": contract.kind === "classifier"
      ? "MTCNN, weights of the package mtcnn 1.0.0 (MIT)" : "the model itself",
    "Run by": `onnxruntime-web (MIT), ${threads} thread${threads > 1 ? "s" : ""}`,
  };
  at("model").replaceChildren(...Object.entries(facts)
    .flatMap(([name, text]) => [element("dt", name), element("dd", text)]));
  const timeline = new Timeline({
    canvas: at("timeline"), title: at("timeline-title"), legend: at("legend"),
  }, classes);
  camera = new Camera({
    video: at("video"), frame: at("frame"), faces: at("live-faces"), rate: at("rate"),
  }, timeline, ask, contract, say);
  for (const id of ["files", "camera"]) at(id).disabled = false;
  say("Ready.");
}

/** Photos one after the other; what cannot be read is a sentence in its place. */
function addPhotos(files) {
  for (const file of files) queue = queue.then(() => addPhoto(file));
}

async function addPhoto(file) {
  say(`Looking at ${file.name} …`);
  const article = element("article");
  article.append(element("h3", file.name));
  at("results").prepend(article);
  at("clear").disabled = at("table").disabled = false;
  try {
    const picture = await readPicture(file);
    const { width, height, canvas: source } = picture;
    const { faces, ms } = await ask(picture);
    const titled = faces.map((face, i) => ({ ...face, number: i + 1 }))
      .map((face) => ({ ...face, title: titleOf(face, classes) }));
    article.append(resultOf(file.name, source, width, height, titled));
    if (!faces.length) rows.push({ source: file.name, note: "no face" });
    for (const face of titled) rows.push({ ...face, source: file.name, face: face.number });
    const count = `${faces.length} face${faces.length === 1 ? "" : "s"}`;
    say(`${file.name}: ${count}, ${Math.round(ms)} ms.`);
  } catch (error) {
    article.append(element("p", error.message, "problem"));
    rows.push({ source: file.name, note: error.message });
    say(error.message, true);
  }
}

function resultOf(name, source, width, height, faces) {
  const canvas = element("canvas");
  canvas.setAttribute("role", "img");
  canvas.setAttribute("aria-label",
    `${name} with ${faces.length} boxes: ${faces.map(({ title }) => title).join(", ")}`);
  drawFaces(canvas, source, width, height, faces);
  const button = element("button", "Save picture (PNG)");
  button.type = "button";
  button.addEventListener("click", () => savePicture(canvas, `${name}.faces.png`));
  const kind = faces.length > 3 ? "result many" : "result";
  const [result, left, list] = [kind, "", "faces"].map((each) => element("div", "", each));
  showFaces(list, faces, classes);
  left.append(canvas, button);
  result.append(left, list);
  return result;
}

function savePicture(canvas, name) {
  canvas.toBlob((blob) => save(blob, name), "image/png");
}

async function toggleCamera() {
  const button = at("camera");
  if (camera.stream) {
    camera.stop();
    say("The camera is off.");
  } else {
    button.disabled = true;
    try {
      await camera.start();
      say("The camera is on.");
      at("table").disabled = at("clear").disabled = false;
    } catch (error) {
      say(error.message, true);
    }
    button.disabled = false;
  }
  button.setAttribute("aria-pressed", String(Boolean(camera.stream)));
  button.textContent = camera.stream ? "Stop the camera" : "Use the camera";
  at("live").hidden = !camera.stream && !camera.rows.length;
}

function clear() {
  if (camera.stream) toggleCamera();
  rows.length = camera.rows.length = 0;
  at("results").replaceChildren();
  at("live").hidden = true;
  at("clear").disabled = at("table").disabled = true;
  say("Ready.");
}

at("files").addEventListener("change", ({ target }) => {
  addPhotos([...target.files]);
  target.value = "";
});
at("camera").addEventListener("click", toggleCamera);
at("clear").addEventListener("click", clear);
at("snapshot").addEventListener("click", () => savePicture(at("frame"), "camera.faces.png"));
at("table").addEventListener("click", () => {
  const text = toCsv([...rows, ...camera.rows], classes);
  save(new Blob([text], { type: "text/csv" }), "predictions.csv");
});
document.addEventListener("dragover", (event) => {
  event.preventDefault();
  at("drop").classList.add("over");
});
document.addEventListener("dragleave", () => at("drop").classList.remove("over"));
document.addEventListener("drop", (event) => {
  event.preventDefault();
  at("drop").classList.remove("over");
  if (camera) addPhotos([...event.dataTransfer.files]);
});
document.addEventListener("paste", (event) => {
  if (camera) addPhotos([...event.clipboardData.files]);
});
start();
