import { element } from './elements';
import { apiKey } from './server';
import { Trouble } from './trouble';

const dialog = element<HTMLDialogElement>('key-dialog');
const input = element<HTMLInputElement>('key');

/** Asks for a key. @returns False if the person has none. */
function askForKey(reason: string): Promise<boolean> {
  element('key-reason').textContent = reason;
  input.value = '';
  dialog.showModal();
  return new Promise((resolve) => dialog.addEventListener('close', () => {
    if (dialog.returnValue === 'key') apiKey.set(input.value.trim());
    resolve(dialog.returnValue === 'key');
  }, { once: true }));
}

/** Does what may want a key, and asks for one until it is right. */
export async function withKey<T>(work: () => Promise<T>): Promise<T> {
  while (true) {
    try {
      return await work();
    } catch (failure) {
      if (!(failure instanceof Trouble && failure.wantsKey)) throw failure;
      apiKey.forget();
      if (!await askForKey(failure.message)) throw failure;
    }
  }
}

dialog.addEventListener('cancel', () => { dialog.returnValue = ''; });
element('key-cancel').addEventListener('click', () => dialog.close(''));
dialog.querySelector('form')!.addEventListener('submit', (event) => {
  event.preventDefault();
  dialog.close('key');
});
