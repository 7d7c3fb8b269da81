// The recent visits. One tap says who it was.
import { spoken, words } from "./words.js";

const $ = (id) => document.getElementById(id);

// Dates in the chosen language, and in the format of the browser's country if it speaks that language.
const region = () => (navigator.language.startsWith(spoken()) ? navigator.language : spoken());

function make(tag, more = {}, ...inside) {
  const element = Object.assign(document.createElement(tag), more);
  element.append(...inside);
  return element;
}

export class Album {
  constructor(send) {
    this.send = send;
    this.visits = new Map();
    this.known = [];
    this.open = new Set(); // visits whose form for another name is open
  }

  people(known) { this.known = known; this.draw(); }

  all(visits) { this.visits = new Map(visits.map((each) => [each.visit, each])); this.draw(); }

  put(visit) {
    this.visits.set(visit.visit, visit);
    while (this.visits.size > 20) this.visits.delete(this.visits.keys().next().value);
    this.draw();
  }

  draw() {
    if ($("visits").contains(document.activeElement) && document.activeElement.value) return; // somebody is typing a name
    $("album-empty").hidden = this.visits.size > 0;
    $("visits").replaceChildren(...[...this.visits.values()].reverse().map((each) => this.line(each)));
  }

  line(visit) {
    const { visit: id, verdict, who } = visit;
    const when = new Date(visit.since).toLocaleString(region(), { dateStyle: "medium", timeStyle: "short" });
    const picture = visit.picture
      ? make("img", { src: `visits/${id}.jpg?${visit.seq}`, alt: words("picture_of") + when, loading: "lazy" })
      : make("div", { className: "blank", ariaHidden: "true" }, "?");
    const named = visit.label === null || visit.label === undefined ? "" : ` · ${words("named")}${visit.label || words("not_person")}`;
    return make("li", { className: "visit" }, picture,
      make("p", { className: `verdict ${verdict}` }, (who ? `${who} · ` : "") + words(verdict)),
      make("p", { className: "quiet" }, `${visit.place} · ${when}${named}`), this.names(id));
  }

  names(id) {
    const label = (who, group = "family") => this.send({ do: "name", visit: id, ...(who ? { who, group } : {}) });
    const input = make("input", { placeholder: words("other"), maxLength: 40, autocomplete: "off" });
    input.setAttribute("aria-label", words("other"));
    const form = make("form", { hidden: !this.open.has(id) }, input,
      make("button", { value: "family" }, words("family")), make("button", { value: "guest" }, words("guest")),
      make("button", { value: "known" }, words("known")));
    const more = make("button", { type: "button", ariaExpanded: String(!form.hidden), onclick: () => {
      form.hidden = !form.hidden;
      more.ariaExpanded = String(!form.hidden);
      if (form.hidden) this.open.delete(id); else { this.open.add(id); input.focus(); }
    } }, `${words("other")}…`);
    form.onsubmit = (event) => {
      event.preventDefault();
      const name = input.value.trim();
      input.value = "";
      this.open.delete(id);
      if (name) label(name, event.submitter?.value || "family");
    };
    return make("div", { className: "names" },
      ...this.known.slice(0, 12).map((each) => make("button", { type: "button", onclick: () => label(each.name, each.group) }, each.name)),
      more, make("button", { type: "button", onclick: () => label(null) }, words("not_person")), form);
  }
}
