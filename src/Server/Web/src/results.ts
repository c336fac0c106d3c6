import { element, show } from './elements';
import { withKey } from './key';
import { textOf, write, type Transcript } from './transcript';

/** What one takes away: the text on the clipboard, and files in the server's formats. */
export class Results {
  private transcript: Transcript | null = null;
  private baseName = '';

  /** @param failed What to do when a file cannot be made. */
  constructor(failed: (failure: unknown, again: () => void) => void) {
    for (const button of element('results').querySelectorAll<HTMLButtonElement>('[data-format]')) {
      const save = () => void this.save(button.dataset['format']!, button.dataset['extension']!).catch((failure: unknown) => failed(failure, save));
      button.addEventListener('click', save);
    }
    const copy = element<HTMLButtonElement>('copy');
    show(navigator.clipboard !== undefined, copy); // which browsers keep from pages over plain http
    copy.addEventListener('click', () => void this.copy(copy));
  }

  /** @param remark What else the names of files say. */
  show(transcript: Transcript, name: string, remark = ''): void {
    this.transcript = transcript;
    this.baseName = name.replace(/(?<=.)\.[^.]*$/, '') + (remark && ` (${remark})`);
    show(transcript.segments.length > 0, element('results'));
  }

  clear(): void {
    this.transcript = null;
    show(false, element('results'));
  }

  private async copy(button: HTMLButtonElement): Promise<void> {
    await navigator.clipboard.writeText(textOf(this.transcript!));
    button.textContent = 'Copied';
    element('announcement').textContent = 'The text is on the clipboard.';
    setTimeout(() => { button.textContent = 'Copy'; }, 2000);
  }

  private async save(format: string, extension: string): Promise<void> {
    const file = await withKey(() => write(this.transcript!, format));
    const link = document.createElement('a');
    link.href = URL.createObjectURL(file);
    link.download = `${this.baseName}.${extension}`;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
  }
}
