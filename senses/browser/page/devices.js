// The paired devices: list them, revoke one, invite another.
import { words } from "./words.js";

const $ = (id) => document.getElementById(id);

async function show() {
  const answer = await fetch("devices");
  if (!answer.ok) return; // this device itself was revoked: the page will ask for a code
  const { devices, refused } = await answer.json();
  $("device-list").replaceChildren(...devices.map((each) => {
    const item = document.createElement("li"), button = document.createElement("button");
    item.textContent = each.me ? `${each.name} (${words("this_one")})` : each.name;
    button.textContent = words("revoke");
    button.onclick = async () => { await fetch(`devices/${each.id}`, { method: "DELETE" }); await show(); };
    item.append(button);
    return item;
  }));
  const lines = Object.entries(refused).map(([why, count]) => `${count} × ${why}`).join(", ");
  $("refused").textContent = words("refused") + (lines || words("nothing"));
}

export function devices(post) {
  $("devices").ontoggle = () => $("devices").open && show();
  $("invite").onclick = async () => {
    const answer = await post("invite");
    if (!answer.ok) return;
    const { code, url, svg } = await answer.json();
    $("qr").src = URL.createObjectURL(new Blob([svg], { type: "image/svg+xml" }));
    $("qr").alt = `${url}#code=${code}`;
    $("invited").textContent = `${url} ${code}`;
    $("invitation").hidden = false;
  };
}
