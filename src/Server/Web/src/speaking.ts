import { unlessAborted } from './abort';
import { alarm } from './alarm';
import { element, show } from './elements';
import { withKey } from './key';
import { LiveStream } from './live';
import { Microphone } from './microphone';
import { Pen } from './pen';
import type { Settings } from './settings';
import type { Sheet } from './sheet';
import { withBlanks } from './transcript';

const pen = new Pen(element<HTMLCanvasElement>('pen'));
const stop = element<HTMLButtonElement>('stop');
const languages = new Intl.DisplayNames(['en'], { type: 'language', fallback: 'code' });

/** A recording, and what to call it. */
export interface Spoken { recording: Blob; name: string }

/**
 * From speech to its transcript on the sheet, while it is spoken.
 *
 * @returns What was said as a recording; null if it was given up.
 */
export async function speakOn(sheet: Sheet, settings: Settings, signal: AbortSignal): Promise<Spoken | null> {
  const name = `Spoken ${new Date().toLocaleString('en-GB', { dateStyle: 'medium', timeStyle: 'short' })}`;
  const unsent: Int16Array<ArrayBuffer>[] = []; // what is said before the stream is open
  let language = settings.language ? languages.of(settings.language)! : '';
  let microphone: Microphone | null = null;
  let stream: LiveStream | null = null;
  let trouble: unknown = null;
  sheet.open(name);
  sheet.progress.tell('Waiting for the microphone');
  try {
    microphone = await Microphone.open((pcm, loudness) => {
      if (signal.aborted) return;
      if (stream) stream.send(pcm);
      else unsent.push(pcm);
      pen.hear(loudness);
      sheet.tellFacts(language, microphone?.seconds ?? 0);
    });
    signal.throwIfAborted();
    stream = await unlessAborted(signal, withKey(() => LiveStream.open(settings, microphone!.sampleRate, signal, {
      language: (code) => { language = languages.of(code) ?? code; },
      partial: (committed, tentative) => sheet.setPartial(committed, tentative),
      final: (text, start, end, words) => {
        sheet.setPartial('', '');
        sheet.append({ text, start, end, words: withBlanks(text, words) }, language, microphone!.seconds);
      },
    })));
    for (const pcm of unsent) stream.send(pcm);

    sheet.progress.end('Listening: speak now.');
    show(true, element('live'));
    pen.start();
    stop.focus();
    trouble = await unlessAborted(signal, Promise.race([stream.ended, pressed(), microphone.lost]));
    await microphone.close();
    stream.finish();
    sheet.progress.tell('Writing the rest');
    show(false, element('live'));
    await unlessAborted(signal, stream.ended);
  } catch (failure) {
    trouble = failure;
  } finally {
    pen.stop();
    show(false, element('live'));
    stream?.close(); // first, since the sheet may be another's now
    await microphone?.close();
  }

  if (signal.aborted) return null;
  if (!microphone || !stream) { // it never began
    sheet.close();
    alarm.raise(trouble, () => element('speak').click());
    return null;
  }
  return finish(sheet, settings, name, microphone, trouble, signal);
}

/** Makes what was said a recording like any other; null if something else was begun meanwhile. */
async function finish(sheet: Sheet, settings: Settings, name: string, microphone: Microphone, trouble: unknown, signal: AbortSignal): Promise<Spoken | null> {
  const recording = microphone.recording();
  await sheet.take(recording, settings.model);
  if (signal.aborted) return null; // the sheet is another's now
  if (trouble) {
    sheet.breakOff();
    alarm.raise(trouble);
  } else {
    sheet.complete(microphone.seconds);
  }
  const sound = element<HTMLAnchorElement>('sound');
  if (sound.href) URL.revokeObjectURL(sound.href);
  sound.href = URL.createObjectURL(recording);
  sound.download = `${name}.wav`;
  show(true, sound, element('whole'));
  element('name').focus();
  return { recording, name: `${name}.wav` };
}

const pressed = (): Promise<void> => new Promise((resolve) => stop.addEventListener('click', () => resolve(), { once: true }));
