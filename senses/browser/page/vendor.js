// The browser's own speech recognition, a service of its maker. It is off until the user turns it on; the house gets the words.
import { set, setText, spoken, words } from "./words.js";

const $ = (id) => document.getElementById(id);
const Recognition = window.SpeechRecognition ?? window.webkitSpeechRecognition;
const is_there = Boolean(Recognition);
const FATAL = ["not-allowed", "service-not-allowed", "language-not-supported", "audio-capture", "network"];

export class Vendor {
  constructor(send, voice) {
    this.send = send;
    this.voice = voice;
    $("vendor").disabled = !is_there;
    if (!is_there) set($("vendor-note"), "no_vendor");
    $("vendor").onchange = () => ($("vendor").checked ? this.on() : this.off());
    document.addEventListener("visibilitychange", () => document.hidden && this.off());
  }

  on() {
    this.recognition = new Recognition();
    Object.assign(this.recognition, { lang: spoken(), continuous: true, interimResults: false });
    this.recognition.onresult = (event) => {
      for (const result of [...event.results].slice(event.resultIndex)) {
        const { transcript, confidence } = result[0];
        if (result.isFinal && transcript.trim() && !this.voice.isSpeaking()) {
          this.send({ do: "heard", words: transcript.trim().slice(0, 2000), confidence: confidence || null });
        }
      }
    };
    this.recognition.onerror = (event) => {
      if (!FATAL.includes(event.error)) return;
      this.off();
      setText($("vendor-note"), words("vendor_failed") + event.error);
    };
    this.recognition.onend = () => $("vendor").checked && setTimeout(() => $("vendor").checked && this.recognition.start(), 500);
    this.recognition.start();
  }

  off() {
    $("vendor").checked = false;
    this.recognition?.stop();
  }
}
