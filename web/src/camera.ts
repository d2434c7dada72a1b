// This browser's camera, lent to the server: one JPEG at a time, the next when the last was taken.

import { socketAddress } from "./connection";

const WIDTH = 640;
const STEP_MS = 33;
const QUALITY = 0.82;

export class LentCamera {
  private stream: MediaStream | null = null;
  private socket: WebSocket | null = null;
  private readonly video = document.createElement("video");
  private readonly canvas = document.createElement("canvas");
  private clock: Worker | null = null;
  private isTaken = false;

  constructor(private readonly ended: (sentence: string) => void) {
    this.video.muted = true;
    this.video.playsInline = true;
  }

  /** Rejects with a sentence. */
  async start(): Promise<void> {
    if (!navigator.mediaDevices) {
      throw new Error("This browser lends its camera only to a page of this machine, or one that is served by https.");
    }
    try {
      const size = { width: { ideal: WIDTH }, height: { ideal: 480 }, facingMode: "user" };
      this.stream = await navigator.mediaDevices.getUserMedia({ video: size, audio: false });
    } catch (error) {
      throw new Error(reason(error));
    }
    this.stream.getVideoTracks()[0]?.addEventListener("ended", () => this.stop("The camera was unplugged."));
    this.video.srcObject = this.stream;
    await this.video.play();
    this.socket = new WebSocket(socketAddress("/camera"));
    this.socket.onopen = this.socket.onmessage = () => (this.isTaken = true);
    this.socket.onclose = () => this.stop("The connection was lost.");
    this.clock = clock();
    this.clock.onmessage = () => void this.send();
  }

  stop(sentence: string): void {
    if (!this.stream) return;
    this.stream.getTracks().forEach((track) => track.stop());
    this.stream = null;
    this.clock?.terminate();
    this.socket?.close();
    this.ended(sentence);
  }

  private async send(): Promise<void> {
    if (!this.stream || !this.isTaken) return;
    this.isTaken = false;
    const scale = Math.min(1, WIDTH / Math.max(this.video.videoWidth, this.video.videoHeight, 1));
    this.canvas.width = Math.round(this.video.videoWidth * scale);
    this.canvas.height = Math.round(this.video.videoHeight * scale);
    this.canvas.getContext("2d")!.drawImage(this.video, 0, 0, this.canvas.width, this.canvas.height);
    const jpeg = await new Promise<Blob | null>((give) => this.canvas.toBlob(give, "image/jpeg", QUALITY));
    if (jpeg && this.socket?.readyState === WebSocket.OPEN) this.socket.send(jpeg);
    else this.isTaken = true;
  }
}

/** Ticks in a worker: a page that is behind another window, such as OBS, is hardly given any ticks of its own. */
function clock(): Worker {
  const script = new Blob([`setInterval(() => postMessage(0), ${STEP_MS})`], { type: "text/javascript" });
  return new Worker(URL.createObjectURL(script));
}

function reason(error: unknown): string {
  const name = error instanceof DOMException ? error.name : "";
  if (name === "NotAllowedError") return "This page may not use the camera: allow it beside the address, and try again.";
  if (name === "NotFoundError") return "This browser finds no camera.";
  if (name === "NotReadableError") return "Another program uses the camera.";
  return "The camera cannot be opened.";
}
