// The speaker: speaks the sentences of the house, and reports to the house that it has begun, or why it failed.
import { spoken, words } from "./words.js";

const $ = (id) => document.getElementById(id);
const SHOWN_MS = 8000;
const ECHO_MS = 500; // reverberation of the room

export class Voice {
  constructor(send) {
    this.send = send;
    const is_there = "speechSynthesis" in window;
    $("voice").disabled = !is_there;
    $("voice").checked = is_there && localStorage.getItem("voice") !== "off";
    $("voice").onchange = () => {
      localStorage.setItem("voice", $("voice").checked ? "on" : "off");
      if (!$("voice").checked) speechSynthesis.cancel();
    };
    // iOS lets a page speak only after a tap has started speech once.
    document.addEventListener("pointerdown", () => is_there && speechSynthesis.speak(new SpeechSynthesisUtterance("")), { once: true });
  }

  say({ id, words: text, language }) {
    this.show(text);
    if (!$("voice").checked || $("voice").disabled) return;
    const sentence = new SpeechSynthesisUtterance(text);
    sentence.lang = language ?? spoken();
    sentence.onstart = () => this.send({ do: "spoke", id });
    sentence.onend = () => { this.ended = Date.now(); };
    sentence.onerror = (event) => {
      this.send({ do: "spoke", id, failed: String(event.error || "error") });
      this.show(`${words("no_speech")}${text}`);
    };
    this.last = sentence; // some browsers delete a sentence, and its events, if nothing refers to it
    speechSynthesis.speak(sentence);
  }

  isSpeaking() { return Boolean(window.speechSynthesis?.speaking) || Date.now() - (this.ended ?? 0) < ECHO_MS; }

  show(text) {
    $("caption").textContent = text;
    $("caption").hidden = false;
    clearTimeout(this.timer);
    this.timer = setTimeout(() => { $("caption").hidden = true; }, SHOWN_MS);
  }
}
