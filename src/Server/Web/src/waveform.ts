import { element } from './elements';
import { sampleRate } from './sound';
import { colour, watchTheme } from './theme';
import { clock, spokenTime } from './time';
import type { Word } from './transcript';

const peaksPerSecond = 100;
const bucket = sampleRate / peaksPerSecond;
const spokenLevel = 0.45; // how tall a word is of which nothing else is known
const [barWidth, barGap] = [2, 1.5];
const [smallStep, largeStep] = [5, 30];

/**
 * The recording as bars: those played in ink, those heard by the model in grey, those it has yet to hear faint. A click or the arrow keys
 * seek. Where the browser cannot decode the recording, the bars stand where words are.
 */
export class Waveform {
  private readonly canvas = element<HTMLCanvasElement>('waveform');
  private peaks: Float32Array | null = null;
  private spoken: number[] = []; // in place of the peaks, where there are none
  private duration = 0;
  private position = 0;
  private heard = 0;

  /** @param seek What to do when a place is chosen, in seconds. @param toggle What to do when the space bar is pressed. */
  constructor(private readonly seek: (seconds: number) => void, toggle: () => void) {
    this.tell();
    new ResizeObserver(() => this.draw()).observe(this.canvas);
    watchTheme(() => this.draw());
    this.canvas.addEventListener('pointerdown', (event) => {
      this.canvas.setPointerCapture(event.pointerId);
      this.seekTo(event);
    });
    this.canvas.addEventListener('pointermove', (event) => {
      if (this.canvas.hasPointerCapture(event.pointerId)) this.seekTo(event);
    });
    this.canvas.addEventListener('keydown', (event) => {
      const target = {
        ArrowRight: this.position + smallStep, ArrowUp: this.position + smallStep, ArrowLeft: this.position - smallStep, ArrowDown: this.position - smallStep,
        PageUp: this.position + largeStep, PageDown: this.position - largeStep, Home: 0, End: this.duration,
      }[event.key];
      if (target !== undefined) this.seek(Math.max(0, Math.min(this.duration, target)));
      else if (event.key === ' ' || event.key === 'Enter') toggle();
      else return;
      event.preventDefault();
    });
  }

  clear(): void {
    [this.peaks, this.spoken, this.position, this.heard] = [null, [], 0, 0];
    this.setDuration(0);
  }

  /** @param samples Mono at 16 kHz. */
  setSamples(samples: Float32Array): void {
    const peaks = new Float32Array(Math.ceil(samples.length / bucket));
    for (let i = 0; i < samples.length; i++) {
      const at = Math.floor(i / bucket);
      peaks[at] = Math.max(peaks[at]!, Math.abs(samples[i]!));
    }
    this.peaks = peaks;
    this.setDuration(samples.length / sampleRate);
  }

  setDuration(seconds: number): void {
    this.duration = seconds;
    this.canvas.ariaValueMax = seconds.toFixed(1);
    this.tell();
    this.draw();
  }

  setPosition(seconds: number): void {
    this.position = seconds;
    this.tell();
    this.draw();
  }

  /** @param seconds How much of the recording has its text. */
  setHeard(seconds: number, words: Word[] = []): void {
    this.heard = Math.max(this.heard, seconds);
    for (const word of words) {
      for (let i = Math.floor(word.start * peaksPerSecond); i < word.end * peaksPerSecond; i++) this.spoken[i] = 1;
    }
    this.draw();
  }

  private tell(): void {
    this.canvas.ariaValueNow = this.position.toFixed(1);
    this.canvas.ariaValueText = `${spokenTime(this.position)} of ${spokenTime(this.duration)}`;
    element('clock').textContent = `${clock(this.position)} / ${clock(this.duration)}`;
  }

  private seekTo(event: PointerEvent): void {
    const box = this.canvas.getBoundingClientRect();
    if (this.duration > 0) this.seek(Math.max(0, Math.min(1, (event.clientX - box.left) / box.width)) * this.duration);
  }

  private draw(): void {
    const { clientWidth: width, clientHeight: height } = this.canvas;
    const pen = this.canvas.getContext('2d');
    if (!pen || width === 0) return;
    [this.canvas.width, this.canvas.height] = [width * devicePixelRatio, height * devicePixelRatio];
    pen.scale(devicePixelRatio, devicePixelRatio);
    const [ink, grey, faint] = [colour('accent'), colour('bar'), colour('bar-faint')];
    const loudness = this.bars(Math.floor(width / (barWidth + barGap)));
    for (const [bar, loud] of loudness.entries()) {
      const begins = (bar / loudness.length) * this.duration;
      const length = Math.max(2, loud * (height - 4));
      pen.fillStyle = begins < this.position ? ink : begins < this.heard ? grey : faint;
      pen.beginPath();
      pen.roundRect(bar * (barWidth + barGap), (height - length) / 2, barWidth, length, barWidth / 2);
      pen.fill();
    }
  }

  /** How tall the bars are, in [0, 1]: the root mean square of the peaks in each, the loudest being 1. */
  private bars(count: number): number[] {
    const levels: ArrayLike<number> = this.peaks ?? this.spoken;
    const perBar = (this.duration * peaksPerSecond) / count;
    const bars = Array.from({ length: count }, (_, bar) => {
      const [from, to] = [Math.floor(bar * perBar), Math.floor(bar * perBar) + Math.max(1, Math.ceil(perBar))];
      let sum = 0;
      for (let i = from; i < to; i++) sum += (levels[i] ?? 0) ** 2;
      return Math.sqrt(sum / (to - from));
    });
    const loudest = bars.reduce((a, b) => Math.max(a, b), this.peaks ? 1e-6 : 1 / spokenLevel);
    return bars.map((loud) => (loud / loudest) ** 0.75); // the power lets quiet speech be seen
  }
}
