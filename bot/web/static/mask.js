// A mask in the making: what was painted over a picture, as a list of deeds that can be undone.
//
// The list is the truth; the layer is what it looks like.  A point is in pixels of the picture.
//
//   {kind: "stroke", erase, size, points: [x, y, x, y, ...]}
//   {kind: "invert"}    {kind: "clear"}

const INK = "#ff1744";
const HALF = 128;
const CHECK_EVERY = 24; // deeds, after which what they look like is kept: undoing stays quick

export class MaskLayer {
  constructor(width, height) {
    this.width = width;
    this.height = height;
    this.layer = canvas(width, height);
    this.deeds = [];
    this.undone = [];
    this.kept = []; // what the layer looked like after so many deeds: {count, layer}
    this.open = null; // the stroke that goes on
  }

  begin(x, y, size, erase) {
    this.open = { kind: "stroke", erase, size, points: [round(x), round(y)] };
    this.#segment(this.open, 0);
  }

  go(x, y) {
    const { points } = this.open;
    points.push(round(x), round(y));
    this.#segment(this.open, points.length - 4);
  }

  end() {
    if (this.open) this.#done(this.open);
    this.open = null;
  }

  // A stroke that was none: a second finger came.
  forget() {
    if (!this.open) return;
    this.open = null;
    this.#repeat();
  }

  invert() {
    this.#do({ kind: "invert" });
  }

  clear() {
    if (this.deeds.length) this.#do({ kind: "clear" });
  }

  undo() {
    if (!this.deeds.length) return;
    this.undone.push(this.deeds.pop());
    this.#repeat();
  }

  redo() {
    if (!this.undone.length) return;
    const deed = this.undone.pop();
    this.deeds.push(deed);
    this.#show(deed);
  }

  restore(deeds) {
    this.deeds = deeds;
    this.undone = [];
    this.#repeat();
  }

  // The share of the picture that is painted, from 0 to 1.
  share() {
    const small = canvas(Math.min(this.width, 256), Math.min(this.height, 256));
    const pen = small.getContext("2d", { willReadFrequently: true });
    pen.drawImage(this.layer, 0, 0, small.width, small.height);
    const { data } = pen.getImageData(0, 0, small.width, small.height);
    let sum = 0;
    for (let at = 3; at < data.length; at += 4) sum += data[at];
    return sum / 255 / (small.width * small.height);
  }

  // White where it is painted, black elsewhere, each pixel either: {count, blob}.
  async png() {
    const pen = this.layer.getContext("2d");
    const image = pen.getImageData(0, 0, this.width, this.height);
    const { data } = image;
    let count = 0;
    for (let at = 0; at < data.length; at += 4) {
      const white = data[at + 3] >= HALF;
      count += white;
      data[at] = data[at + 1] = data[at + 2] = white ? 255 : 0;
      data[at + 3] = 255;
    }
    const made = canvas(this.width, this.height);
    made.getContext("2d").putImageData(image, 0, 0);
    const blob = await new Promise((resolve) => made.toBlob(resolve, "image/png"));
    return { count, blob };
  }

  #do(deed) {
    this.#show(deed);
    this.#done(deed);
  }

  #done(deed) {
    this.deeds.push(deed);
    this.undone = [];
    const last = this.kept.at(-1)?.count ?? 0;
    if (this.deeds.length - last >= CHECK_EVERY) {
      const layer = canvas(this.width, this.height);
      layer.getContext("2d").drawImage(this.layer, 0, 0);
      this.kept.push({ count: this.deeds.length, layer });
      if (this.kept.length > 3) this.kept.shift();
    }
  }

  #repeat() {
    this.kept = this.kept.filter(({ count }) => count <= this.deeds.length);
    const from = this.kept.at(-1);
    const pen = this.layer.getContext("2d");
    pen.clearRect(0, 0, this.width, this.height);
    if (from) pen.drawImage(from.layer, 0, 0);
    for (const deed of this.deeds.slice(from?.count ?? 0)) this.#show(deed);
  }

  #show(deed) {
    const pen = this.layer.getContext("2d");
    if (deed.kind === "clear") pen.clearRect(0, 0, this.width, this.height);
    if (deed.kind === "invert") {
      pen.save();
      pen.globalCompositeOperation = "xor";
      pen.fillStyle = INK;
      pen.fillRect(0, 0, this.width, this.height);
      pen.restore();
    }
    if (deed.kind === "stroke") {
      for (let at = 0; at < deed.points.length; at += 2) this.#segment(deed, at);
    }
  }

  // From the point there to the next, or a dab where there is none.
  #segment({ erase, size, points }, at) {
    const pen = this.layer.getContext("2d");
    const next = at + 2 < points.length ? at + 2 : at;
    pen.save();
    pen.globalCompositeOperation = erase ? "destination-out" : "source-over";
    pen.strokeStyle = pen.fillStyle = INK;
    pen.lineWidth = size;
    pen.lineCap = "round";
    pen.beginPath();
    if (next === at) {
      pen.arc(points[at], points[at + 1], size / 2, 0, 2 * Math.PI);
      pen.fill();
    } else {
      pen.moveTo(points[at], points[at + 1]);
      pen.lineTo(points[next], points[next + 1]);
      pen.stroke();
    }
    pen.restore();
  }
}

function canvas(width, height) {
  return Object.assign(document.createElement("canvas"), { width, height });
}

function round(number) {
  return Math.round(number * 10) / 10;
}
