import { EventReader } from './events';
import type { Settings } from './settings';
import { address, ask, authorization } from './server';
import type { Segment } from './transcript';
import { Trouble, troubleOf, unreachable } from './trouble';

type ServerEvent =
  | { type: 'transcript.text.delta'; segment: Segment; language: string; duration: number }
  | { type: 'transcript.text.done'; usage: { seconds: number } }
  | { type: 'error'; error: { message: string; code: string | null } };

export interface UploadListener {
  /** @param share Of the recording that has been sent, in [0, 1]. */
  sent(share: number): void;
  heard(segment: Segment, language: string, duration: number): void;
}

/**
 * Sends a recording and hears the transcript segment by segment. XMLHttpRequest, since fetch does not tell how much has been sent.
 *
 * @returns Seconds of the recording.
 */
export function transcribe(recording: Blob, name: string, settings: Settings, listener: UploadListener, signal: AbortSignal): Promise<number> {
  const form = new FormData();
  for (const [field, value] of Object.entries({ model: settings.model, language: settings.language, response_format: 'verbose_json', stream: 'true' })) {
    if (value) form.append(field, value);
  }
  form.append('timestamp_granularities[]', 'word');
  form.append('timestamp_granularities[]', 'segment');
  form.append('file', recording, name);

  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    const reader = new EventReader();
    const brokenOff = new Trouble('The transcript broke off: the connection to the server was lost.', 'cut_off');
    let hasBegun = false;
    let seconds: number | undefined;

    const take = () => {
      if (request.status !== 200) return;
      hasBegun = true;
      for (const event of reader.read(request.responseText) as ServerEvent[]) {
        switch (event.type) {
          case 'transcript.text.delta': listener.heard(event.segment, event.language, event.duration); break;
          case 'transcript.text.done': seconds = event.usage.seconds; break;
          case 'error': reject(new Trouble(event.error.message, event.error.code ?? '')); break;
        }
      }
    };

    request.upload.addEventListener('progress', (event) => listener.sent(event.total > 0 ? event.loaded / event.total : 0));
    request.upload.addEventListener('load', () => listener.sent(1));
    request.addEventListener('progress', take);
    request.addEventListener('error', () => hasBegun ? reject(brokenOff) : void whyBroken().then(reject));
    request.addEventListener('abort', () => reject(signal.reason));
    request.addEventListener('load', () => {
      take();
      if (request.status !== 200) reject(troubleOf(request.status, request.responseText, request.getResponseHeader('Retry-After')));
      else if (seconds === undefined) reject(brokenOff);
      else resolve(seconds);
    });
    signal.addEventListener('abort', () => request.abort(), { once: true });

    request.open('POST', address(settings.task === 'translate' ? 'v1/audio/translations' : 'v1/audio/transcriptions'));
    for (const [header, value] of Object.entries(authorization())) request.setRequestHeader(header, value);
    request.send(form);
  });
}

/** A server that refuses a large body closes the connection, and browsers do not tell that from one that is gone. */
async function whyBroken(): Promise<Trouble> {
  try {
    await ask('health/live');
    return new Trouble('The connection broke while the recording was being sent: it may be larger than this server takes.', 'cut_off');
  } catch {
    return unreachable();
  }
}
