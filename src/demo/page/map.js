// A map that needs nothing from outside: streets as lines, cars as dots that glide from fix to fix.

const MARGIN = 24;
const CAR = 2.6;
const FOLLOWED = 7;
/** A car that has not been heard of for so long is not drawn. */
const GONE_MS = 30_000;
const TRAIL = 90;

export class CityMap {
  #canvas;
  #streets;
  #bounds;
  #ground = document.createElement("canvas");
  #cars = new Map();
  #followed;
  #trail = [];
  #scale = 1;
  #left = 0;
  #top = 0;
  #colours = {};

  /** `onPick` is called with the driver that was clicked. */
  constructor(canvas, { streets, bounds }, onPick) {
    this.#canvas = canvas;
    this.#streets = streets;
    this.#bounds = bounds;
    new ResizeObserver(() => this.#resize()).observe(canvas);
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.#resize());
    canvas.addEventListener("click", (event) => {
      const driver = this.#nearest(event.offsetX, event.offsetY);
      if (driver) onPick(driver);
    });
    const draw = () => {
      this.#draw();
      requestAnimationFrame(draw);
    };
    draw();
  }

  get cars() {
    return this.#cars.size;
  }

  /** A fix of a car. */
  move(driver, { lat, lon, occupied }) {
    const now = performance.now();
    const [x, y] = this.#place(lon, lat);
    const car = this.#cars.get(driver);
    if (!car) {
      this.#cars.set(driver, { x, y, fromX: x, fromY: y, atMs: now, takesMs: 0, occupied });
      return;
    }
    const [fromX, fromY] = where(car, now);
    // It takes as long to glide there as the last fix was ago.
    const takesMs = Math.min(2_000, now - car.atMs);
    Object.assign(car, { x, y, fromX, fromY, atMs: now, takesMs, occupied });
    if (driver === this.#followed) this.#trail = [...this.#trail.slice(1 - TRAIL), [x, y]];
  }

  follow(driver) {
    this.#followed = driver;
    this.#trail = [];
  }

  /** Where a place is, right and down of the north-west corner, in degrees of latitude. */
  #place(lon, lat) {
    const { south, west, north } = this.#bounds;
    const narrow = Math.cos((south + north) / 2 * Math.PI / 180);
    return [(lon - west) * narrow, north - lat];
  }

  #toScreen(x, y) {
    return [x * this.#scale + this.#left, y * this.#scale + this.#top];
  }

  #resize() {
    const { clientWidth, clientHeight } = this.#canvas;
    const ratio = globalThis.devicePixelRatio || 1;
    for (const canvas of [this.#canvas, this.#ground]) {
      canvas.width = clientWidth * ratio;
      canvas.height = clientHeight * ratio;
      canvas.getContext("2d").setTransform(ratio, 0, 0, ratio, 0, 0);
    }
    const { south, north, east } = this.#bounds;
    const [width] = this.#place(east, north);
    const height = north - south;
    this.#scale = Math.min(
      (clientWidth - 2 * MARGIN) / width,
      (clientHeight - 2 * MARGIN) / height,
    );
    this.#left = (clientWidth - width * this.#scale) / 2;
    this.#top = (clientHeight - height * this.#scale) / 2;
    const style = getComputedStyle(document.documentElement);
    // Colours in custom properties that choose by scheme are only resolved where they are used.
    const probe = this.#canvas.parentElement.appendChild(document.createElement("i"));
    for (const name of ["street", "free", "taken", "mine"]) {
      probe.style.color = style.getPropertyValue(`--${name}`);
      this.#colours[name] = getComputedStyle(probe).color;
    }
    probe.remove();
    this.#drawStreets();
  }

  #drawStreets() {
    const context = this.#ground.getContext("2d");
    context.clearRect(0, 0, this.#canvas.clientWidth, this.#canvas.clientHeight);
    context.strokeStyle = this.#colours.street;
    context.lineCap = "round";
    context.lineWidth = this.#streets.length > 5_000 ? 0.7 : 2.5;
    context.beginPath();
    for (const line of this.#streets) {
      for (let i = 0; i < line.length; i += 2) {
        const [x, y] = this.#place(line[i], line[i + 1]);
        context[i === 0 ? "moveTo" : "lineTo"](...this.#toScreen(x, y));
      }
    }
    context.stroke();
  }

  #draw() {
    if (this.#canvas.width === 0) return;
    const { clientWidth, clientHeight } = this.#canvas;
    const context = this.#canvas.getContext("2d");
    context.clearRect(0, 0, clientWidth, clientHeight);
    context.drawImage(this.#ground, 0, 0, clientWidth, clientHeight);
    const now = performance.now();
    for (const occupied of [false, true]) {
      context.fillStyle = this.#colours[occupied ? "taken" : "free"];
      context.beginPath();
      for (const [driver, car] of this.#cars) {
        if (car.occupied !== occupied) continue;
        if (now - car.atMs > GONE_MS) this.#cars.delete(driver);
        const [x, y] = this.#toScreen(...where(car, now));
        context.moveTo(x + CAR, y);
        context.arc(x, y, CAR, 0, 2 * Math.PI);
      }
      context.fill();
    }
    const car = this.#cars.get(this.#followed);
    if (car) this.#drawFollowed(context, where(car, now));
  }

  #drawFollowed(context, [x, y]) {
    context.strokeStyle = this.#colours.mine;
    context.lineWidth = 3;
    context.beginPath();
    for (const at of this.#trail) context.lineTo(...this.#toScreen(...at));
    context.stroke();
    const [atX, atY] = this.#toScreen(x, y);
    context.beginPath();
    context.arc(atX, atY, FOLLOWED, 0, 2 * Math.PI);
    context.stroke();
  }

  #nearest(x, y) {
    const now = performance.now();
    let best = { distance: 20, driver: undefined };
    for (const [driver, car] of this.#cars) {
      const [carX, carY] = this.#toScreen(...where(car, now));
      const distance = Math.hypot(carX - x, carY - y);
      if (distance < best.distance) best = { distance, driver };
    }
    return best.driver;
  }
}

/** Where a car is now, on its way to its last fix. */
function where({ x, y, fromX, fromY, atMs, takesMs }, now) {
  const part = takesMs > 0 ? Math.min(1, (now - atMs) / takesMs) : 1;
  return [fromX + (x - fromX) * part, fromY + (y - fromY) * part];
}
