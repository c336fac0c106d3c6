// Uses the server at argv[2] as OpenAI's documentation uses OpenAI, with the recording argv[3]; prints what it was told.
import { createReadStream } from 'node:fs';
import OpenAI from 'openai';

const [server, recording] = process.argv.slice(2);
const openai = new OpenAI({ apiKey: 'any', baseURL: `${server}/v1`, maxRetries: 0 });
const file = () => createReadStream(recording);

const plain = await openai.audio.transcriptions.create({ file: file(), model: 'whisper-1' });
const verbose = await openai.audio.transcriptions.create({
  file: file(), model: 'whisper-1', language: 'en', prompt: 'Music.', temperature: 0,
  response_format: 'verbose_json', timestamp_granularities: ['word', 'segment'],
});
const srt = await openai.audio.transcriptions.create({ file: file(), model: 'whisper-1', response_format: 'srt' });
const translation = await openai.audio.translations.create({ file: file(), model: 'whisper-1' });

const cut = await openai.audio.transcriptions.create({
  file: file(), model: 'gpt-4o-transcribe', include: ['logprobs'], chunking_strategy: { type: 'server_vad', threshold: 0.4, prefix_padding_ms: 300 },
});

let deltas = '', done = '', total;
for await (const event of await openai.audio.transcriptions.create({ file: file(), model: 'whisper-nano', stream: true })) {
  if (event.type === 'transcript.text.delta') deltas += event.delta;
  if (event.type === 'transcript.text.done') [done, total] = [event.text, event.usage.total_tokens];
}

const models = [];
for await (const model of openai.models.list()) models.push(model.id);

let error;
try {
  await openai.audio.transcriptions.create({ file: file(), model: 'gpt-9' });
} catch (failure) {
  error = { kind: failure.constructor.name, status: failure.status, code: failure.code, param: failure.param };
}

console.log(JSON.stringify({
  plain: plain.text, words: verbose.words.map((word) => word.word), end: verbose.segments.at(-1).end,
  srt, translation: typeof translation.text, deltas, done, total, models, error,
  tokens: cut.logprobs.map((token) => token.token), usage: cut.usage.type, cut: cut.text,
}));
