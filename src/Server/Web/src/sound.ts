// Sound as samples: what the browser decodes of a file, and the WAV file that samples become.

export const sampleRate = 16_000;

/** Above an hour the samples alone take hundreds of megabytes; the server hears longer recordings, the page does not draw them. */
const longest = 3600;

/** Recordings that do not say how long they are have at least so many bytes a second. */
const fewestBytes = 2000;

/**
 * The samples of a recording, mono at 16 kHz; null where the browser cannot decode it, or should not.
 *
 * @param seconds Its length, if that is known.
 */
export async function decode(recording: Blob, seconds: number | null): Promise<Float32Array | null> {
  if ((seconds ?? recording.size / fewestBytes) > longest) return null;
  try {
    const buffer = await new OfflineAudioContext(1, 1, sampleRate).decodeAudioData(await recording.arrayBuffer());
    const mono = buffer.getChannelData(0);
    for (let channel = 1; channel < buffer.numberOfChannels; channel++) {
      const samples = buffer.getChannelData(channel);
      for (let i = 0; i < mono.length; i++) mono[i] = mono[i]! + samples[i]!;
    }
    // The mean, as the server has it: a sum would be too loud.
    if (buffer.numberOfChannels > 1) for (let i = 0; i < mono.length; i++) mono[i] = mono[i]! / buffer.numberOfChannels;
    return mono;
  } catch {
    return null;
  }
}

/** 16-bit samples of floats. */
export function toPcm(samples: Float32Array): Int16Array<ArrayBuffer> {
  const pcm = new Int16Array(samples.length);
  for (let i = 0; i < samples.length; i++) pcm[i] = Math.max(-1, Math.min(1, samples[i]!)) * 32767;
  return pcm;
}

/** A WAV file of one channel of 16-bit samples, which are not copied. */
export function wav(samples: readonly BlobPart[], rate: number): Blob {
  const bytes = new Blob([...samples]).size;
  const header = new DataView(new ArrayBuffer(44));
  const text = (at: number, letters: string) => { for (let i = 0; i < letters.length; i++) header.setUint8(at + i, letters.charCodeAt(i)); };
  text(0, 'RIFF');
  header.setUint32(4, 36 + bytes, true);
  text(8, 'WAVEfmt ');
  header.setUint32(16, 16, true); // length of the format
  header.setUint16(20, 1, true); // integers
  header.setUint16(22, 1, true); // channels
  header.setUint32(24, rate, true);
  header.setUint32(28, rate * 2, true); // bytes a second
  header.setUint16(32, 2, true); // bytes of a sample of all channels
  header.setUint16(34, 16, true); // bits of a sample
  text(36, 'data');
  header.setUint32(40, bytes, true);
  return new Blob([header.buffer, ...samples], { type: 'audio/wav' });
}
