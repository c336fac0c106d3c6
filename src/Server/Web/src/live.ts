import { unlessAborted } from './abort';
import type { Settings } from './settings';
import { address, apiKey, whyNoSocket } from './server';
import type { Word } from './transcript';
import { Trouble } from './trouble';

type ServerMessage =
  | { type: 'ready' | 'speech_start' | 'endpoint' | 'done' }
  | { type: 'language'; language: string }
  | { type: 'partial'; committed: string; tentative: string }
  | { type: 'final'; text: string; start: number; end: number; words: Word[] }
  | { type: 'error'; error: { message: string; code: string | null } };

export interface LiveListener {
  language(code: string): void;
  /** What was said last: first what is certain, then what may change. */
  partial(committed: string, tentative: string): void;
  final(text: string, start: number, end: number, words: Word[]): void;
}

/** A stream to the server: sound goes there, text comes back while it is spoken. */
export class LiveStream {
  /** Ends when the server has said everything, or with the trouble that ended it. */
  readonly ended: Promise<void>;

  private constructor(private readonly socket: WebSocket, path: string, signal: AbortSignal, listener: LiveListener) {
    let [isOpen, isDone] = [false, false];
    this.ended = new Promise((resolve, reject) => {
      socket.addEventListener('open', () => { isOpen = true; });
      socket.addEventListener('message', ({ data }: MessageEvent<string>) => {
        const message = JSON.parse(data) as ServerMessage;
        switch (message.type) {
          case 'language': listener.language(message.language); break;
          case 'partial': listener.partial(message.committed, message.tentative); break;
          case 'final': listener.final(message.text, message.start, message.end, message.words); break;
          case 'error': reject(new Trouble(message.error.message, message.error.code ?? '')); break;
          case 'done': isDone = true; break;
        }
      });
      socket.addEventListener('close', () => {
        if (isDone) resolve();
        else if (isOpen) reject(new Trouble('The connection to the server was lost; what it had heard until then is kept.', 'cut_off'));
        else if (!signal.aborted) void whyNoSocket(path).then(reject);
      });
    });
  }

  /** Opens a stream; sound may be sent once this returns. Aborted while it opens, the socket does not stay. */
  static async open(settings: Settings, sampleRate: number, signal: AbortSignal, listener: LiveListener): Promise<LiveStream> {
    signal.throwIfAborted();
    const query = new URLSearchParams({ sample_rate: String(sampleRate), encoding: 'pcm16', task: settings.task });
    if (settings.model) query.set('model', settings.model);
    if (settings.language) query.set('language', settings.language);
    const path = `v1/stream?${query}`;
    const url = address(path);
    url.protocol = url.protocol.replace('http', 'ws');
    const key = apiKey.get();
    const socket = new WebSocket(url, key === null ? [] : ['handwritten', `openai-insecure-api-key.${key}`]);
    const stream = new LiveStream(socket, path, signal, listener);
    try {
      await unlessAborted(signal, Promise.race([stream.ended, new Promise((resolve) => socket.addEventListener('open', resolve, { once: true }))]));
      return stream;
    } catch (failure) {
      socket.close();
      throw failure;
    }
  }

  send(pcm: Int16Array<ArrayBuffer>): void {
    if (this.socket.readyState === WebSocket.OPEN) this.socket.send(pcm);
  }

  /** No sound follows; the rest of the text does. */
  finish(): void {
    if (this.socket.readyState === WebSocket.OPEN) this.socket.send(JSON.stringify({ type: 'end' }));
  }

  /** Ends it, whatever is still to come. */
  close(): void {
    this.socket.close();
  }
}
