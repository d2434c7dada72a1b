// A binary message of the server to the people in it. The layout is that of commedia/formats/page_messages.py.

export const BLENDSHAPES = 52;
const FACE = 2 + BLENDSHAPES + 8;

export interface Person {
  /** Place on the stage, from 1. */
  place: number;
  /** Id in the take; 0 where nobody has been yet. */
  id: number;
  status: "tracked" | "held" | "fading";
  expression: Float32Array;
  /** Left, top, right, bottom in shares of the picture. */
  box: Float32Array;
  character: number;
  weights: Float32Array;
  /** Local rotations x y z w. */
  rotations: Float32Array;
}

export interface Moment {
  number: number;
  time: number;
  people: Person[];
  jpeg: Uint8Array<ArrayBuffer> | null;
}

const STATUSES = ["tracked", "held", "fading"] as const;

export function readMoment(data: ArrayBuffer): Moment {
  const [version, number = 0, floats = 0, bytes = 0] = new Uint32Array(data, 0, 4);
  if (version !== 1) throw new Error(`a message of version ${version}`);
  const values = new Float32Array(data, 16, floats);
  const people: Person[] = [];
  let at = 4;
  for (let count = values[2]!; count > 0; count--) {
    const face = values.subarray(at, at + FACE);
    const more = values.subarray(at + FACE, at + FACE + 8);
    const weights = at + FACE + 8;
    const rotations = weights + more[6]!;
    at = rotations + 4 * more[7]!;
    people.push({
      place: face[0]!,
      id: more[0]!,
      status: STATUSES[face[1]!] ?? "fading",
      expression: face.subarray(2, 2 + BLENDSHAPES),
      box: more.subarray(1, 5),
      character: more[5]!,
      weights: values.subarray(weights, rotations),
      rotations: values.subarray(rotations, at),
    });
  }
  const jpeg = bytes ? new Uint8Array(data, 16 + 4 * floats, bytes) : null;
  return { number, time: values[0]! + values[1]!, people, jpeg };
}

/** Whether a person is worth a place: seen, or not yet quite at rest after having been seen. */
export function isThere(person: Person): boolean {
  return person.id > 0 && person.status !== "fading";
}
