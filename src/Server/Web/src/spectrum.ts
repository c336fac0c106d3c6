import { element } from './elements';
import { ask } from './server';
import { sampleRate, toPcm, wav } from './sound';
import { theme, watchTheme } from './theme';
import { clock } from './time';

interface LogMel { start: number; frames: number; bands: number; frames_per_second: number; levels: string }

type Rgb = readonly [number, number, number];

/** From silence to the loudest: ink on paper, and light on slate. */
const inks: Record<'light' | 'dark', readonly Rgb[]> = {
  light: [[251, 248, 241], [213, 214, 226], [120, 140, 205], [47, 70, 176], [20, 24, 62]],
  dark: [[24, 25, 31], [40, 46, 78], [76, 96, 190], [163, 178, 255], [255, 246, 226]],
};

const windowSeconds = 30;

/** The log-mel spectrogram of the window around the position, computed by the server as its model hears it. */
export class Spectrum {
  private readonly details = element<HTMLDetailsElement>('hearing');
  private readonly canvas = element<HTMLCanvasElement>('spectrum');
  private readonly caption = element('spectrum-caption');
  private source: (() => { recording: Blob; samples: Float32Array | null; model: string }) | null = null;
  private picture: LogMel | null = null;
  private wanted = -1;
  private position = 0;

  constructor(seek: (seconds: number) => void) {
    this.details.addEventListener('toggle', () => void this.follow());
    this.canvas.addEventListener('click', (event) => {
      const box = this.canvas.getBoundingClientRect();
      if (this.picture) seek(this.picture.start + ((event.clientX - box.left) / box.width) * this.seconds);
    });
    watchTheme(() => this.draw());
  }

  /** @param source The recording, for when somebody wants to see it; null for none. */
  setSource(source: (() => { recording: Blob; samples: Float32Array | null; model: string }) | null): void {
    [this.source, this.picture, this.wanted, this.position] = [source, null, -1, 0];
    this.details.hidden = source === null;
    this.details.open = false;
    this.caption.textContent = '';
  }

  setPosition(seconds: number): void {
    this.position = seconds;
    void this.follow();
  }

  private get seconds(): number {
    return this.picture ? this.picture.frames / this.picture.frames_per_second : 0;
  }

  private async follow(): Promise<void> {
    this.placeNeedle();
    const start = Math.floor(this.position / windowSeconds) * windowSeconds;
    if (!this.details.open || !this.source || this.wanted === start) return;
    this.wanted = start;
    const { recording, samples, model } = this.source();
    try {
      const picture = await fetchLogMel(recording, samples, model, start);
      if (this.wanted !== start) return; // the position has left the window
      this.picture = picture;
      this.draw();
    } catch (failure) {
      if (this.wanted === start) this.caption.textContent = failure instanceof Error ? failure.message : '';
    }
  }

  private placeNeedle(): void {
    const needle = element('needle');
    const place = this.picture ? (this.position - this.picture.start) / this.seconds : -1;
    needle.hidden = place < 0 || place > 1;
    needle.style.left = `${place * 100}%`;
  }

  private draw(): void {
    if (!this.picture) return;
    const { frames, bands, levels, start } = this.picture;
    const bytes = Uint8Array.from(atob(levels), (letter) => letter.charCodeAt(0));
    const palette = paletteOf(inks[theme()]);
    const pixels = new ImageData(frames, bands);
    for (let frame = 0; frame < frames; frame++) {
      for (let band = 0; band < bands; band++) {
        const pixel = ((bands - 1 - band) * frames + frame) * 4; // the lowest band belongs below
        pixels.data.set(palette.subarray(bytes[frame * bands + band]! * 4, bytes[frame * bands + band]! * 4 + 4), pixel);
      }
    }
    [this.canvas.width, this.canvas.height] = [frames, bands];
    this.canvas.getContext('2d')!.putImageData(pixels, 0, 0);
    const span = `${clock(start)} to ${clock(start + this.seconds)}`;
    this.canvas.ariaLabel = `Log-mel spectrogram of ${span}`;
    this.caption.textContent = `Log-mel spectrogram, ${span}: ${bands} bands from 0 to 8 kHz, ${this.picture.frames_per_second} frames a second.`;
    this.placeNeedle();
  }
}

/** Of what the browser has decoded only the window is sent. */
async function fetchLogMel(recording: Blob, samples: Float32Array | null, model: string, start: number): Promise<LogMel> {
  const form = new FormData();
  if (model) form.append('model', model);
  if (samples) {
    form.append('file', wav([toPcm(samples.subarray(start * sampleRate, (start + windowSeconds) * sampleRate))], sampleRate), 'window.wav');
  } else {
    form.append('start', String(start));
    form.append('file', recording);
  }
  const picture = await (await ask('v1/audio/log-mel', { method: 'POST', body: form })).json() as LogMel;
  return { ...picture, start };
}

/** 256 colours, four bytes each. */
function paletteOf(stops: readonly Rgb[]): Uint8ClampedArray {
  const palette = new Uint8ClampedArray(256 * 4);
  for (let level = 0; level < 256; level++) {
    const place = (level / 255) * (stops.length - 1);
    const [below, above] = [stops[Math.floor(place)]!, stops[Math.min(stops.length - 1, Math.floor(place) + 1)]!];
    for (let part = 0; part < 3; part++) palette[level * 4 + part] = below[part as 0 | 1 | 2] + (above[part as 0 | 1 | 2] - below[part as 0 | 1 | 2]) * (place % 1);
    palette[level * 4 + 3] = 255;
  }
  return palette;
}
