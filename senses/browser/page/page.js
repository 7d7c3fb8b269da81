// The page: pairing, the line to the house, and what each part of the page does with what comes.
import { Album } from "./album.js";
import { devices } from "./devices.js";
import { Ear } from "./ear.js";
import { Eye } from "./eye.js";
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
const eye = new Eye(line), voice = new Voice(send), album = new Album(send);
const ear = new Ear(line, voice), vendor = new Vendor(send, voice);
$("ear").addEventListener("change", () => $("ear").checked && vendor.off()); // one of them is enough
$("vendor").addEventListener("change", () => $("vendor").checked && ear.off());

const on = {
  hello(hello) {
    $("place").textContent = hello.place;
    document.title = `kinwatch · ${hello.place}`;
    eye.settings = hello;
    ear.background = hello.background;
    ear.lacks(hello.lacks);
    album.people(hello.people);
    $("album").hidden = hello.album === null;
    album.all(hello.album ?? []);
    eye.closed(hello.closed);
    eye.again();
    ear.again();
  },
  eye: (name) => eye.whose(name),
  stop: (name) => eye.taken(name),
  closed: (by) => eye.closed(by),
  deaf: (name) => ear.taken(name),
  lacks: (what) => ear.lacks(what),
  seen: (sightings) => eye.draw(sightings),
  say: (say) => voice.say(say),
  visit: (visit) => album.put(visit),
  people: (people) => album.people(people),
};

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
    eye.draw([]);
    setTimeout(begin, pause * (0.75 + Math.random() / 2));
    pause = Math.min(2 * pause, PAUSES_MS[1]);
  };
}

// For ever: a house that starts again, or a network that comes back, finds the page waiting.
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
  eye.off();
  ear.off();
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

function missing() {
  const lacks = [];
  if (!navigator.mediaDevices?.getUserMedia) lacks.push("no_camera");
  if (!("speechSynthesis" in window)) lacks.push("no_voice");
  $("missing").replaceChildren(...lacks.map((key) => { const item = document.createElement("li"); set(item, key); return item; }));
  $("missing").hidden = lacks.length === 0;
}

const kind = /iPad/.test(navigator.userAgent) ? "iPad" : /iPhone/.test(navigator.userAgent) ? "iPhone" : /Android/.test(navigator.userAgent) ? "Android" : "computer";
$("device").value = kind;
$("language").value = spoken();
$("language").onchange = () => { speakIn($("language").value); album.draw(); eye.label(); };
speakIn(spoken());
missing();
devices(post);
begin();
