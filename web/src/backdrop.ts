// What is behind the characters on this page. It is never part of the canvas, whose alpha stays 0 there.

import { choice, find, make } from "./elements";

const KINDS = ["Calm", "Transparent", "Colour", "Picture"];
const KEY = "commedia.background";

export class Backdrop {
  private kind = "Calm";
  private colour = "#00b140";
  private picture = "";

  constructor(private readonly stage: HTMLElement) {
    try {
      const kept = JSON.parse(localStorage.getItem(KEY) ?? "{}");
      if (KINDS.includes(kept.kind) && kept.kind !== "Picture") this.kind = kept.kind;
      if (/^#[0-9a-f]{6}$/.test(kept.colour)) this.colour = kept.colour;
    } catch {
      // A browser may keep nothing; then the stage begins calm.
    }
    this.show();
  }

  private choose(kind: string): void {
    this.kind = kind;
    try {
      localStorage.setItem(KEY, JSON.stringify({ kind: this.kind, colour: this.colour }));
    } catch {
      // As above.
    }
    this.show();
  }

  private show(): void {
    this.stage.classList.toggle("calm", this.kind === "Calm" || (this.kind === "Picture" && !this.picture));
    this.stage.classList.toggle("transparent", this.kind === "Transparent");
    this.stage.style.backgroundColor = this.kind === "Colour" ? this.colour : "";
    this.stage.style.backgroundImage = this.kind === "Picture" && this.picture ? `url(${this.picture})` : "";
    find("#background").replaceChildren(...choice(KINDS, "Background", () => this.kind, (kind) => this.choose(kind)).children);
    const more = find("#backdrop");
    more.hidden = this.kind !== "Colour" && this.kind !== "Picture";
    more.replaceChildren(make("span", { className: "label", textContent: this.kind }), this.kind === "Colour" ? this.colourInput() : this.pictureInput());
  }

  private colourInput(): HTMLElement {
    const input = make("input", { type: "color", value: this.colour });
    input.setAttribute("aria-label", "Colour of the background");
    input.oninput = () => {
      this.colour = input.value;
      this.stage.style.backgroundColor = this.colour;
    };
    input.onchange = () => this.choose("Colour");
    return input;
  }

  private pictureInput(): HTMLElement {
    const input = make("input", { type: "file", accept: "image/*", hidden: true });
    input.onchange = () => {
      const file = input.files?.[0];
      if (!file) return;
      URL.revokeObjectURL(this.picture);
      this.picture = URL.createObjectURL(file);
      this.show();
    };
    return make("span", {}, make("button", { className: "button small", textContent: "Choose a picture …", onclick: () => input.click() }), input);
  }
}
