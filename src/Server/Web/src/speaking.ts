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
      if (stream) stream.send(pcm);
      else unsent.push(pcm);
      pen.hear(loudness);
      sheet.tellFacts(language, microphone?.seconds ?? 0);
    });
    signal.throwIfAborted();
    stream = await withKey(() => LiveStream.open(settings, microphone!.sampleRate, {
      language: (code) => { language = languages.of(code) ?? code; },
      partial: (committed, tentative) => sheet.setPartial(committed, tentative),
      final: (text, start, end, words) => {
        sheet.setPartial('', '');
        sheet.append({ text, start, end, words: withBlanks(text, words) }, language, microphone!.seconds);
      },
    }));
    for (const pcm of unsent) stream.send(pcm);

    sheet.progress.end('Listening: speak now.');
    show(true, element('live'));
    pen.start();
    stop.focus();
    await Promise.race([stream.ended, pressed(signal)]);
    await microphone.close();
    stream.finish();
    sheet.progress.tell('Writing the rest');
    show(false, element('live'));
    await Promise.race([stream.ended, aborted(signal)]);
  } catch (failure) {
    trouble = failure;
  } finally {
    pen.stop();
    show(false, element('live'));
    await microphone?.close();
    stream?.close();
  }

  if (signal.aborted) return null;
  if (!microphone || !stream) { // it never began
    sheet.close();
    alarm.raise(trouble, () => element('speak').click());
    return null;
  }
  return finish(sheet, settings, name, microphone, trouble);
}

/** Makes what was said a recording like any other. */
async function finish(sheet: Sheet, settings: Settings, name: string, microphone: Microphone, trouble: unknown): Promise<Spoken> {
  const recording = microphone.recording();
  await sheet.take(recording, settings.model);
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

const aborted = (signal: AbortSignal): Promise<never> => new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason), { once: true }));

const pressed = (signal: AbortSignal): Promise<void> => Promise.race([
  new Promise<void>((resolve) => stop.addEventListener('click', () => resolve(), { once: true })),
  aborted(signal),
]);
