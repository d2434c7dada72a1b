// The stage: a character per person, side by side, on nothing: alpha is 0 wherever nobody is.

import {
  DirectionalLight,
  HemisphereLight,
  NeutralToneMapping,
  PerspectiveCamera,
  Scene,
  Vector3,
  WebGLRenderer,
} from "three";
import { Character, HEAD_M } from "./character";
import type { CharacterFacts } from "./connection";
import { isThere, type Person } from "./moments";

const STEP_M = 0.42;
/** By how much each row stands above and behind the one before; its heads are seen between those of the other. */
const ROW_M = HEAD_M * 0.85;
/** Below the middle of the lowest faces the picture ends: shoulders are in it, and where a bust ends is not. */
const BELOW_M = HEAD_M * 1.12;
/** Of the height that nobody needs, how much is below, and at most how much. */
const SPARE_BELOW = 0.25;
const MOST_BELOW_M = 0.05;
/** How quickly the stage follows who stands where, per second; slower than people pass each other. */
const FOLLOW = 1.5;
const MOST_ROWS = 3;
/** Another row has to make everybody larger by so much: who stands behind is partly hidden, or ends in mid-air. */
const ROWS_COST = 1.5;
const LENS_DEG = 18;
/** About the time between moments. */
const STEP_S = 1 / 30;

interface Actor {
  place: number;
  /** Number of the character that is loaded or on its way. */
  wanted: number;
  character: Character | null;
  target: Vector3;
  /** Where in the picture, from left to right; the order on the stage. */
  across: number;
}

export class Stage {
  /** Nothing where the browser draws no 3D; the rest of the page goes on. */
  readonly renderer: WebGLRenderer | null;
  private readonly scene = new Scene();
  private readonly camera = new PerspectiveCamera(LENS_DEG, 1, 0.1, 50);
  private readonly actors = new Map<number, Actor>();
  private readonly failed = new Set<number>();
  private people: Person[] = [];
  /** The picture is shown as a mirror does, and so is who stands where. */
  mirror = false;
  private facts: CharacterFacts[] = [];
  private last = performance.now();
  private distance = 0;
  private rows = 1;
  private isSeen = true;

  constructor(
    private readonly canvas: HTMLCanvasElement,
    private readonly say: (sentence: string) => void,
  ) {
    this.renderer = rendererFor(canvas);
    if (!this.renderer) return;
    // On a phone the stage may be scrolled away.
    new IntersectionObserver(([entry]) => (this.isSeen = entry?.isIntersecting ?? true)).observe(canvas);
    this.renderer.setClearColor(0x000000, 0);
    this.renderer.toneMapping = NeutralToneMapping;
    const key = new DirectionalLight(0xfff6ec, 2.2);
    key.position.set(-0.8, 0.9, 2.6);
    const fill = new DirectionalLight(0xffffff, 0.9);
    fill.position.set(1.4, 0.2, 2.2);
    const rim = new DirectionalLight(0xb8d0ff, 1.4);
    rim.position.set(1.6, 1.4, -1.8);
    this.scene.add(new HemisphereLight(0xf6f7fb, 0x9a8d83, 2.2), key, fill, rim);
  }

  setCharacters(facts: CharacterFacts[]): void {
    this.facts = facts;
  }

  setPeople(people: Person[]): void {
    const seen = people.filter(isThere);
    // Somebody is always on the stage: the last who was there, at rest, or who will come first.
    const rest = people.filter((person) => this.actors.has(person.place)).slice(0, 1);
    this.people = seen.length ? seen : rest.length ? rest : people.slice(0, 1);
    const places = new Set(this.people.map((person) => person.place));
    for (const actor of this.actors.values()) if (!places.has(actor.place)) this.dismiss(actor);
    for (const person of this.people) this.seat(person);
    const across = (person: Person) => this.actors.get(person.place)?.across ?? 0;
    this.people.sort((one, other) => across(one) - across(other));
    this.people.forEach((person, index) => this.actors.get(person.place)?.target.copy(placeOf(index, this.people.length, this.rows)));
  }

  /** Where on the canvas somebody's head is, in shares of it; for labels and for what is dropped. */
  places(): { person: Person; x: number; y: number }[] {
    return this.people.flatMap((person, index) => {
      const root = this.actors.get(person.place)?.character?.root;
      if (!root) return [];
      // Below a face somebody may stand in front of it, unless that is the first row's.
      const side = index % this.rows ? HEAD_M * 0.85 : -HEAD_M * 0.92;
      const at = root.position.clone().add(new Vector3(0, side, 0)).project(this.camera);
      return [{ person, x: (at.x + 1) / 2, y: (1 - at.y) / 2 }];
    });
  }

  draw(): void {
    if (!this.isSeen || !this.renderer) return;
    const now = performance.now();
    const seconds = Math.min((now - this.last) / 1000, 0.1);
    this.last = now;
    this.fit(seconds, this.renderer);
    for (const person of this.people) {
      const actor = this.actors.get(person.place);
      if (!actor?.character) continue;
      actor.character.root.position.lerp(actor.target, 1 - Math.exp(-8 * seconds));
      if (actor.character.facts.number === person.character) actor.character.pose(person);
      actor.character.swing(seconds);
    }
    this.renderer.render(this.scene, this.camera);
  }

  private seat(person: Person): void {
    const [left = 0, , right = 0] = person.box;
    // Motion without a picture stands in the order of its numbers.
    const now = right > left ? ((left + right) / 2) * (this.mirror ? -1 : 1) : person.place;
    let actor = this.actors.get(person.place);
    if (!actor) {
      actor = { place: person.place, wanted: 0, character: null, target: new Vector3(), across: now };
      this.actors.set(person.place, actor);
    }
    actor.across += (now - actor.across) * FOLLOW * STEP_S;
    const facts = this.facts.find((one) => one.number === person.character);
    if (this.renderer && facts && actor.wanted !== facts.number && !this.failed.has(facts.number)) void this.dress(actor, facts);
  }

  private async dress(actor: Actor, facts: CharacterFacts): Promise<void> {
    actor.wanted = facts.number;
    try {
      const character = await Character.load(facts);
      if (actor.wanted !== facts.number || this.actors.get(actor.place) !== actor) return;
      if (actor.character) this.remove(actor.character);
      character.root.position.copy(actor.character?.root.position ?? actor.target);
      actor.character = character;
      this.scene.add(character.root);
    } catch (error) {
      this.failed.add(facts.number);
      this.say(`${facts.name} cannot be drawn: ${error instanceof Error ? error.message : "it is damaged"}`);
    }
  }

  private dismiss(actor: Actor): void {
    this.actors.delete(actor.place);
    if (actor.character) this.remove(actor.character);
  }

  private remove(character: Character): void {
    this.scene.remove(character.root);
    character.dispose();
  }

  private fit(seconds: number, renderer: WebGLRenderer): void {
    const { clientWidth: width, clientHeight: height } = this.canvas;
    const ratio = Math.min(devicePixelRatio, 2);
    if (this.canvas.width !== Math.floor(width * ratio) || this.canvas.height !== Math.floor(height * ratio)) {
      renderer.setPixelRatio(ratio);
      renderer.setSize(width, height, false);
      this.camera.aspect = width / Math.max(height, 1);
    }
    const count = Math.max(this.people.length, 1);
    const half = Math.tan((LENS_DEG * Math.PI) / 360);
    const heights = Array.from({ length: Math.min(MOST_ROWS, count) }, (_, row) => heightOf(count, row + 1, this.camera.aspect));
    const height_m = Math.min(...heights);
    this.rows = heights.indexOf(height_m) + 1;
    const wanted = height_m / ROWS_COST ** (this.rows - 1) / 2 / half;
    this.distance = this.distance ? this.distance + (wanted - this.distance) * (1 - Math.exp(-6 * seconds)) : wanted;
    const spare = Math.max(2 * half * this.distance - highOf(this.rows), 0);
    const middle = half * this.distance - BELOW_M - Math.min(SPARE_BELOW * spare, MOST_BELOW_M);
    this.camera.position.set(0, middle, this.distance);
    this.camera.lookAt(0, middle, 0);
    this.camera.updateProjectionMatrix();
    this.camera.updateMatrixWorld();
  }
}

function rendererFor(canvas: HTMLCanvasElement): WebGLRenderer | null {
  try {
    return new WebGLRenderer({ canvas, alpha: true, antialias: true });
  } catch {
    return null;
  }
}

/** Where the n-th of so many stands: from left to right, in rows as for a photograph of a group. */
function placeOf(index: number, count: number, rows: number): Vector3 {
  const row = index % rows;
  return new Vector3(((index - (count - 1) / 2) * STEP_M) / rows, row * ROW_M, -row * 0.3);
}

function highOf(rows: number): number {
  return HEAD_M * 1.95 + (rows - 1) * ROW_M;
}

/** How much of the world a picture has to show, from below to above, for so many in so many rows, at what that costs. */
function heightOf(count: number, rows: number, aspect: number): number {
  const wide = ((count - 1) * STEP_M) / rows + STEP_M + 0.16;
  return ROWS_COST ** (rows - 1) * Math.max(highOf(rows), wide / aspect);
}
