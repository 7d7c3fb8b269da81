// The page: pairing, the connection to the house, and which part of the page handles each message.
import { Album } from "./album.js";
import { Camera } from "./camera.js";
import { devices } from "./devices.js";
import { Microphone } from "./microphone.js";
import { set, speakIn, spoken } from "./words.js";
import { Vendor } from "./vendor.js";
import { Voice } from "./voice.js";

const $ = (id) => document.getElementById(id);
const PAUSES_MS = [500, 15000];
let socket = null, pause = PAUSES_MS[0];

const send = (message) => socket?.readyState === WebSocket.OPEN && socket.send(JSON.stringify(message));
const isOpen = () => socket?.readyState === WebSocket.OPEN;
const line = {
  send,
  bytes: (bytes) => socket.send(bytes),
  waiting: () => (isOpen() ? socket.bufferedAmount : Infinity),
  isFree: () => isOpen() && socket.bufferedAmount === 0,
};
const camera = new Camera(line), voice = new Voice(send), album = new Album(send);
const microphone = new Microphone(line, voice), vendor = new Vendor(send, voice);
// Only one of the two recognises speech at a time.
$("microphone").addEventListener("change", () => $("microphone").checked && vendor.off());
$("vendor").addEventListener("change", () => $("vendor").checked && microphone.off());

// What to do with each part of a message.

const on = {
  hello(hello) {
    $("place").textContent = hello.place;
    document.title = `kinwatch · ${hello.place}`;
    camera.settings = hello;
    camera.background = microphone.background = hello.background;
    microphone.missing(hello.missing);
    album.people(hello.people);
    showMode(hello.mode);
    $("album").hidden = hello.album === null;
    album.all(hello.album ?? []);
    camera.disabled(hello.disabled_by);
    camera.announce();
    microphone.announce();
  },
  camera: (name) => camera.ownedBy(name),
  camera_taken: (name) => camera.taken(name),
  disabled_by: (name) => camera.disabled(name),
  microphone_taken: (name) => microphone.taken(name),
  missing: (what) => microphone.missing(what),
  look_closer: (seconds) => camera.lookCloser(seconds),
  detections: (detections) => camera.draw(detections),
  say: (say) => voice.say(say),
  visit: (visit) => album.put(visit),
  people: (people) => album.people(people),
  mode: showMode,
};

// The mode in force; none while the brain is away.
function showMode(mode) {
  $("mode").hidden = !mode;
  if (mode) set($("mode"), `mode_${mode}`);
}

function connect() {
  set($("link"), "connecting");
  const url = new URL("ws", location.href);
  url.protocol = url.protocol.replace("http", "ws");
  url.hash = "";
  socket = new WebSocket(url, ["kinwatch"]);
  socket.onopen = () => { pause = PAUSES_MS[0]; set($("link"), "connected"); $("link").className = "pill on"; };
  socket.onmessage = (event) => {
    for (const [kind, value] of Object.entries(JSON.parse(event.data))) on[kind]?.(value);
  };
  socket.onclose = () => {
    set($("link"), "away");
    $("link").className = "pill off";
    camera.draw([]);
    setTimeout(begin, pause * (0.75 + Math.random() / 2));
    pause = Math.min(2 * pause, PAUSES_MS[1]);
  };
}

// Tries for ever: the page reconnects when the house has restarted or the network is back.
async function begin() {
  let me;
  try {
    const answer = await fetch("me");
    if (!answer.ok) throw new Error(answer.statusText);
    me = await answer.json();
  } catch {
    set($("link"), "away");
    $("link").className = "pill off";
    setTimeout(begin, pause);
    pause = Math.min(2 * pause, PAUSES_MS[1]);
    return;
  }
  $("place").textContent = me.place;
  $("authority").hidden = !me.authority;
  $("pairing").hidden = me.paired;
  $("house").hidden = !me.paired;
  $("link").hidden = !me.paired;
  if (me.paired) return connect();
  camera.off();
  microphone.off();
  const code = new URLSearchParams(location.hash.slice(1)).get("code");
  if (code) { $("code").value = code; $("device").focus(); } else $("code").focus();
}

const post = (path, body) => fetch(path, { method: "POST", body: JSON.stringify(body ?? {}) });

$("pairing").onsubmit = async (event) => {
  event.preventDefault();
  try {
    const answer = await post("pair", { code: $("code").value, name: $("device").value });
    if (answer.ok) { history.replaceState(null, "", location.pathname); set($("pair-answer"), ""); return begin(); }
    set($("pair-answer"), answer.status === 429 ? "too_many" : "wrong_code");
  } catch { set($("pair-answer"), "no_server"); }
};

$("call").onclick = async () => {
  try { set($("pair-answer"), (await post("call")).ok ? "called" : "too_many"); } catch { set($("pair-answer"), "no_server"); }
};

// Shows what this browser cannot do.
function showMissing() {
  const missing = [];
  if (!navigator.mediaDevices?.getUserMedia) missing.push("no_camera");
  if (!("speechSynthesis" in window)) missing.push("no_voice");
  $("missing").replaceChildren(...missing.map((key) => { const item = document.createElement("li"); set(item, key); return item; }));
  $("missing").hidden = missing.length === 0;
}

const kind = /iPad/.test(navigator.userAgent) ? "iPad" : /iPhone/.test(navigator.userAgent) ? "iPhone" : /Android/.test(navigator.userAgent) ? "Android" : "computer";
$("device").value = kind;
$("language").value = spoken();
$("language").onchange = () => { speakIn($("language").value); album.draw(); camera.show(); };
speakIn(spoken());
showMissing();
devices(post);
begin();
