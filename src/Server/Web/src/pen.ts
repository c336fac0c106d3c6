import { colour } from './theme';

// Loops as one writes them to practise a hand, as tall as the sound is loud.

const step = 0.17; // radians of a loop between two points
const advance = 0.55; // pixels that the hand moves on in that time
const slant = 0.35;
const roundness = 0.5; // of a loop: its width beside its height

/** Points of a line of loops. @param loudness By point, in [0, 1]. @param height Of the tallest loop, in pixels. @param first Number of the first point. */
function loops(loudness: readonly number[], height: number, first = 0): [number, number][] {
  return loudness.map((loud, i) => {
    const [across, up] = [Math.cos((first + i) * step), Math.sin((first + i) * step)];
    const tall = (0.06 + loud * 0.94) * (height / 2) * 0.94;
    return [i * advance - tall * (across * roundness + up * slant), height / 2 + up * tall];
  });
}

/** The ornament of the first page, a line of made-up speech, as the path of a picture of this size in pixels. */
export function flourish(width: number, height: number): string {
  const loudness = Array.from({ length: Math.ceil(width / advance) }, (_, i) => {
    const t = (i * advance) / 100;
    const word = Math.max(0, 0.55 + 0.45 * Math.sin(t * 2.3 + 1.2 * Math.sin(t * 0.9)) - 0.28);
    const syllable = 0.62 + 0.38 * Math.sin(t * 9 + 2 * Math.sin(t * 1.7));
    return Math.min(1, word * syllable * 1.5);
  });
  return loops(loudness, height).map(([x, y], i) => `${i === 0 ? 'M' : 'L'}${x.toFixed(1)} ${y.toFixed(1)}`).join('');
}

/** Writes what the microphone hears, the newest at the right edge. */
export class Pen {
  private loudness: number[] = [];
  private written = 0;
  private target = 0;
  private level = 0;
  private frame = 0;

  constructor(private readonly canvas: HTMLCanvasElement) {}

  start(): void {
    [this.loudness, this.written, this.level, this.target] = [[], 0, 0, 0];
    this.frame = requestAnimationFrame(() => this.draw());
  }

  stop(): void {
    cancelAnimationFrame(this.frame);
  }

  /** @param loudness Root mean square of the latest samples, in [0, 1]. */
  hear(loudness: number): void {
    this.target = Math.min(1, Math.sqrt(loudness) * 1.6);
  }

  private draw(): void {
    const { clientWidth, clientHeight } = this.canvas;
    const most = Math.ceil(clientWidth / advance);
    for (let i = 0; i < 4; i++) { // points a picture: about as fast as one writes
      this.level += (this.target - this.level) * 0.06;
      this.loudness.push(this.level);
      this.written++;
    }
    this.loudness = this.loudness.slice(-most);

    [this.canvas.width, this.canvas.height] = [clientWidth * devicePixelRatio, clientHeight * devicePixelRatio];
    const pen = this.canvas.getContext('2d')!;
    pen.scale(devicePixelRatio, devicePixelRatio);
    pen.strokeStyle = colour('accent');
    [pen.lineWidth, pen.lineJoin] = [1.6, 'round'];
    pen.beginPath();
    for (const [x, y] of loops(this.loudness, clientHeight, this.written - this.loudness.length)) pen.lineTo(x, y);
    pen.stroke();
    this.frame = requestAnimationFrame(() => this.draw());
  }
}
