import { element, show } from './elements';

/** Says how far the work is; to the eye at each step, to a screen reader where its kind changes. */
export class Progress {
  private readonly bar = element<HTMLProgressElement>('bar');
  private said = '';

  /** @param cancelled What to do when somebody has had enough. */
  constructor(cancelled: () => void) {
    element('cancel').addEventListener('click', cancelled);
  }

  /** @param what What is being done. @param share How much of it has been, in [0, 1]; undefined if nobody knows. @param detail The numbers. */
  tell(what: string, share?: number, detail = ''): void {
    show(true, element('progress'));
    element('state').textContent = detail ? `${what} ${detail}` : what;
    if (share === undefined) this.bar.removeAttribute('value');
    else this.bar.value = share;
    this.announce(what);
  }

  end(announcement: string): void {
    show(false, element('progress'));
    this.announce(announcement);
  }

  private announce(what: string): void {
    if (what !== this.said) element('announcement').textContent = what;
    this.said = what;
  }
}
