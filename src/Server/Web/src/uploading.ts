import { alarm } from './alarm';
import { withKey } from './key';
import type { Settings } from './settings';
import type { Sheet } from './sheet';
import { clock, pause } from './time';
import { Trouble } from './trouble';
import { transcribe } from './upload';

/** A busy server is asked again so many times before the person is. */
const patience = 5;

/** From a recording to its transcript on the sheet. */
export async function transcribeOn(sheet: Sheet, recording: Blob, name: string, settings: Settings, signal: AbortSignal): Promise<void> {
  sheet.open(name);
  sheet.progress.tell('Sending the recording');
  void sheet.take(recording, settings.model);
  try {
    sheet.complete(await whenThereIsRoom(sheet, recording, name, settings, signal));
  } catch (failure) {
    if (signal.aborted) return;
    sheet.breakOff();
    if (failure instanceof Trouble && failure.isPassing) {
      alarm.raise(failure, () => void transcribeOn(sheet, recording, name, settings, signal));
    } else {
      if (sheet.isEmpty) sheet.close(); // another recording, or other settings, are needed
      alarm.raise(failure);
    }
  }
}

async function whenThereIsRoom(sheet: Sheet, recording: Blob, name: string, settings: Settings, signal: AbortSignal): Promise<number> {
  const { progress } = sheet;
  const listener = {
    sent: (share: number) => share < 1
      ? progress.tell('Sending the recording', share, `${Math.floor(share * 100)} %`)
      : progress.tell('Listening'),
    heard: (segment: Parameters<Sheet['append']>[0], language: string, duration: number) => {
      sheet.append(segment, language, duration);
      progress.tell('Writing', segment.end / duration, `${clock(segment.end)} of ${clock(duration)}`);
    },
  };
  for (let attempt = 1; ; attempt++) {
    try {
      return await withKey(() => transcribe(recording, name, settings, listener, signal));
    } catch (failure) {
      if (!(failure instanceof Trouble && failure.retryAfter !== undefined && attempt < patience && sheet.isEmpty)) throw failure;
      for (let left = Math.ceil(failure.retryAfter); left > 0; left--) {
        progress.tell('The server is busy.', undefined, `Trying again in ${left} s.`);
        await pause(1, signal);
      }
    }
  }
}
