// A view: where a picture lies in a box of the page, and how it is moved and zoomed there.
//
// A point of the box (x, y in CSS pixels) is the picture's point (x - left) / scale, (y - top) / scale.

const MARGIN = 12; // around the whole picture
const LARGEST = 16; // CSS pixels of one of the picture's
const STAYS = 60; // of the picture, however far it is moved

export class PictureView {
  constructor(width, height) {
    this.width = width;
    this.height = height;
    this.box = { width: 1, height: 1 };
    this.scale = 1;
    this.left = this.top = 0;
    this.whole = true; // until somebody zooms
  }

  resize(width, height) {
    const [x, y] = this.at(this.box.width / 2, this.box.height / 2);
    this.box = { width, height };
    if (this.whole) this.fit();
    else {
      this.left = width / 2 - x * this.scale;
      this.top = height / 2 - y * this.scale;
      this.#keep();
    }
  }

  fit() {
    this.scale = this.smallest;
    this.left = (this.box.width - this.width * this.scale) / 2;
    this.top = (this.box.height - this.height * this.scale) / 2;
    this.whole = true;
  }

  get smallest() {
    const across = (this.box.width - 2 * MARGIN) / this.width;
    const down = (this.box.height - 2 * MARGIN) / this.height;
    return Math.max(0.02, Math.min(across, down, LARGEST));
  }

  // Zoom, so that what lies at that point of the box stays there.
  zoom(factor, x = this.box.width / 2, y = this.box.height / 2) {
    const scale = Math.min(LARGEST, Math.max(this.smallest, this.scale * factor));
    if (scale <= this.smallest) return this.fit();
    this.left = x - ((x - this.left) * scale) / this.scale;
    this.top = y - ((y - this.top) * scale) / this.scale;
    this.scale = scale;
    this.whole = false;
    this.#keep();
  }

  move(across, down) {
    this.left += across;
    this.top += down;
    this.whole = false;
    this.#keep();
  }

  // The picture's point at that point of the box.
  at(x, y) {
    return [(x - this.left) / this.scale, (y - this.top) / this.scale];
  }

  #keep() {
    const across = this.width * this.scale;
    const down = this.height * this.scale;
    this.left = Math.min(this.box.width - STAYS, Math.max(STAYS - across, this.left));
    this.top = Math.min(this.box.height - STAYS, Math.max(STAYS - down, this.top));
  }
}
