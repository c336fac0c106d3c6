// Runs on the audio thread: gathers what the microphone gives, 128 samples at a time, into pieces worth sending.

const pieceLength = Math.round(sampleRate / 10);

class Capture extends AudioWorkletProcessor {
  private piece = new Float32Array(pieceLength);
  private length = 0;

  override process(inputs: Float32Array[][]): boolean {
    const samples = inputs[0]?.[0];
    for (let taken = 0; samples && taken < samples.length;) {
      const count = Math.min(samples.length - taken, pieceLength - this.length);
      this.piece.set(samples.subarray(taken, taken + count), this.length);
      taken += count;
      this.length += count;
      if (this.length === pieceLength) {
        this.port.postMessage(this.piece, [this.piece.buffer]);
        [this.piece, this.length] = [new Float32Array(pieceLength), 0];
      }
    }
    return true;
  }
}

registerProcessor('capture', Capture);
