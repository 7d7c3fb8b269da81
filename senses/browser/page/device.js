// What a camera and a microphone have in common: opening, releasing, and giving way to another device.
import { set, setText, words } from "./words.js";

const stop = (stream) => {
  for (const track of stream.getTracks()) { track.onended = null; track.stop(); }
};

// A subclass has constraints() for getUserMedia, use(stream, isStale) and release(); show(), started() and pause() if needed.
export class Device {
  // kind is "camera" or "microphone"; note is the element that shows what is wrong.
  constructor(kind, line, note) {
    Object.assign(this, { kind, line, note, stream: null });
    this.wanted = this.paused = this.background = false;
    this.attempt = 0; // the number of the newest attempt to open the device
    document.addEventListener("visibilitychange", () => this.visibilityChanged());
  }

  async on() {
    this.wanted = true;
    this.show();
    const attempt = ++this.attempt;
    // Whether the device was turned off, or opened again, since this attempt began.
    const isStale = () => !this.wanted || attempt !== this.attempt;
    try {
      await this.open(isStale);
    } catch {
      if (isStale()) return;
      this.off();
      set(this.note, `${navigator.mediaDevices ? "refused" : "no"}_${this.kind}`);
      return;
    }
    if (isStale()) return;
    this.announce();
    this.started();
  }

  async open(isStale) {
    this.close();
    const stream = await navigator.mediaDevices.getUserMedia(this.constraints());
    if (isStale()) return stop(stream);
    this.stream = stream;
    stream.getTracks()[0].onended = () => this.wanted && this.on();
    await this.use(stream, isStale);
  }

  // Tells the house that this device is on; also after the connection was lost.
  announce() { if (this.stream) this.line.send({ do: this.kind, on: true }); }

  off() {
    if (this.wanted) this.line.send({ do: this.kind, on: false });
    this.wanted = false;
    this.close();
    this.show();
  }

  close() {
    if (this.stream) stop(this.stream);
    this.stream = null;
    this.release();
  }

  // Another device took over.
  taken(name) {
    if (!this.wanted) return;
    this.off();
    setText(this.note, words(`${this.kind}_taken`) + name);
  }

  visibilityChanged() {
    if (this.background) return;
    if (document.hidden && this.wanted) {
      this.off();
      this.pause();
    } else if (!document.hidden && this.paused) {
      this.paused = false;
      this.on();
    }
  }

  // The device is off until the page is shown again.
  pause() { this.paused = true; }

  show() {}

  started() {}
}
