// The socket to the server: moments and state come, requests go. Lost connections are made again.

import { type Moment, readMoment } from "./moments";

export interface CharacterFacts {
  number: number;
  name: string;
  /** Nodes that a pose turns, in the order of the rotations. */
  turned: number[];
  /** By mesh of the file, which of the weights each target takes. */
  weights: Record<string, number[]>;
  head: number | null;
  /** Which way the character looks, x y z w. */
  facing: [number, number, number, number];
}

export interface State {
  phase: "starting" | "running" | "over";
  source: string;
  receivers: string[];
  browser_camera: boolean;
  mirror: boolean;
  smoothing: number | null;
  recording: string | null;
  names: string[];
  choices: string[];
  characters: CharacterFacts[];
  profiles: string[];
  people: Record<string, { gains: Record<string, number>; calibrated: boolean }>;
  calibrating: { person: number; phase: "rest" | "range"; seconds: number } | null;
  sentences: string[];
}

export interface Measures {
  page_ms: number | null;
  stages_ms?: { wait?: number; track?: number; send?: number };
  frames_per_second?: number;
  late?: number;
}

export interface Listener {
  moment(moment: Moment): void;
  state(state: State): void;
  measures(measures: Measures): void;
  refused(sentence: string): void;
  connected(is: boolean): void;
}

const RETRY_MS = 1000;

/** An address of this server, with the token that this page was opened with. */
export function address(path: string, query: Record<string, string> = {}): string {
  const token = new URLSearchParams(location.search).get("token");
  const all = new URLSearchParams(token ? { ...query, token } : query);
  return all.size ? `${path}?${all}` : path;
}

export function socketAddress(path: string, query: Record<string, string> = {}): string {
  return `${location.protocol === "https:" ? "wss" : "ws"}://${location.host}${address(path, query)}`;
}

export class Connection {
  private socket: WebSocket | null = null;

  constructor(
    private readonly pictures: boolean,
    private readonly listener: Listener,
  ) {
    this.connect();
  }

  ask(request: Record<string, unknown>): void {
    if (this.socket?.readyState === WebSocket.OPEN) this.socket.send(JSON.stringify(request));
  }

  private connect(): void {
    const socket = new WebSocket(socketAddress("/moments", { pictures: this.pictures ? "1" : "0" }));
    socket.binaryType = "arraybuffer";
    socket.onopen = () => this.listener.connected(true);
    socket.onclose = () => {
      this.listener.connected(false);
      setTimeout(() => this.connect(), RETRY_MS);
    };
    socket.onmessage = ({ data }) => this.hear(data);
    this.socket = socket;
  }

  private hear(data: ArrayBuffer | string): void {
    if (typeof data !== "string") {
      this.listener.moment(readMoment(data));
      return;
    }
    const said = JSON.parse(data);
    if (said.type === "state") this.listener.state(said);
    else if (said.type === "measures") this.listener.measures(said);
    else if (said.type === "refused") this.listener.refused(said.sentence);
  }
}

/** Send a file that was dropped on somebody; returns what is wrong with it, or nothing. */
export async function sendCharacter(person: number, file: File): Promise<string> {
  const where = address("/characters", { person: String(person), name: file.name });
  try {
    const answer = await fetch(where, { method: "POST", body: file });
    return answer.ok ? "" : await answer.text();
  } catch {
    return `${file.name} could not be sent`;
  }
}
