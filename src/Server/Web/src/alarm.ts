import { element, show } from './elements';
import { sentenceOf } from './trouble';

/** Says in one sentence what went wrong, and offers to try again where that makes sense. */
class Alarm {
  private again: (() => void) | undefined;

  constructor() {
    element('retry').addEventListener('click', () => { const again = this.again; this.clear(); again?.(); });
    element('dismiss').addEventListener('click', () => this.clear());
  }

  raise(failure: unknown, again?: () => void): void {
    this.again = again;
    element('sentence').textContent = sentenceOf(failure);
    show(again !== undefined, element('retry'));
    show(true, element('trouble'));
  }

  clear(): void {
    show(false, element('trouble'));
  }
}

export const alarm = new Alarm();
