import { element, show } from './elements';
import { decode } from './sound';
import type { Word } from './transcript';
import { Waveform } from './waveform';

/** Plays the recording, and says where it is. */
export class Player {
  private readonly audio = element<HTMLAudioElement>('audio');
  private readonly button = element<HTMLButtonElement>('play');
  private readonly waveform = new Waveform((seconds) => this.seek(seconds), () => this.toggle());
  private playable = false;
  private knowsDuration = false;
  private source = '';

  /** The samples as far as the browser could decode them, mono at 16 kHz. */
  samples: Float32Array | null = null;

  /** @param moved Told each time when the position has changed, in seconds. */
  constructor(private readonly moved: (seconds: number) => void) {
    this.button.addEventListener('click', () => this.toggle());
    element<HTMLSelectElement>('speed').addEventListener('change', (event) => { this.audio.playbackRate = Number((event.target as HTMLSelectElement).value); });
    for (const event of ['play', 'pause', 'ended']) this.audio.addEventListener(event, () => this.tellState());
    for (const event of ['seeked', 'timeupdate']) this.audio.addEventListener(event, () => this.tellPosition());
    this.audio.addEventListener('play', () => this.follow());
  }

  /** Takes a recording up. What the browser cannot play is shown without sound. */
  async load(recording: Blob): Promise<void> {
    this.unload();
    show(true, element('player'));
    const source = URL.createObjectURL(recording);
    this.audio.src = this.source = source;
    this.playable = await new Promise<boolean>((resolve) => {
      this.audio.addEventListener('loadedmetadata', () => resolve(true), { once: true });
      this.audio.addEventListener('error', () => resolve(false), { once: true });
    });
    if (this.source !== source) return; // another recording has come in the meantime
    this.button.disabled = !this.playable;
    this.knowsDuration = this.playable && Number.isFinite(this.audio.duration);
    if (this.knowsDuration) this.waveform.setDuration(this.audio.duration);
    const samples = await decode(recording, this.knowsDuration ? this.audio.duration : null);
    if (this.source === source && samples) {
      [this.samples, this.knowsDuration] = [samples, true];
      this.waveform.setSamples(samples);
    }
  }

  unload(): void {
    this.audio.pause();
    if (this.source) URL.revokeObjectURL(this.source);
    this.audio.removeAttribute('src');
    [this.samples, this.playable, this.knowsDuration, this.source] = [null, false, false, ''];
    this.waveform.clear();
    show(false, element('player'));
  }

  /** Whether there is a recording. */
  get isLoaded(): boolean {
    return this.source !== '';
  }

  seek(seconds: number): void {
    if (this.playable) this.audio.currentTime = seconds;
    else this.waveform.setPosition(seconds);
  }

  playFrom(seconds: number): void {
    this.seek(seconds);
    if (this.playable) void this.audio.play();
  }

  /** @param duration Of the recording, as the server counts it. @param seconds How much of it has its text. */
  tellHeard(duration: number, seconds: number, words: Word[] = []): void {
    if (!this.knowsDuration) this.waveform.setDuration(duration);
    this.waveform.setHeard(seconds, words);
  }

  private toggle(): void {
    if (!this.playable) return;
    if (this.audio.paused) void this.audio.play();
    else this.audio.pause();
  }

  private tellState(): void {
    this.button.classList.toggle('playing', !this.audio.paused);
    this.button.ariaLabel = this.audio.paused ? 'Play' : 'Pause';
  }

  private tellPosition(): void {
    this.waveform.setPosition(this.audio.currentTime);
    this.moved(this.audio.currentTime);
  }

  /** The browser tells the position four times a second, the eye wants it at each picture. */
  private follow(): void {
    if (this.audio.paused) return;
    this.tellPosition();
    requestAnimationFrame(() => this.follow());
  }
}
