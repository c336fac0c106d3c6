import { alarm } from './alarm';
import { element, show } from './elements';
import { withKey } from './key';
import { LiveStream } from './live';
import { Microphone } from './microphone';
import { Pen } from './pen';
import type { Settings } from './settings';
import type { Sheet } from './sheet';
import { clock } from './time';
import { withBlanks } from './transcript';

const pen = new Pen(element<HTMLCanvasElement>('pen'));
const stop = element<HTMLButtonElement>('stop');
const own = new Intl.DisplayNames(['en'], { type: 'language', fallback: 'code' });

/** From speech to its transcript on the sheet, while it is spoken; afterwards the recording is there as well. */
export async function speakOn(sheet: Sheet, settings: Settings, signal: AbortSignal): Promise<{ recording: Blob; name: string } | null> {
  const name = `Spoken ${new Date().toLocaleString('en-GB', { dateStyle: 'medium', timeStyle: 'short' })}`;
  sheet.open(name);
  sheet.progress.tell('Waiting for the microphone');
  const waiting: Int16Array<ArrayBuffer>[] = []; // what is said before the stream is open
  let [stream, microphone, language]: [LiveStream | null, Microphone | null, string] = [null, null, settings.language ? own.of(settings.language)! : ''];
  let trouble: unknown = null;
  try {
    microphone = await Microphone.open((pcm, loudness) => {
      if (stream) stream.send(pcm);
      else waiting.push(pcm);
      pen.hear(loudness);
      sheet.tellFacts(language, microphone?.seconds ?? 0);
    });
    if (signal.aborted) return null;
    stream = await withKey(() => LiveStream.open(settings, microphone!.sampleRate, {
      language: (code) => { language = own.of(code) ?? code; },
      partial: (committed, tentative) => sheet.setPartial(committed, tentative),
      final: (text, start, end, words) => {
        sheet.setPartial('', '');
        sheet.append({ text, start, end, words: withBlanks(text, words) }, language, microphone!.seconds);
      },
    }));
    for (const pcm of waiting) stream.send(pcm);

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
  return signal.aborted ? null : finish(sheet, settings, name, microphone, trouble);
}

async function finish(sheet: Sheet, settings: Settings, name: string, microphone: Microphone | null, trouble: unknown): Promise<{ recording: Blob; name: string } | null> {
  if (trouble) sheet.progress.end('');
  if (!microphone || (microphone.seconds === 0 && trouble)) {
    sheet.close();
    alarm.raise(trouble, () => element('speak').click());
    return null;
  }
  const recording = microphone.recording();
  await sheet.take(recording, settings.model);
  sheet.complete(microphone.seconds);
  if (trouble) alarm.raise(trouble);
  const sound = element<HTMLAnchorElement>('sound');
  if (sound.href) URL.revokeObjectURL(sound.href);
  sound.href = URL.createObjectURL(recording);
  sound.download = `${name}.wav`;
  show(true, sound, element('whole'));
  element('name').focus();
  return { recording, name: `${name} (${clock(microphone.seconds)}).wav` };
}

const aborted = (signal: AbortSignal): Promise<never> => new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason), { once: true }));

const pressed = (signal: AbortSignal): Promise<void> => Promise.race([
  new Promise<void>((resolve) => stop.addEventListener('click', () => resolve(), { once: true })),
  aborted(signal),
]);
