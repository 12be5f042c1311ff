// The table of faces as CSV, with the columns of `fer-det predict`.

import { longerSide } from "./recogniser.js";

const BOX = ["x_min", "y_min", "x_max", "y_max"];

/** At most `limit` rows; the first are dropped for later ones. */
export class Rows {
  constructor(limit) {
    this.limit = limit;
    this.clear();
  }

  clear() {
    Object.assign(this, { all: [], dropped: 0 });
  }

  add(row) {
    if (this.all.push(row) <= this.limit) return;
    this.all.shift();
    this.dropped += 1;
  }
}

/** rows: [{source, frame, seconds, face, box, score, probabilities, label, flags, note}] -> text. */
export function toCsv(rows, classes) {
  const head = ["source", "frame", "seconds", "face", ...BOX, "size", "flags", "score", "expression",
    ...classes, "note"];
  const lines = rows.map((row) => {
    const probabilities = row.probabilities ?? classes.map(() => null);
    const flags = row.flags ?? [];
    const best = row.probabilities
      ? classes[row.label ?? row.probabilities.indexOf(Math.max(...row.probabilities))] : "";
    return [
      row.source, row.frame ?? "", row.seconds?.toFixed(3) ?? "", row.face ?? "",
      ...(row.box ?? BOX.map(() => null)).map((edge) => edge?.toFixed(2) ?? ""),
      row.box ? longerSide(row.box).toFixed(2) : "", flags.join(" "),
      row.score?.toFixed(5) ?? "", flags.includes("unknown") ? "unknown" : best,
      ...probabilities.map((each) => each?.toFixed(5) ?? ""),
      row.note ?? "",
    ];
  });
  return [head, ...lines].map((line) => line.map(quoted).join(",") + "\n").join("");
}

function quoted(value) {
  const text = String(value);
  return /[",\n\r]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

/** Let the browser save a blob under a name. */
export function save(blob, name) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(blob);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}
