// A card for everyone: what they play, calibration, profile, and a meter and a gain for each blendshape.

import { wrongWith } from "./character";
import { type Connection, sendCharacter, type State } from "./connection";
import { choice, find, hueOf, make, say } from "./elements";
import type { Person } from "./moments";

const GROUPS: [string, RegExp][] = [
  ["Brows", /^brow/],
  ["Eyes", /^eye/],
  ["Jaw and tongue", /^(jaw|tongue)/],
  ["Mouth", /^mouth/],
  ["Cheeks and nose", /^(cheek|nose)/],
];
const MOST_GAIN = 3;

export class People {
  private readonly cards = new Map<number, Card>();
  private readonly nobody = make("div", { className: "card nobody", textContent: "Nobody is in view yet." });

  constructor(private readonly connection: () => Connection) {
    find("#people").append(this.nobody);
  }

  update(people: Person[], state: State): void {
    const shown = people.filter((person) => person.id > 0);
    this.nobody.hidden = shown.length > 0;
    const ids = new Set(shown.map((person) => person.id));
    for (const [id, card] of this.cards) {
      if (ids.has(id)) continue;
      card.element.remove();
      this.cards.delete(id);
    }
    for (const person of shown) {
      let card = this.cards.get(person.id);
      if (!card) {
        card = new Card(person, this.connection());
        this.cards.set(person.id, card);
        find("#people").append(card.element);
        card.redraw(state);
      }
      card.meter(person);
    }
  }

  /** The state changed. */
  redraw(state: State): void {
    for (const card of this.cards.values()) card.redraw(state);
  }
}

/** Check a file here, then give it to the server, which gives it to everybody; says what is wrong. */
export async function giveFile(person: number, file: File): Promise<void> {
  say(`Reading ${file.name} …`);
  const wrong = (await wrongWith(file)) || (await sendCharacter(person, file));
  if (wrong) say(wrong, true);
}

class Card {
  readonly element: HTMLElement;
  private readonly status = make("em");
  private readonly plays = make("div", { className: "row" });
  private readonly actions = make("div", { className: "actions" });
  private readonly levels: HTMLElement[] = [];
  private readonly gains: HTMLInputElement[] = [];
  private readonly details = make("details", {}, make("summary", { textContent: "Blendshapes: levels and gains" }));
  private names: string[] = [];
  private character = 0;
  private naming = false;

  constructor(
    private person: Person,
    private readonly connection: Connection,
  ) {
    this.element = make(
      "section",
      { className: "card person" },
      make(
        "header",
        {},
        make("span", { className: "number", textContent: String(person.place) }),
        make("strong", { textContent: `Person ${person.id}` }),
        this.status,
      ),
      this.plays,
      make("div", { className: "row" }, this.actions),
      this.details,
    );
    this.element.style.setProperty("--hue", hueOf(person.place));
    this.element.setAttribute("aria-label", `Person ${person.id}`);
    this.takeDrops();
  }

  meter(person: Person): void {
    const changed = person.character !== this.character;
    this.person = person;
    this.character = person.character;
    const words = { tracked: "", held: "hidden", fading: "out of view" }[person.status];
    if (this.status.textContent !== words && !this.status.dataset.kept) this.status.textContent = words;
    if (this.details.open) {
      person.expression.forEach((value, row) => {
        const level = this.levels[row];
        if (level) level.style.transform = `scaleX(${value.toFixed(3)})`;
      });
    }
    if (changed && this.state) this.redraw(this.state);
  }

  private state: State | null = null;

  redraw(state: State): void {
    this.state = state;
    if (!this.names.length) this.makeMeters(state.names);
    const own = state.people[this.person.id];
    const character = state.characters.find((one) => one.number === this.person.character)?.name ?? "";
    const names = state.choices.map((name) => name[0]!.toUpperCase() + name.slice(1));
    const others = [...new Set([...names, ...(character ? [character] : [])])];
    const chosen = choice(
      others,
      `What person ${this.person.id} plays`,
      () => character,
      (name) => names.includes(name) && this.ask({ do: "cast", character: name.toLowerCase() }),
    );
    this.plays.replaceChildren(chosen);
    if (!this.naming) this.redrawActions(state, own?.calibrated ?? false);
    this.names.forEach((name, row) => {
      const gain = own?.gains[name] ?? 1;
      const input = this.gains[row]!;
      if (document.activeElement !== input) input.value = String(gain);
      this.showGain(row, Number(input.value));
    });
  }

  private redrawActions(state: State, calibrated: boolean): void {
    const calibrate = make("button", {
      className: "button small",
      textContent: calibrated ? "Calibrate again" : "Calibrate",
      onclick: () => this.ask({ do: "calibrate" }),
    });
    const save = make("button", { className: "button small", textContent: "Save profile", onclick: () => this.nameProfile() });
    const parts: Node[] = [this.fileButton(), calibrate, save];
    if (state.profiles.length) parts.push(this.profileList(state.profiles));
    if (calibrated || Object.keys(state.people[this.person.id]?.gains ?? {}).length) {
      parts.push(make("button", { className: "button small plain", textContent: "Reset", onclick: () => this.ask({ do: "forget" }) }));
    }
    this.actions.replaceChildren(...parts);
  }

  private profileList(profiles: string[]): HTMLElement {
    const list = make("select", {}, make("option", { textContent: "Profile …", value: "" }));
    list.append(...profiles.map((name) => make("option", { textContent: name, value: name })));
    list.setAttribute("aria-label", `Profile of person ${this.person.id}`);
    list.onchange = () => list.value && this.ask({ do: "load", name: list.value });
    return list;
  }

  private nameProfile(): void {
    this.naming = true;
    const name = make("input", { type: "text", placeholder: "Name of the profile", maxLength: 40 });
    name.setAttribute("aria-label", "Name of the profile");
    const done = (): void => {
      this.naming = false;
      if (this.state) this.redraw(this.state);
    };
    const form = make(
      "form",
      { className: "actions" },
      name,
      make("button", { className: "button small strong", textContent: "Save" }),
      make("button", { type: "button", className: "button small plain", textContent: "Cancel", onclick: done }),
    );
    form.onsubmit = (event) => {
      event.preventDefault();
      if (name.value.trim()) this.ask({ do: "save", name: name.value.trim() });
      done();
    };
    form.onkeydown = (event) => event.key === "Escape" && done();
    this.actions.replaceChildren(form);
    name.focus();
  }

  private fileButton(): HTMLElement {
    const input = make("input", { type: "file", accept: ".glb,.vrm", hidden: true });
    input.onchange = () => input.files?.[0] && void giveFile(this.person.id, input.files[0]);
    const button = make("button", { type: "button", className: "button small", textContent: "Own file …", title: "A .glb or .vrm; or drop one here or on the stage", onclick: () => input.click() });
    return make("span", {}, button, input);
  }

  private makeMeters(names: string[]): void {
    this.names = names;
    const all = make("div", { className: "meters" });
    for (const [title, pattern] of GROUPS) {
      all.append(make("h3", { textContent: title }));
      names.forEach((name, row) => pattern.test(name) && all.append(this.makeMeter(name, row)));
    }
    this.details.append(all);
  }

  private makeMeter(name: string, row: number): HTMLElement {
    const level = make("i");
    const gain = make("input", { type: "range", min: "0", max: String(MOST_GAIN), step: "0.05", value: "1" });
    gain.setAttribute("aria-label", `Gain of ${name}`);
    gain.oninput = () => this.showGain(row, Number(gain.value));
    gain.onchange = () => this.ask({ do: "gains", gains: this.allGains() });
    gain.ondblclick = () => {
      gain.value = "1";
      gain.onchange?.(new Event("change"));
    };
    this.levels[row] = level;
    this.gains[row] = gain;
    return make(
      "div",
      { className: "meter" },
      make("span", { className: "name", textContent: name, title: name }),
      make("div", { className: "level" }, level),
      gain,
      make("output"),
    );
  }

  private showGain(row: number, gain: number): void {
    const meter = this.gains[row]!.parentElement!;
    meter.classList.toggle("changed", gain !== 1);
    meter.querySelector("output")!.textContent = `× ${gain.toFixed(gain % 0.1 > 0.01 && gain % 0.1 < 0.09 ? 2 : 1)}`;
  }

  private allGains(): Record<string, number> {
    const set = this.names.map((name, row) => [name, Number(this.gains[row]!.value)] as const);
    return Object.fromEntries(set.filter(([, gain]) => gain !== 1));
  }

  private ask(request: Record<string, unknown>): void {
    this.connection.ask({ ...request, person: this.person.id });
  }

  private takeDrops(): void {
    const over = (on: boolean) => this.element.classList.toggle("dropping", on);
    this.element.ondragover = (event) => {
      event.preventDefault();
      over(true);
    };
    this.element.ondragleave = () => over(false);
    this.element.ondrop = (event) => {
      event.preventDefault();
      over(false);
      const file = event.dataTransfer?.files[0];
      if (file) void giveFile(this.person.id, file);
    };
  }
}
