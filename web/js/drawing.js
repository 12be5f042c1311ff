// Boxes on a canvas, and bars beside it.

import { placeLabels } from "./labels.js";
import { longerSide } from "./recogniser.js";

const SMALLEST_HEIGHT = 420; // Smaller pictures are enlarged, so that titles do not hide faces.
const LARGEST_SIDE = 2048;
const BOX_COLOURS = ["#00c85a", "#ff9614", "#3c96ff"];

/** The colour of a face's box; number from 1. */
export function boxColour(number) {
  return BOX_COLOURS[(number - 1) % BOX_COLOURS.length];
}

/** Draw a picture and its faces [{box, number, title}] on a canvas. */
export function drawFaces(canvas, source, width, height, faces) {
  const scale = Math.min(Math.max(1, SMALLEST_HEIGHT / height), LARGEST_SIDE / Math.max(width, height));
  canvas.width = Math.max(1, Math.round(width * scale));
  canvas.height = Math.max(1, Math.round(height * scale));
  const pen = canvas.getContext("2d");
  pen.drawImage(source, 0, 0, canvas.width, canvas.height);
  const line = Math.max(2, Math.round(Math.max(canvas.width, canvas.height) / 300));
  const font = Math.max(13, line * 6);
  pen.lineWidth = line;
  pen.font = `${font}px system-ui, sans-serif`;
  pen.textBaseline = "top";
  const boxes = faces.map(({ box }) => box.map((edge) => edge * scale));
  [...boxes.entries()].reverse().forEach(([place, [left, top, right, bottom]]) => {
    pen.strokeStyle = boxColour(faces[place].number);
    pen.strokeRect(left, top, right - left, bottom - top);
  });
  const wordings = faces.map(({ number, title }) => [title, String(number)]);
  const widths = wordings.map((words) => words.map((each) => pen.measureText(each).width + 8));
  placeLabels(boxes, widths, font + 6, canvas.width, canvas.height)
    .forEach(({ wording, place: [left, top, right, bottom] }, n) => {
      pen.fillStyle = boxColour(faces[n].number);
      pen.fillRect(left, top, right - left, bottom - top);
      pen.fillStyle = "#10151b";
      pen.fillText(wordings[n][wording], left + 4, top + 3);
    });
}

/** What a face is called in a few words: its number and its expression or flag. */
export function titleOf(face, classes) {
  if (!face.probabilities) return `${face.number}: too small`;
  if (face.flags.includes("unknown")) return `${face.number}: unknown`;
  const best = face.label ?? face.probabilities.indexOf(Math.max(...face.probabilities));
  return `${face.number}: ${classes[best]}`;
}

/** Seven bars for each face: tables in `parent`, which are reused from call to call. */
export function showFaces(parent, faces, classes, none = "No face was found.") {
  while (parent.children.length > Math.max(faces.length, 1)) parent.lastChild.remove();
  if (!faces.length) {
    if (parent.firstChild?.tagName !== "P") parent.replaceChildren(element("p", none, "quiet"));
    return;
  }
  faces.forEach((face, place) => {
    let table = parent.children[place];
    if (table?.tagName !== "TABLE" || table.rows.length !== (face.probabilities?.length ?? 0)) {
      const made = makeTable(face.probabilities ? classes : []);
      if (table) table.replaceWith(made);
      else parent.append(made);
      table = made;
    }
    fillTable(table, face, classes);
  });
}

function makeTable(classes) {
  const table = element("table");
  const caption = table.createCaption();
  caption.append(element("span", "", "swatch"), element("span"), element("span", "", "flags"));
  caption.firstChild.setAttribute("aria-hidden", "true");
  for (const name of classes) {
    const row = table.insertRow();
    const head = element("th", name);
    head.scope = "row";
    const bar = element("span", "", "bar");
    bar.setAttribute("aria-hidden", "true");
    bar.append(element("span"));
    row.append(head);
    row.insertCell().append(bar);
    row.insertCell();
  }
  return table;
}

function fillTable(table, face, classes) {
  const [swatch, name, flags] = table.caption.children;
  swatch.style.background = boxColour(face.number);
  name.textContent = `Face ${titleOf(face, classes)}`;
  const side = Math.round(longerSide(face.box));
  const more = face.flags.map((flag) => flag.replace("_", " "))
    .filter((flag) => !name.textContent.endsWith(flag));
  flags.textContent = ` ${[`${side} px`, ...more].join(", ")}`;
  const highest = face.probabilities ? Math.max(...face.probabilities) : 0;
  (face.probabilities ?? []).forEach((probability, i) => {
    const row = table.rows[i];
    row.className = probability === highest ? "best" : "";
    row.cells[1].firstChild.firstChild.style.width = `${(100 * probability).toFixed(1)}%`;
    row.cells[2].textContent = `${Math.round(100 * probability)} %`;
  });
}

/** An element with a text and a class. */
export function element(tag, text = "", className = "") {
  const made = document.createElement(tag);
  if (text) made.textContent = text;
  if (className) made.className = className;
  return made;
}
