// The microphone: it sends sound to the house, which recognises the words; nothing while this page itself speaks.
import { Device } from "./device.js";
import { set, setText, words } from "./words.js";

const $ = (id) => document.getElementById(id);
const MAX_UNSENT_BYTES = 500000; // sound that the network cannot take is dropped, not sent later
const RATE = 16000;

export class Microphone extends Device {
  constructor(line, voice) {
    super("microphone", line, $("microphone-note"));
    this.voice = voice;
    $("microphone").onchange = () => ($("microphone").checked ? this.on() : this.off());
  }

  on() {
    set(this.note, "microphone_note");
    return super.on();
  }

  constraints() {
    // The recogniser understands a quiet voice better than one that was made louder and smoother.
    return { audio: { channelCount: 1, echoCancellation: true, noiseSuppression: false, autoGainControl: false } };
  }

  async use(stream, isStale) {
    const source = this.source(stream);
    await this.context.audioWorklet.addModule("tap.js");
    if (isStale()) return; // close() has ended it
    const tap = new AudioWorkletNode(this.context, "tap");
    tap.port.onmessage = (event) => this.send(event.data);
    source.connect(tap);
    await this.context.resume();
  }

  source(stream) {
    this.context = new AudioContext({ sampleRate: RATE });
    try {
      return this.context.createMediaStreamSource(stream);
    } catch { // Firefox reads a microphone only at its own rate
      this.context.close();
      this.context = new AudioContext();
      return this.context.createMediaStreamSource(stream);
    }
  }

  send(sound) {
    if (this.wanted && this.stream && !this.voice.isSpeaking() && this.line.waiting() < MAX_UNSENT_BYTES) this.line.bytes(sound);
  }

  release() {
    if (this.context && this.context.state !== "closed") this.context.close();
    this.context = null;
  }

  show() { $("microphone").checked = this.wanted; }

  // What the house must install before it can recognise speech; empty if nothing.
  missing(what) {
    $("microphone").disabled = Boolean(what);
    if (!what) return;
    this.off();
    setText(this.note, words("recogniser_missing") + what);
  }
}
