// The ear: sound to the house, which recognises the words itself; nothing while this very page speaks.
import { set, words } from "./words.js";

const $ = (id) => document.getElementById(id);
const WAITING = 500000; // bytes: what the network does not take is not heard later either
const RATE = 16000;

export class Ear {
  constructor(line, voice) {
    this.line = line;
    this.voice = voice;
    this.wanted = this.background = false;
    this.opening = 0; // which attempt to open the microphone is the newest
    $("ear").onchange = () => ($("ear").checked ? this.on() : this.off());
    document.addEventListener("visibilitychange", () => this.hidden());
  }

  async on() {
    this.wanted = true;
    $("ear").checked = true;
    set($("ear-note"), "ear_note");
    const opening = ++this.opening;
    try {
      await this.open(opening);
    } catch {
      if (this.isStale(opening)) return;
      this.off();
      set($("ear-note"), navigator.mediaDevices ? "refused_microphone" : "no_microphone");
      return;
    }
    if (!this.isStale(opening)) this.again();
  }

  // Whether the microphone was turned off, or opened anew, since an attempt to open it began.
  isStale(opening) { return !this.wanted || opening !== this.opening; }

  async open(opening) {
    this.close();
    // The recogniser takes a quiet voice better than one that was made louder and smoother.
    const audio = { channelCount: 1, echoCancellation: true, noiseSuppression: false, autoGainControl: false };
    const stream = await navigator.mediaDevices.getUserMedia({ audio });
    if (this.isStale(opening)) return stream.getTracks().forEach((track) => track.stop());
    this.stream = stream;
    stream.getAudioTracks()[0].onended = () => this.wanted && this.on();
    const source = this.tapped(stream);
    await this.context.audioWorklet.addModule("tap.js");
    if (this.isStale(opening)) return; // close() has stopped it
    const tap = new AudioWorkletNode(this.context, "tap");
    tap.port.onmessage = (event) => this.send(event.data);
    source.connect(tap);
    await this.context.resume();
  }

  tapped(stream) {
    this.context = new AudioContext({ sampleRate: RATE });
    try {
      return this.context.createMediaStreamSource(stream);
    } catch { // Firefox takes a microphone only at its own rate
      this.context.close();
      this.context = new AudioContext();
      return this.context.createMediaStreamSource(stream);
    }
  }

  send(sound) {
    if (this.wanted && this.stream && !this.voice.isSpeaking() && this.line.waiting() < WAITING) this.line.bytes(sound);
  }

  off() {
    if (this.wanted) this.line.send({ do: "microphone", on: false });
    this.wanted = $("ear").checked = false;
    this.close();
  }

  close() {
    for (const track of this.stream?.getTracks() ?? []) { track.onended = null; track.stop(); }
    if (this.context && this.context.state !== "closed") this.context.close();
    this.stream = this.context = null;
  }

  // The line is there, perhaps again.
  again() { if (this.stream) this.line.send({ do: "microphone", on: true }); }

  // What the house needs before it can listen, if anything.
  lacks(what) {
    $("ear").disabled = Boolean(what);
    if (!what) return;
    this.off();
    $("ear-note").removeAttribute("data-say");
    $("ear-note").textContent = words("ear_lacks") + what;
  }

  taken(name) {
    if (!this.wanted) return;
    this.off();
    $("ear-note").removeAttribute("data-say");
    $("ear-note").textContent = words("ear_taken") + name;
  }

  hidden() {
    if (this.background) return;
    if (document.hidden && this.wanted) {
      this.off();
      this.paused = true;
    } else if (!document.hidden && this.paused) {
      this.paused = false;
      this.on();
    }
  }
}
