// The camera's picture with a box and a number for everyone in it.

import { hueOf } from "./elements";
import type { Moment } from "./moments";

export class Picture {
  private readonly context: CanvasRenderingContext2D;
  private busy = false;

  constructor(private readonly canvas: HTMLCanvasElement) {
    this.context = canvas.getContext("2d")!;
  }

  async show(moment: Moment, mirror: boolean): Promise<void> {
    // Decoding is not waited for: a picture that comes meanwhile is left out.
    if (!moment.jpeg || this.busy) return;
    this.busy = true;
    try {
      const image = await createImageBitmap(new Blob([moment.jpeg], { type: "image/jpeg" }));
      if (this.canvas.width !== image.width || this.canvas.height !== image.height) {
        this.canvas.width = image.width;
        this.canvas.height = image.height;
      }
      this.context.save();
      if (mirror) this.context.setTransform(-1, 0, 0, 1, image.width, 0);
      this.context.drawImage(image, 0, 0);
      this.context.restore();
      image.close();
      this.drawBoxes(moment, mirror);
    } finally {
      this.busy = false;
    }
  }

  private drawBoxes(moment: Moment, mirror: boolean): void {
    const { width, height } = this.canvas;
    const unit = width / 100;
    for (const person of moment.people) {
      if (person.id === 0 || person.status === "fading") continue;
      const [left = 0, top = 0, right = 0, bottom = 0] = person.box;
      const x = (mirror ? 1 - right : left) * width;
      const [w, h, y] = [(right - left) * width, (bottom - top) * height, top * height];
      this.context.globalAlpha = person.status === "tracked" ? 1 : 0.5;
      this.context.lineWidth = Math.max(unit / 2.5, 1.5);
      this.context.strokeStyle = this.context.fillStyle = hueOf(person.place);
      this.context.beginPath();
      this.context.roundRect(x, y, w, h, unit * 1.5);
      this.context.stroke();
      const size = unit * 5.4;
      this.context.beginPath();
      this.context.roundRect(x, Math.max(y - size * 1.15, 0), size, size, size / 2);
      this.context.fill();
      this.context.fillStyle = "#101214";
      this.context.font = `700 ${size * 0.66}px system-ui, sans-serif`;
      this.context.textAlign = "center";
      this.context.textBaseline = "middle";
      this.context.fillText(String(person.place), x + size / 2, Math.max(y - size * 1.15, 0) + size * 0.54);
    }
    this.context.globalAlpha = 1;
  }
}
