// Sound in the format of the house: a byte that marks it, then 1600 samples of 16 bits, 16,000 a second.
const RATE = 16000, SAMPLES = 1600, SOUND = 1;

class Tap extends AudioWorkletProcessor {
  constructor() {
    super();
    this.sum = this.count = this.phase = 0;
    this.begin();
  }

  begin() {
    this.bytes = new DataView(new ArrayBuffer(1 + 2 * SAMPLES));
    this.bytes.setUint8(0, SOUND);
    this.filled = 0;
  }

  // If the browser records at a higher rate, each of our samples is the mean of several of its samples.
  process([input]) {
    for (const sample of input[0] ?? []) {
      this.sum += sample;
      this.count += 1;
      this.phase += RATE;
      if (this.phase < sampleRate) continue;
      this.phase -= sampleRate;
      this.put(this.sum / this.count);
      this.sum = this.count = 0;
    }
    return true;
  }

  put(sample) {
    this.bytes.setInt16(1 + 2 * this.filled, Math.max(-1, Math.min(1, sample)) * 32767, true);
    this.filled += 1;
    if (this.filled < SAMPLES) return;
    this.port.postMessage(this.bytes.buffer, [this.bytes.buffer]);
    this.begin();
  }
}

registerProcessor("tap", Tap);
