// The camera: it sends pictures to the house, and draws what the house sees over the preview.
import { Device } from "./device.js";
import { set, setText, words } from "./words.js";

const $ = (id) => document.getElementById(id);

export class Camera extends Device {
  constructor(line) {
    super("camera", line, $("idle"));
    this.settings = { fps: 5, width: 1280, closer_fps: 10, closer_width: 1920, quality: 0.8 };
    this.closerUntil = 0; // until then larger pictures are sent, and more of them; as performance.now()
    this.facing = localStorage.getItem("facing") ?? "environment";
    this.busy = false;
    this.disabledBy = null; // who switched off the camera of this place, if it is off
    this.resumes = false; // whether to start once it is switched on again
    this.canvas = document.createElement("canvas");
    $("camera").onclick = () => (this.wanted ? this.off() : this.on());
    $("turn").onclick = () => this.turn();
  }

  async on() {
    this.resumes = this.disabledBy !== null;
    if (this.resumes) return this.showDisabled();
    await super.on();
  }

  constraints() {
    const { closer_width: width, closer_fps: fps } = this.settings;
    return { audio: false,
      video: { width: { ideal: width }, facingMode: { ideal: this.facing }, frameRate: { ideal: Math.max(fps, 10) } } };
  }

  async use(stream, isStale) {
    $("video").srcObject = stream;
    await $("video").play();
    if (isStale()) return; // close() has stopped it
    $("stage").classList.toggle("mirrored", stream.getVideoTracks()[0].getSettings().facingMode === "user");
    $("stage").style.aspectRatio = `${$("video").videoWidth} / ${$("video").videoHeight}`;
    $("idle").hidden = true;
    const cameras = (await navigator.mediaDevices.enumerateDevices()).filter((each) => each.kind === "videoinput");
    if (!isStale()) $("turn").hidden = cameras.length < 2;
  }

  started() {
    this.setPace();
    navigator.wakeLock?.request("screen").then((lock) => { this.lock = lock; }, () => {});
  }

  setPace() {
    clearInterval(this.timer);
    const { fps, closer_fps } = this.settings;
    this.timer = setInterval(() => this.sendPicture(), 1000 / (this.isCloser() ? closer_fps : fps));
  }

  isCloser() { return performance.now() < this.closerUntil; }

  // The house wants larger pictures, and more of them, for some seconds.
  lookCloser(seconds) {
    const wasCloser = this.isCloser();
    this.closerUntil = Math.max(this.closerUntil, performance.now() + 1000 * seconds);
    if (this.stream && !wasCloser) this.setPace();
    clearTimeout(this.closerEnd);
    this.closerEnd = setTimeout(() => this.stream && this.setPace(), this.closerUntil - performance.now() + 10);
  }

  off() {
    super.off();
    clearInterval(this.timer);
    this.lock?.release();
    this.draw([]);
    $("turn").hidden = true;
    $("idle").hidden = false;
    set($("idle"), "camera_off");
  }

  release() { $("video").srcObject = null; }

  turn() {
    this.facing = this.facing === "user" ? "environment" : "user";
    localStorage.setItem("facing", this.facing);
    this.on();
  }

  // Sends the newest picture, and none while an earlier one is still waiting.
  sendPicture() {
    const video = $("video");
    if (this.busy || !this.line.isFree() || !video.videoWidth || this.paused) return;
    this.busy = true;
    const width = this.isCloser() ? this.settings.closer_width : this.settings.width;
    const scale = Math.min(1, width / video.videoWidth);
    this.canvas.width = video.videoWidth * scale;
    this.canvas.height = video.videoHeight * scale;
    this.canvas.getContext("2d").drawImage(video, 0, 0, this.canvas.width, this.canvas.height);
    this.canvas.toBlob((blob) => {
      this.busy = false;
      if (blob && this.wanted && this.line.isFree()) this.line.bytes(blob);
    }, "image/jpeg", this.settings.quality);
  }

  pause() {
    this.resumes = false;
    super.pause();
    set($("idle"), "paused");
  }

  // While the household has switched off the camera of this place, the camera stays off.
  disabled(by) {
    this.disabledBy = by;
    if (by === null) {
      if (this.resumes && document.hidden && !this.background) this.pause();
      else if (this.resumes) this.on();
      else if (!this.wanted && !this.paused) set($("idle"), "camera_off");
      return;
    }
    this.resumes ||= this.wanted;
    if (this.wanted) this.off();
    this.showDisabled();
  }

  showDisabled() { setText($("idle"), words("disabled") + (this.disabledBy ? ` (${this.disabledBy})` : "")); }

  // Which device is the camera of this place.
  ownedBy(name) { this.owner = name; this.show(); }

  show() {
    set($("camera"), this.wanted ? "stop" : "start");
    $("camera").setAttribute("aria-pressed", this.wanted);
    $("camera-state").textContent = this.wanted ? words("camera_here") : this.owner ? words("camera_other") + this.owner : words("camera_none");
  }

  draw(detections) {
    const mirrored = $("stage").classList.contains("mirrored");
    $("overlay").replaceChildren(...(this.wanted ? detections : []).map((each) => {
      const [x, y, w, h] = each.box, box = document.createElement("div"), name = document.createElement("b");
      box.className = `box ${each.verdict ?? ""}`;
      Object.assign(box.style, { left: `${100 * (mirrored ? 1 - x - w : x)}%`, top: `${100 * y}%`, width: `${100 * w}%`, height: `${100 * h}%` });
      name.textContent = each.who ? `${each.who} · ${words(each.verdict)}` : words(each.verdict ?? each.label);
      box.append(name);
      return box;
    }));
  }
}
