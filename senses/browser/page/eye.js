// The eye: the camera's pictures to the house, and what the house sees in them drawn over the preview.
import { set, words } from "./words.js";

const $ = (id) => document.getElementById(id);

export class Eye {
  constructor(line) {
    this.line = line;
    this.settings = { fps: 5, width: 1280, quality: 0.8, background: false };
    this.facing = localStorage.getItem("facing") ?? "environment";
    this.wanted = this.busy = false;
    this.opening = 0; // which attempt to open the camera is the newest
    this.lids = null; // by whom the eyes of the place are closed, if they are
    this.canvas = document.createElement("canvas");
    $("camera").onclick = () => (this.wanted ? this.off() : this.on());
    $("turn").onclick = () => this.turn();
    document.addEventListener("visibilitychange", () => this.hidden());
  }

  async on() {
    this.shut = this.lids !== null;
    if (this.shut) return this.sayClosed();
    this.wanted = true;
    this.label();
    const opening = ++this.opening;
    try {
      await this.open(opening);
    } catch {
      if (this.isStale(opening)) return;
      this.off();
      set($("idle"), navigator.mediaDevices ? "refused_camera" : "no_camera");
      return;
    }
    if (this.isStale(opening)) return;
    this.line.send({ do: "camera", on: true });
    clearInterval(this.timer);
    this.timer = setInterval(() => this.look(), 1000 / this.settings.fps);
    navigator.wakeLock?.request("screen").then((lock) => { this.lock = lock; }, () => {});
  }

  // Whether the camera was turned off, or opened anew, since an attempt to open it began.
  isStale(opening) { return !this.wanted || opening !== this.opening; }

  async open(opening) {
    this.close();
    const { width, fps } = this.settings;
    const stream = await navigator.mediaDevices.getUserMedia({ audio: false,
      video: { width: { ideal: width }, facingMode: { ideal: this.facing }, frameRate: { ideal: Math.max(fps, 10) } } });
    if (this.isStale(opening)) return stream.getTracks().forEach((track) => track.stop());
    this.stream = $("video").srcObject = stream;
    await $("video").play();
    if (this.isStale(opening)) return; // close() has stopped it
    const track = stream.getVideoTracks()[0];
    track.onended = () => this.wanted && this.on();
    $("stage").classList.toggle("mirrored", track.getSettings().facingMode === "user");
    $("stage").style.aspectRatio = `${$("video").videoWidth} / ${$("video").videoHeight}`;
    $("idle").hidden = true;
    const cameras = (await navigator.mediaDevices.enumerateDevices()).filter((each) => each.kind === "videoinput");
    if (!this.isStale(opening)) $("turn").hidden = cameras.length < 2;
  }

  off() {
    if (this.wanted) this.line.send({ do: "camera", on: false });
    this.wanted = false;
    clearInterval(this.timer);
    this.lock?.release();
    this.close();
    this.draw([]);
    this.label();
    $("turn").hidden = true;
    $("idle").hidden = false;
    set($("idle"), "camera_off");
  }

  close() {
    for (const track of this.stream?.getTracks() ?? []) { track.onended = null; track.stop(); }
    this.stream = null;
    $("video").srcObject = null;
  }

  // The line is there again.
  again() { if (this.stream) this.line.send({ do: "camera", on: true }); }

  turn() {
    this.facing = this.facing === "user" ? "environment" : "user";
    localStorage.setItem("facing", this.facing);
    this.on();
  }

  // Pictures are sent while nothing waits: the newest only.
  look() {
    const video = $("video");
    if (this.busy || !this.line.isFree() || !video.videoWidth || this.paused) return;
    this.busy = true;
    const scale = Math.min(1, this.settings.width / video.videoWidth);
    this.canvas.width = video.videoWidth * scale;
    this.canvas.height = video.videoHeight * scale;
    this.canvas.getContext("2d").drawImage(video, 0, 0, this.canvas.width, this.canvas.height);
    this.canvas.toBlob((blob) => {
      this.busy = false;
      if (blob && this.wanted && this.line.isFree()) this.line.bytes(blob);
    }, "image/jpeg", this.settings.quality);
  }

  hidden() {
    if (this.settings.background) return;
    if (document.hidden && this.wanted) {
      this.off();
      this.pause();
    } else if (!document.hidden && this.paused) {
      this.paused = false;
      this.on();
    }
  }

  // The camera is off until the page is shown again.
  pause() {
    this.shut = false;
    this.paused = true;
    set($("idle"), "paused");
  }

  // While the household keeps the eyes of the place closed, the camera is off.
  closed(by) {
    this.lids = by;
    if (by === null) {
      if (this.shut && document.hidden && !this.settings.background) this.pause();
      else if (this.shut) this.on();
      else if (!this.wanted && !this.paused) set($("idle"), "camera_off");
      return;
    }
    this.shut ||= this.wanted;
    if (this.wanted) this.off();
    this.sayClosed();
  }

  sayClosed() {
    $("idle").removeAttribute("data-say");
    $("idle").textContent = words("closed") + (this.lids ? ` (${this.lids})` : "");
  }

  taken(name) {
    if (!this.wanted) return;
    this.off();
    $("idle").removeAttribute("data-say");
    $("idle").textContent = words("taken") + name;
  }

  whose(name) { this.owner = name; this.label(); }

  label() {
    set($("camera"), this.wanted ? "stop" : "start");
    $("camera").setAttribute("aria-pressed", this.wanted);
    $("eye-state").textContent = this.wanted ? words("eye_here") : this.owner ? words("eye_other") + this.owner : words("eye_none");
  }

  draw(sightings) {
    const mirrored = $("stage").classList.contains("mirrored");
    $("overlay").replaceChildren(...(this.wanted ? sightings : []).map((each) => {
      const [x, y, w, h] = each.box, box = document.createElement("div"), name = document.createElement("b");
      box.className = `box ${each.verdict ?? ""}`;
      Object.assign(box.style, { left: `${100 * (mirrored ? 1 - x - w : x)}%`, top: `${100 * y}%`, width: `${100 * w}%`, height: `${100 * h}%` });
      name.textContent = each.who ? `${each.who} · ${words(each.verdict)}` : words(each.verdict ?? each.label);
      box.append(name);
      return box;
    }));
  }
}
