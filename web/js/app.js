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
let broken = false; // Said once for all.
let classes = [];
let becomeReady;
let queue = new Promise((resolve) => { becomeReady = resolve; });

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
    broken = true;
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
    navigator.serviceWorker.register("service_worker.js").then(offerUpdates).catch(() => {});
  }
}

/** Show a button when a new version of the page's files is there; this page keeps to its own. */
function offerUpdates(registration) {
  // The first version waits for nobody, but passes through this state.
  const offer = () => { at("update").hidden = !(registration.waiting && registration.active); };
  registration.addEventListener("updatefound", () =>
    registration.installing?.addEventListener("statechange", offer));
  registration.installing?.addEventListener("statechange", offer);
  offer();
  at("reload").addEventListener("click", () => {
    navigator.serviceWorker.addEventListener("controllerchange", () => location.reload());
    registration.waiting?.postMessage("activate");
  });
}

function failed(why) {
  broken = true;
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
    limit: at("limit"),
  }, timeline, ask, contract, say, showCamera);
  for (const id of ["files", "camera"]) at(id).disabled = false;
  navigator.mediaDevices?.addEventListener("devicechange", showCamera);
  say("Ready.");
  becomeReady();
}

/** Photos one after the other; what cannot be read is a sentence in its place. */
function addPhotos(files) {
  if (broken) return;
  if (!files.length) say("There is no picture file in this; save the picture, and open the file.", true);
  else if (!camera) say(`Loading the models; then ${files.length === 1 ? "the photo" : "the photos"} …`);
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

function toggleCamera() {
  if (!camera.stream) return openCamera(() => camera.start());
  camera.stop();
  say("The camera is off.");
}

async function openCamera(open) {
  const buttons = [at("camera"), at("switch")];
  const focused = document.activeElement;
  for (const button of buttons) button.disabled = true;
  try {
    await open();
    say("The camera is on.");
    at("table").disabled = at("clear").disabled = false;
  } catch (error) {
    camera.stop();
    say(error.message, true);
  }
  for (const button of buttons) button.disabled = false;
  await showCamera();
  focused.focus(); // A disabled button loses it.
}

async function showCamera() {
  const button = at("camera");
  button.setAttribute("aria-pressed", String(Boolean(camera.stream)));
  button.textContent = camera.stream ? "Stop the camera" : "Use the camera";
  at("live").hidden = !camera.stream && !camera.rows.all.length;
  const several = (await camera.list()).length > 1;
  at("switch").hidden = !camera.stream || !several;
}

function clear() {
  if (camera.stream) camera.stop();
  rows.length = 0;
  camera.clear();
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
at("switch").addEventListener("click", () => openCamera(() => camera.next()));
at("clear").addEventListener("click", clear);
at("snapshot").addEventListener("click", () => savePicture(at("frame"), "camera.faces.png"));
at("table").addEventListener("click", () => {
  const text = toCsv([...rows, ...camera.rows.all], classes);
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
  addPhotos([...event.dataTransfer.files]);
});
document.addEventListener("paste", (event) => addPhotos([...event.clipboardData.files]));
start();
