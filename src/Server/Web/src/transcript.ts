import { ask } from './server';

// A transcript as the server's verbose_json has it; each segment holds its words.

export interface Word { word: string; start: number; end: number; probability: number }

export interface Segment { start: number; end: number; text: string; words?: Word[] }

export interface Transcript { language: string; duration: number; segments: Segment[] }

/** All of the text, as the server puts it together. */
export const textOf = (transcript: Transcript): string => transcript.segments.map((segment) => segment.text).join('').trim();

/** Has the server write the transcript in one of its formats; plain text is there without it, should the server be gone. */
export async function write(transcript: Transcript, format: string): Promise<Blob> {
  if (format === 'text') return new Blob([textOf(transcript), '\n'], { type: 'text/plain' });
  const response = await ask('v1/transcripts/format', {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify({ transcript, response_format: format, timestamp_granularities: ['word', 'segment'] }),
  });
  return response.blob();
}

/** Gives words the blanks that they have before them in their text. */
export function withBlanks(text: string, words: readonly Word[]): Word[] {
  let end = 0;
  return words.map((word) => {
    const [from, place] = [end, text.indexOf(word.word, end)];
    if (place < 0) return word;
    end = place + word.word.length;
    return { ...word, word: text.slice(from, end) };
  });
}
