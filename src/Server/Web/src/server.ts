import { Trouble, troubleOf, unreachable } from './trouble';

// The key lives as long as the tab.
const keyName = 'handwritten-api-key';

export const apiKey = {
  get: (): string | null => sessionStorage.getItem(keyName),
  set: (key: string): void => sessionStorage.setItem(keyName, key),
  forget: (): void => sessionStorage.removeItem(keyName),
};

/** An address of the server that this page came from, also where a proxy added a path. */
export const address = (path: string): URL => new URL(path, document.baseURI);

export function authorization(): Record<string, string> {
  const key = apiKey.get();
  return key === null ? {} : { Authorization: `Bearer ${key}` };
}

/** Asks the server; what is no success is thrown as {@link Trouble}. */
export async function ask(path: string, request: RequestInit = {}): Promise<Response> {
  let response: Response;
  try {
    response = await fetch(address(path), { ...request, headers: { ...authorization(), ...request.headers as Record<string, string> } });
  } catch (failure) {
    if (request.signal?.aborted) throw failure;
    throw unreachable();
  }
  if (!response.ok) throw troubleOf(response.status, await response.text(), response.headers.get('Retry-After'));
  return response;
}

export interface Model { id: string }
export interface Language { code: string; name: string }

export async function models(): Promise<Model[]> {
  return (await (await ask('v1/models')).json() as { data: Model[] }).data;
}

export async function languages(): Promise<Language[]> {
  return (await (await ask('v1/languages')).json() as { data: Language[] }).data;
}

/**
 * Why a socket did not open: browsers keep that to themselves, so the same address is asked without one. Where all is well, the
 * server answers that it wants a socket.
 */
export async function whyNoSocket(path: string): Promise<Trouble> {
  try {
    await ask(path);
  } catch (failure) {
    if (failure instanceof Trouble && failure.code !== 'upgrade_required') return failure;
  }
  return new Trouble('The server takes no further live stream now: try again in a while.', 'stream_refused', 5);
}
