// Runs the networks beside the page, so that it stays responsive.
//
// In: {id, picture: {data, width, height}, smallestFace}. Out: {ready: {contract, threads}}, then
// {id, faces, ms} or {id, problem} for each picture, or {problem} where nothing can be loaded.

import * as ort from "../ort/ort.wasm.min.mjs";
import { Recogniser } from "./recogniser.js";

const HERE = new URL("../", import.meta.url);
const MOST_THREADS = 4;

ort.env.wasm.wasmPaths = new URL("ort/", HERE).href;
ort.env.wasm.numThreads = self.crossOriginIsolated
  ? Math.min(MOST_THREADS, navigator.hardwareConcurrency || 1) : 1;
ort.env.logLevel = "error";

async function open(file) {
  const response = await fetch(new URL(`models/${file}`, HERE));
  if (!response.ok) throw new Error(`the file ${file} is missing`);
  return ort.InferenceSession.create(new Uint8Array(await response.arrayBuffer()));
}

const loading = (async () => {
  const response = await fetch(new URL("models/models.json", HERE));
  if (!response.ok) throw new Error("the file models.json is missing");
  return Recogniser.load(await response.json(), open,
    (values, dims) => new ort.Tensor("float32", values, dims));
})();

loading.then(
  ({ contract }) => self.postMessage({ ready: { contract, threads: ort.env.wasm.numThreads } }),
  (error) => self.postMessage({ problem: error.message }),
);

self.addEventListener("message", async ({ data: { id, picture, smallestFace } }) => {
  try {
    const recogniser = await loading;
    const started = performance.now();
    const faces = await recogniser.recognise(picture, smallestFace);
    self.postMessage({ id, faces, ms: performance.now() - started });
  } catch (error) {
    self.postMessage({ id, problem: error.message });
  }
});
