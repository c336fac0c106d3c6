import { alarm } from './alarm';
import { element, show } from './elements';
import { Player } from './player';
import { Progress } from './progress';
import { Results } from './results';
import { languageName } from './settings';
import { Spectrum } from './spectrum';
import { clock } from './time';
import type { Segment, Transcript } from './transcript';
import { TranscriptView } from './transcript-view';

/** The page of one recording: the player, what was said, and what to take away. */
export class Sheet {
  readonly progress: Progress;
  private readonly view = new TranscriptView((seconds) => this.player.playFrom(seconds));
  private readonly spectrum = new Spectrum((seconds) => this.player.seek(seconds));
  private readonly results = new Results((failure, again) => alarm.raise(failure, again));
  private readonly player = new Player((seconds) => {
    this.view.mark(seconds);
    this.spectrum.setPosition(seconds);
  });
  private name = '';
  private recording: Blob | null = null;
  private transcript: Transcript = { language: '', duration: 0, segments: [] };

  constructor(cancelled: () => void) {
    this.progress = new Progress(cancelled);
  }

  /** Begins a new one. */
  open(name: string): void {
    alarm.clear();
    this.close();
    this.name = name;
    element('name').textContent = name;
    element('facts').textContent = '';
    document.title = `${name} · Handwritten`;
    show(false, element('start'));
    show(true, element('sheet'));
  }

  /** Back to the first page. */
  close(): void {
    this.transcript = { language: '', duration: 0, segments: [] };
    this.recording = null;
    this.player.unload();
    this.view.clear();
    this.spectrum.setSource(null);
    this.results.clear();
    this.progress.end('');
    show(false, element('sheet'), element('sound'), element('whole'));
    show(true, element('start'));
    document.title = 'Handwritten';
  }

  get isEmpty(): boolean {
    return this.view.isEmpty;
  }

  /** Shows a recording and lets it be played. */
  async take(recording: Blob, model: string): Promise<void> {
    this.recording = recording;
    await this.player.load(recording);
    if (this.recording === recording && this.player.isLoaded) this.spectrum.setSource(() => ({ recording, samples: this.player.samples, model }));
  }

  /** Adds what was said. @param duration Of the recording, or of as much of it as there is. */
  append(segment: Segment, language: string, duration: number): void {
    this.transcript.segments.push(segment);
    this.view.append(segment);
    this.tellFacts(language, duration);
    this.player.tellHeard(duration, segment.end, segment.words);
  }

  setPartial(committed: string, tentative: string): void {
    this.view.setPartial(committed, tentative);
  }

  tellFacts(language: string, duration: number): void {
    [this.transcript.language, this.transcript.duration] = [language, duration];
    element('facts').textContent = [languageName(language), clock(duration)].filter((fact) => fact !== '').join('\u2002·\u2002');
  }

  /** All is there. */
  complete(seconds: number): void {
    this.setPartial('', '');
    this.tellFacts(this.transcript.language, seconds);
    this.player.tellHeard(seconds, seconds);
    this.progress.end(this.isEmpty ? 'No speech was found.' : 'The transcript is complete.');
    if (this.isEmpty) element('facts').textContent = `No speech was found in ${clock(seconds)}.`;
    this.results.show(this.transcript, this.name);
  }

  /** No more comes, but there was more to come: what is there can be taken away, and says in its name that it is not all. */
  breakOff(): void {
    this.setPartial('', '');
    this.progress.end(this.isEmpty ? '' : 'The transcript is incomplete.');
    if (!this.isEmpty) element('facts').textContent += '\u2002·\u2002incomplete';
    this.results.show(this.transcript, this.name, 'incomplete');
  }
}
