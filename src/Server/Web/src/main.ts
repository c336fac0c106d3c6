import './style/index.css';
import { alarm } from './alarm';
import { takeFiles } from './drop';
import { element } from './elements';
import { withKey } from './key';
import { flourish } from './pen';
import { loadSettings, settings } from './settings';
import { Sheet } from './sheet';
import { speakOn, type Spoken } from './speaking';
import './theme';
import { transcribeOn } from './uploading';

/** What is under way; it ends when something else begins. */
let work = new AbortController();

function begin(): AbortSignal {
  work.abort(new DOMException('Something else was begun.', 'AbortError'));
  work = new AbortController();
  return work.signal;
}

function backToStart(): void {
  begin();
  alarm.clear();
  sheet.close();
  element('choose').focus();
}

const sheet = new Sheet(backToStart);
let spoken: Spoken | null = null;

takeFiles((file) => void transcribeOn(sheet, file, file.name, settings(), begin()));
element('again').addEventListener('click', backToStart);
element('speak').addEventListener('click', () => void speakOn(sheet, settings(), begin()).then((recording) => { spoken = recording; }));
element('whole').addEventListener('click', () => {
  if (spoken) void transcribeOn(sheet, spoken.recording, spoken.name, settings(), begin());
});

const ornament = element<HTMLElement>('flourish');
const [width, height] = [1600, 120];
ornament.setAttribute('viewBox', `0 0 ${width} ${height}`);
ornament.querySelector('path')!.setAttribute('d', flourish(width, height));

function load(): void {
  withKey(loadSettings).catch((failure: unknown) => alarm.raise(failure, load));
}

load();
