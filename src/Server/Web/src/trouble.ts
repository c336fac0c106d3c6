// Everything that can go wrong becomes one sentence for the person in front of the page.

/** A failure that has its sentence. */
export class Trouble extends Error {
  /**
   * @param message What is wrong and what to do.
   * @param code The server's word for it, if it came from there.
   * @param retryAfter Seconds after which the server takes the request again, where it said so.
   */
  constructor(message: string, readonly code = '', readonly retryAfter?: number) {
    super(message);
  }

  /** Whether the same request may succeed a little later. */
  get isPassing(): boolean {
    return this.retryAfter !== undefined || this.code === 'unreachable' || this.code === 'cut_off' || this.wantsKey;
  }

  get wantsKey(): boolean {
    return this.code === 'missing_api_key' || this.code === 'invalid_api_key';
  }
}

/** What the server says to programs, said to people. */
const forPeople: Record<string, string> = { missing_api_key: 'This server wants an API key: ask whoever runs it for one.' };

interface ErrorObject { error?: { message?: string; code?: string | null } }

/** Reads the error object of an answer. */
export function troubleOf(status: number, body: string, retryAfter: string | null): Trouble {
  const wait = retryAfter === null ? NaN : Number(retryAfter);
  const seconds = Number.isFinite(wait) ? wait : undefined;
  try {
    const { error } = JSON.parse(body) as ErrorObject;
    if (error?.message) return new Trouble(forPeople[error.code ?? ''] ?? error.message, error.code ?? '', seconds);
  } catch {
    // A proxy in front of the server answered with a page of its own.
  }
  return new Trouble(
    status === 413 ? 'The recording is larger than this server takes: compress it or cut it into parts.'
      : status === 502 || status === 504 ? 'The server behind this address does not answer.'
      : `The server answers with the status ${status} and no explanation.`,
    '', seconds);
}

export const unreachable = () =>
  new Trouble('The server cannot be reached: it has stopped, or the connection is down.', 'unreachable');

/** Why there is no microphone. */
export function microphoneTrouble(failure: unknown): Trouble {
  const name = failure instanceof DOMException ? failure.name : '';
  switch (name) {
    case 'NotAllowedError':
    case 'SecurityError':
      return new Trouble('This page may not use the microphone: allow it in the address bar, then try again.', 'microphone_denied');
    case 'NotFoundError':
      return new Trouble('There is no microphone: connect one, then try again.', 'microphone_missing');
    case 'NotReadableError':
      return new Trouble('The microphone cannot be used: another program may hold it.', 'microphone_busy');
    default:
      return new Trouble('The microphone cannot be used by this browser.', 'microphone_failed');
  }
}

/** The sentence of any failure. */
export function sentenceOf(failure: unknown): string {
  if (failure instanceof Trouble) return failure.message;
  console.error(failure);
  return 'Something unexpected happened in this page: load it again.';
}
