import { element, show } from './elements';
import { clock } from './time';
import type { Segment, Word } from './transcript';

/** Below this a word is marked as one to check. */
const unsure = 0.4;

/**
 * The words on the page. One of them is in the order of the tab key; from there arrow keys go word by word and segment by
 * segment, and Enter plays from the word.
 */
export class TranscriptView {
  private readonly list = element<HTMLOListElement>('segments');
  private readonly partial = element('partial');
  private readonly legend = element('legend');
  private words: { element: HTMLElement; start: number; end: number }[] = [];
  private current: HTMLElement | null = null;

  /** @param chosen What to do when a word is chosen, with its time in seconds. */
  constructor(private readonly chosen: (seconds: number) => void) {
    this.list.addEventListener('click', (event) => {
      const word = (event.target as HTMLElement).closest<HTMLElement>('[data-start]');
      if (word && String(getSelection()) === '') this.choose(word);
    });
    this.list.addEventListener('keydown', (event) => this.onKey(event));
  }

  clear(): void {
    this.list.replaceChildren();
    this.setPartial('', '');
    show(false, this.legend);
    [this.words, this.current] = [[], null];
  }

  get isEmpty(): boolean {
    return this.words.length === 0;
  }

  append(segment: Segment): void {
    const item = document.createElement('li');
    const time = document.createElement('time');
    time.textContent = clock(segment.start);
    time.dataset['start'] = String(segment.start);
    const text = document.createElement('p');
    text.dir = 'auto';
    for (const word of segment.words?.length ? segment.words : [wordOf(segment)]) text.append(...this.render(word));
    item.append(time, text);
    this.list.append(item);
  }

  /** What was said last: first what is certain, then what may change. */
  setPartial(committed: string, tentative: string): void {
    const guess = document.createElement('em');
    guess.textContent = tentative;
    this.partial.replaceChildren(committed, guess);
    show(committed + tentative !== '', this.partial);
  }

  /** Marks the word that is spoken at a time. */
  mark(seconds: number): void {
    const index = this.wordAt(seconds);
    const word = index >= 0 && seconds < this.words[index]!.end ? this.words[index]!.element : null;
    if (word === this.current) return;
    this.current?.classList.remove('spoken');
    word?.classList.add('spoken');
    this.current = word;
    if (word && !this.list.contains(document.activeElement)) word.scrollIntoView({ block: 'nearest' });
  }

  private render(word: Word): (string | HTMLElement)[] {
    const text = word.word.trimStart();
    if (text === '') return [word.word];
    const span = document.createElement('span');
    span.textContent = text;
    span.role = 'button';
    span.tabIndex = this.isEmpty ? 0 : -1;
    span.dataset['start'] = String(word.start);
    if (word.probability < unsure) {
      span.classList.add('unsure');
      show(true, this.legend);
    }
    this.words.push({ element: span, start: word.start, end: word.end });
    return [word.word.slice(0, word.word.length - text.length), span];
  }

  /** The last word that has begun, by bisection; -1 before the first. */
  private wordAt(seconds: number): number {
    let [low, high] = [0, this.words.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.words[middle]!.start <= seconds + 0.01) low = middle + 1;
      else high = middle;
    }
    return low - 1;
  }

  private choose(word: HTMLElement): void {
    if (word.role === 'button') this.moveTo(word);
    this.chosen(Number(word.dataset['start']));
  }

  private moveTo(word: HTMLElement): void {
    this.list.querySelector('[tabindex="0"]')?.setAttribute('tabindex', '-1');
    word.tabIndex = 0;
    word.focus();
  }

  private onKey(event: KeyboardEvent): void {
    const from = event.target as HTMLElement;
    const index = this.words.findIndex((word) => word.element === from);
    if (index < 0) return;
    const item = from.closest('li')!;
    const firstOf = (other: Element | null) => other?.querySelector<HTMLElement>('[role=button]') ?? undefined;
    switch (event.key) {
      case 'Enter':
      case ' ':
        this.choose(from);
        break;
      default: {
        const to = {
          ArrowRight: this.words[index + 1]?.element, ArrowLeft: this.words[index - 1]?.element,
          ArrowDown: firstOf(item.nextElementSibling), ArrowUp: firstOf(item.previousElementSibling),
          Home: this.words[0]?.element, End: this.words.at(-1)?.element,
        }[event.key];
        if (!to) return;
        this.moveTo(to);
      }
    }
    event.preventDefault();
  }
}

const wordOf = (segment: Segment): Word => ({ word: segment.text, start: segment.start, end: segment.end, probability: 1 });
