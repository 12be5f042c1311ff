// node recognise.mjs RUNTIME MODELS PICTURE.rgba WIDTH HEIGHT ... -> a line of JSON for each picture

import { readFileSync } from "node:fs";
import { pathToFileURL } from "node:url";

import { Recogniser } from "../../web/js/recogniser.js";

const [runtime, models, ...pictures] = process.argv.slice(2);
const ort = await import(pathToFileURL(`${runtime}/ort.wasm.min.mjs`));
ort.env.wasm.numThreads = 1;
ort.env.logLevel = "error";
const described = JSON.parse(readFileSync(`${models}/models.json`));
const recogniser = await Recogniser.load(described,
  (file) => ort.InferenceSession.create(readFileSync(`${models}/${file}`)),
  (values, dims) => new ort.Tensor("float32", values, dims));
for (let i = 0; i < pictures.length; i += 3) {
  const [path, width, height] = pictures.slice(i, i + 3);
  const picture = { data: readFileSync(path), width: +width, height: +height };
  const started = performance.now();
  const faces = await recogniser.recognise(picture);
  console.log(JSON.stringify({ faces, ms: performance.now() - started }));
}
