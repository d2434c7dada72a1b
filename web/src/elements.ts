// Small pieces of the page.

type Child = Node | string;

export function make<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  properties: Partial<HTMLElementTagNameMap[K]> & { className?: string } = {},
  ...children: Child[]
): HTMLElementTagNameMap[K] {
  const element = Object.assign(document.createElement(tag), properties);
  element.append(...children);
  return element;
}

export function find<T extends Element = HTMLElement>(selector: string): T {
  const found = document.querySelector<T>(selector);
  if (!found) throw new Error(`the page has no ${selector}`);
  return found;
}

const HUES = ["#f0a868", "#6ec6a8", "#8fb3ff", "#e58fb0", "#c3b1e1", "#d9d36a", "#7fd1de", "#e3a08c"];

/** Everybody has a colour, the same in the picture, on the stage and beside it. */
export function hueOf(place: number): string {
  return HUES[(place - 1) % HUES.length]!;
}

/** A row of buttons of which one is chosen, as a radio group for the keyboard. */
export function choice(values: string[], label: string, chosen: () => string, choose: (value: string) => void): HTMLElement {
  const group = make("div", { className: "choice" });
  group.setAttribute("role", "radiogroup");
  group.setAttribute("aria-label", label);
  for (const value of values) {
    const button = make("button", { type: "button", textContent: value, onclick: () => choose(value) });
    button.setAttribute("role", "radio");
    button.setAttribute("aria-checked", String(value === chosen()));
    group.append(button);
  }
  return group;
}

/** Say a sentence for a while. */
export function say(sentence: string, wrong = false): void {
  const shown = make("div", { className: wrong ? "sentence wrong" : "sentence", textContent: sentence });
  const all = find("#sentences");
  all.append(shown);
  while (all.children.length > 3) all.firstElementChild?.remove();
  setTimeout(() => shown.remove(), 4000 + 45 * sentence.length);
}
