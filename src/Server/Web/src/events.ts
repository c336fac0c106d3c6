/** Cuts the text of a stream of server-sent events, which comes in pieces of any size, into events. */
export class EventReader {
  private taken = 0;

  /** @param text All that has come so far. @returns The events that are complete and new. */
  read(text: string): unknown[] {
    const events: unknown[] = [];
    for (let end = text.indexOf('\n\n', this.taken); end >= 0; end = text.indexOf('\n\n', this.taken)) {
      const data = text.slice(this.taken, end).split('\n').filter((line) => line.startsWith('data:')).map((line) => line.slice(5).trimStart());
      if (data.length > 0) events.push(JSON.parse(data.join('\n')));
      this.taken = end + 2;
    }
    return events;
  }
}
