import captureWorklet from './capture.worklet.ts?worker&url';
import { toPcm, wav } from './sound';
import { microphoneTrouble, Trouble } from './trouble';

/** Samples a second that are asked for: what models hear. A browser may insist on the microphone's own rate. */
const wantedRate = 16_000;

/** Pieces are joined into blobs of so many samples, which browsers may move from memory to disk. */
const joinedSamples = 1 << 20;

/** The microphone: hands on what it hears in pieces, and keeps it. */
export class Microphone {
  private readonly kept: Blob[] = [];
  private latest: Int16Array<ArrayBuffer>[] = [];
  private samples = 0;

  /** Ends when the microphone gives no more, though nobody closed it: it was unplugged, or taken away. */
  readonly lost: Promise<Trouble>;

  private constructor(private readonly stream: MediaStream, private readonly context: AudioContext, heard: (pcm: Int16Array<ArrayBuffer>, loudness: number) => void) {
    const node = new AudioWorkletNode(context, 'capture', { numberOfInputs: 1, numberOfOutputs: 0, channelCount: 1, channelCountMode: 'explicit' });
    context.createMediaStreamSource(stream).connect(node);
    this.lost = new Promise((resolve) => {
      for (const track of stream.getTracks()) {
        track.addEventListener('ended', () => resolve(new Trouble('The microphone is gone: what was said until then is kept.', 'microphone_lost')), { once: true });
      }
    });
    node.port.onmessage = ({ data }: MessageEvent<Float32Array>) => {
      const pcm = toPcm(data);
      this.keep(pcm);
      heard(pcm, Math.sqrt(data.reduce((sum, sample) => sum + sample * sample, 0) / data.length));
    };
  }

  /** @param heard Told of each tenth of a second: its samples, and how loud it is in [0, 1]. */
  static async open(heard: (pcm: Int16Array<ArrayBuffer>, loudness: number) => void): Promise<Microphone> {
    if (!navigator.mediaDevices) throw new Trouble('Browsers give the microphone only to pages that come over https, or from this machine itself.', 'microphone_insecure');
    let stream: MediaStream | undefined;
    try {
      // Models have learnt from noisy sound; what a browser takes away for telephony they miss.
      stream = await navigator.mediaDevices.getUserMedia({ audio: { channelCount: 1, echoCancellation: false, noiseSuppression: false, autoGainControl: true } });
      const context = await contextFor(stream);
      return new Microphone(stream, context, heard);
    } catch (failure) {
      for (const track of stream?.getTracks() ?? []) track.stop();
      throw microphoneTrouble(failure);
    }
  }

  get sampleRate(): number {
    return this.context.sampleRate;
  }

  /** Seconds that were heard. */
  get seconds(): number {
    return this.samples / this.sampleRate;
  }

  async close(): Promise<void> {
    for (const track of this.stream.getTracks()) track.stop();
    if (this.context.state !== 'closed') await this.context.close();
  }

  /** What was heard, as a WAV file. */
  recording(): Blob {
    return wav([...this.kept, ...this.latest], this.sampleRate);
  }

  private keep(pcm: Int16Array<ArrayBuffer>): void {
    this.latest.push(pcm);
    this.samples += pcm.length;
    if (this.latest.length * pcm.length >= joinedSamples) {
      this.kept.push(new Blob(this.latest));
      this.latest = [];
    }
  }
}

async function contextFor(stream: MediaStream): Promise<AudioContext> {
  const context = new AudioContext({ sampleRate: wantedRate });
  try {
    context.createMediaStreamSource(stream).disconnect();
    await context.audioWorklet.addModule(captureWorklet);
    return context;
  } catch (failure) {
    await context.close();
    if (!(failure instanceof DOMException && failure.name === 'NotSupportedError')) throw failure;
    const own = new AudioContext(); // Firefox connects a microphone only to a context of the microphone's rate
    await own.audioWorklet.addModule(captureWorklet);
    return own;
  }
}
