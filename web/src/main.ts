// The page: what the server says goes to the stage, the picture and the cards; what is asked for goes to the server.

import { Backdrop } from "./backdrop";
import { LentCamera } from "./camera";
import { address, Connection, type Measures, type State } from "./connection";
import { find, hueOf, make, say } from "./elements";
import type { Moment } from "./moments";
import { giveFile, People } from "./people";
import { Picture } from "./picture";
import { Stage } from "./stage";

const onlyStage = new URLSearchParams(location.search).get("view") === "stage";
document.body.classList.toggle("only-stage", onlyStage);

const stageElement = find("#stage");
const stage = new Stage(find<HTMLCanvasElement>("#characters"), (sentence) => say(sentence, true));
const picture = new Picture(find<HTMLCanvasElement>("#picture"));
const people = new People(() => connection);
if (!onlyStage) new Backdrop(stageElement);

let state: State | null = null;
let moment: Moment | null = null;
let unshown: number[] = [];
let calibrationEnd = 0;
const arrivals: number[] = [];

const connection = new Connection(!onlyStage, {
  moment(next) {
    moment = next;
    unshown.push(next.number);
    arrivals.push(performance.now());
    stage.setPeople(next.people);
    if (onlyStage || !state) return;
    // Motion that a phone sends comes without a picture.
    find(".frame").hidden = !next.jpeg && !state.browser_camera;
    void picture.show(next, state.mirror);
    people.update(next.people, state);
  },
  state(next) {
    const before = state;
    state = next;
    stage.setCharacters(next.characters);
    stage.mirror = next.mirror;
    if (moment) stage.setPeople(moment.people);
    if (onlyStage) return;
    showState(next, before);
  },
  measures: showMeasures,
  refused: (sentence) => say(sentence, true),
  connected(is) {
    find("#source .dot").classList.toggle("lost", !is);
    if (!is) find("#waiting").textContent = "The connection is lost; trying again …";
    else showWaiting();
  },
});

let lending = false;
const lent = new LentCamera((sentence) => {
  lending = false;
  say(sentence, true);
  showLending();
});

function frame(): void {
  stage.draw();
  if (unshown.length) {
    for (const number of unshown) connection.ask({ shown: number });
    unshown = [];
  }
  if (!onlyStage) {
    showLabels();
    showCountdown();
  }
  requestAnimationFrame(frame);
}
requestAnimationFrame(frame);

function showState(next: State, before: State | null): void {
  find("#source span").textContent = next.browser_camera
    ? "this page’s camera"
    : next.source.replace(/^.*[\\/](?=[^\\/]+\.\w+$)/, "");
  find("#source .dot").classList.toggle("running", next.phase === "running");
  find("#mirror").setAttribute("aria-pressed", String(next.mirror));
  const record = find("#record");
  record.setAttribute("aria-pressed", String(next.recording !== null));
  record.querySelector("span")!.textContent = next.recording === null ? "Record" : "Stop recording";
  record.title = next.recording === null ? "Record everyone as files" : `Recording to ${next.recording}`;
  find("#smoothing-row").hidden = next.smoothing === null;
  const slider = find<HTMLInputElement>("#smoothing");
  if (document.activeElement !== slider) slider.value = String(Math.log(next.smoothing ?? 1) / Math.log(5));
  const receivers = next.receivers.join(", ");
  find("#receivers").textContent = receivers ? `Faces, as numbers, are sent to ${receivers}.` : "";
  find("#privacy").textContent = isLocal() ? "No picture leaves this machine." : "Pictures go to whoever has this link, and nowhere else.";
  // After a reload old sentences are old.
  if (before) for (const sentence of newSentences(before.sentences, next.sentences)) say(sentence);
  if (next.calibrating?.phase !== before?.calibrating?.phase) startCountdown(next);
  people.redraw(next);
  showWaiting();
  showLending();
}

function newSentences(before: string[], now: string[]): string[] {
  for (let kept = Math.min(before.length, now.length); kept >= 0; kept--) {
    if (before.slice(before.length - kept).every((sentence, row) => sentence === now[row])) return now.slice(kept);
  }
  return now;
}

function isLocal(): boolean {
  return ["localhost", "127.0.0.1", "[::1]"].includes(location.hostname) && !new URLSearchParams(location.search).has("token");
}

function showWaiting(): void {
  const words =
    state?.phase === "over"
      ? "This session has ended."
      : state?.phase === "starting"
        ? state.browser_camera
          ? "Waiting for a camera"
          : "Starting …"
        : stage.renderer
          ? ""
          : "This browser draws no 3D (WebGL is off or missing): characters are not shown";
  find("#waiting").textContent = words;
}

function showLending(): void {
  const panel = find("#lend");
  panel.hidden = !state?.browser_camera || lending;
  if (panel.hidden || panel.childElementCount) return;
  const words = make("span", { textContent: "Its pictures go to the program on this machine, and nowhere else." });
  const button = make("button", { className: "button strong", textContent: "Use this browser’s camera" });
  button.onclick = async () => {
    try {
      await lent.start();
      lending = true;
      showLending();
    } catch (error) {
      words.textContent = error instanceof Error ? error.message : "The camera cannot be opened.";
    }
  };
  panel.append(button, words);
}

function showMeasures(measures: Measures): void {
  if (onlyStage) return;
  const now = performance.now();
  while (arrivals.length && now - arrivals[0]! > 2000) arrivals.shift();
  const { wait, track, send } = measures.stages_ms ?? {};
  const ms = (value: number | null | undefined) => (value == null ? "–" : value.toFixed(value < 9.95 ? 1 : 0));
  const cells: [string, string, string, string][] = [
    [(arrivals.length / 2).toFixed(0), "fps", "shown", "Moments that this page shows each second"],
    [ms(wait), "ms", "waits", "From capture until the picture is worked on"],
    [ms(track), "ms", "tracks", "Finding, reading and following everyone"],
    [ms(send), "ms", "sends", "Until every receiver has been sent it"],
    [ms(measures.page_ms), "ms", "draws", "From there until this page has drawn it"],
    [String(measures.late ?? 0), "", "left out", "Pictures that were late: a newer one had come"],
  ];
  find("#numbers").replaceChildren(
    ...cells.map(([value, unit, label, title]) =>
      make("div", { title }, make("b", { textContent: value }, make("small", { textContent: unit })), make("span", { textContent: label })),
    ),
  );
}

const tags = new Map<number, HTMLElement>();
let aimed = 0;

function showLabels(): void {
  const { clientWidth: width, clientHeight: height } = stageElement;
  const shown = new Set<number>();
  for (const { person, x, y } of stage.places()) {
    shown.add(person.place);
    let tag = tags.get(person.place);
    if (!tag) {
      tag = make("div", { className: "tag" }, make("span", { className: "number", textContent: String(person.place) }), make("span"));
      tag.style.setProperty("--hue", hueOf(person.place));
      tags.set(person.place, tag);
      find("#labels").append(tag);
    }
    const name = state?.characters.find((one) => one.number === person.character)?.name ?? "";
    if (tag.lastElementChild!.textContent !== name) tag.lastElementChild!.textContent = name;
    tag.classList.toggle("aimed", aimed === person.id && aimed > 0);
    tag.style.left = `${(x * width).toFixed(1)}px`;
    tag.style.top = `${Math.min(y * height, height - 36).toFixed(1)}px`;
  }
  for (const [place, tag] of tags) {
    if (shown.has(place)) continue;
    tag.remove();
    tags.delete(place);
  }
}

function startCountdown(next: State): void {
  const overlay = find("#calibration");
  overlay.hidden = next.calibrating === null;
  if (!next.calibrating) return;
  // On a phone whoever asked for it is further down.
  stageElement.scrollIntoView({ block: "nearest" });
  const rest = next.calibrating.phase === "rest";
  calibrationEnd = performance.now() + 1000 * next.calibrating.seconds;
  overlay.innerHTML =
    '<svg viewBox="0 0 40 40" aria-hidden="true"><circle cx="20" cy="20" r="15.900"/><circle cx="20" cy="20" r="15.900" pathLength="100"/></svg>';
  overlay.append(
    make("strong", { textContent: rest ? "Look into the camera, at rest" : "Now move all of your face" }),
    make("p", {
      textContent: rest
        ? "Mouth closed, brows at ease. You may blink."
        : "Smile, frown, raise your brows, shut your eyes, open your mouth, pucker, puff your cheeks – each as far as it goes.",
    }),
    make("button", { className: "button", textContent: "Cancel", onclick: () => connection.ask({ do: "stop calibrating" }) }),
  );
}

function showCountdown(): void {
  if (!state?.calibrating) return;
  const ring = find("#calibration").querySelector<SVGCircleElement>("circle + circle");
  const left = Math.max(calibrationEnd - performance.now(), 0) / (1000 * state.calibrating.seconds);
  if (ring) ring.style.strokeDashoffset = String(100 * left);
}

find("#mirror").onclick = () => connection.ask({ do: "mirror", on: !state?.mirror });
find("#record").onclick = () => connection.ask({ do: "record", on: state?.recording === null });
find<HTMLInputElement>("#smoothing").oninput = (event) =>
  connection.ask({ do: "smooth", factor: 5 ** Number((event.target as HTMLInputElement).value) });
find("#obs").onclick = async () => {
  const link = `${location.origin}${address("/", { view: "stage" })}`;
  try {
    await navigator.clipboard.writeText(link);
    say("Copied. In OBS add a Browser source with this address.");
  } catch {
    say(`For OBS: ${link}`);
  }
};

stageElement.ondragover = (event) => {
  event.preventDefault();
  aimed = nearest(event);
  stageElement.classList.add("dropping");
};
stageElement.ondragleave = () => {
  aimed = 0;
  stageElement.classList.remove("dropping");
};
stageElement.ondrop = (event) => {
  event.preventDefault();
  const [person, file] = [nearest(event), event.dataTransfer?.files[0]];
  aimed = 0;
  stageElement.classList.remove("dropping");
  if (file && person) void giveFile(person, file);
  else if (file) say("Somebody has to be in view, to play it.", true);
};
// A file that misses must not replace the page.
window.ondragover = window.ondrop = (event) => event.preventDefault();

function nearest(event: DragEvent): number {
  const box = stageElement.getBoundingClientRect();
  const x = (event.clientX - box.left) / box.width;
  const places = stage.places().sort((one, other) => Math.abs(one.x - x) - Math.abs(other.x - x));
  return places[0]?.person.id ?? 0;
}
