// The ear: the browser's own recognition, only while its user has turned it on; the house gets the words.
import { spoken, words } from "./words.js";

const $ = (id) => document.getElementById(id);
const Recognition = window.SpeechRecognition ?? window.webkitSpeechRecognition;
const FATAL = ["not-allowed", "service-not-allowed", "language-not-supported", "audio-capture", "network"];

export class Ear {
  static is_there = Boolean(Recognition);

  constructor(send) {
    this.send = send;
    $("ear").disabled = !Ear.is_there;
    $("ear").onchange = () => ($("ear").checked ? this.on() : this.off());
    document.addEventListener("visibilitychange", () => document.hidden && this.off());
  }

  on() {
    this.recognition = new Recognition();
    Object.assign(this.recognition, { lang: spoken(), continuous: true, interimResults: false });
    this.recognition.onresult = (event) => {
      for (const result of [...event.results].slice(event.resultIndex)) {
        const { transcript, confidence } = result[0];
        if (result.isFinal && transcript.trim() && !window.speechSynthesis?.speaking) {
          this.send({ do: "heard", words: transcript.trim().slice(0, 2000), confidence: confidence || null });
        }
      }
    };
    this.recognition.onerror = (event) => {
      if (!FATAL.includes(event.error)) return;
      this.off();
      $("ear-note").removeAttribute("data-say");
      $("ear-note").textContent = words("ear_failed") + event.error;
    };
    this.recognition.onend = () => $("ear").checked && setTimeout(() => $("ear").checked && this.recognition.start(), 500);
    this.recognition.start();
  }

  off() {
    $("ear").checked = false;
    this.recognition?.stop();
  }
}
