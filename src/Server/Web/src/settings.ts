import { element } from './elements';
import { languages, models } from './server';

/** What the sentence on the first page says. Empty means: the server's default, any language. */
export interface Settings { task: 'transcribe' | 'translate'; language: string; model: string }

const storageName = 'handwritten-settings';
const [task, language, model] = [element<HTMLSelectElement>('task'), element<HTMLSelectElement>('language'), element<HTMLSelectElement>('model')];

export const settings = (): Settings => ({ task: task.value as Settings['task'], language: language.value, model: model.value });

/** Fills the sentence with what the server has, and with what was chosen the last time. */
export async function loadSettings(): Promise<void> {
  const [knownModels, knownLanguages] = await Promise.all([models(), languages()]);
  model.replaceChildren(...knownModels.map(({ id }) => new Option(id, id)));
  const own = new Intl.DisplayNames(['en'], { type: 'language', fallback: 'none' });
  const named = knownLanguages.map(({ code, name }) => ({ code, name: own.of(code) ?? name }));
  named.sort((a, b) => a.name.localeCompare(b.name));
  language.replaceChildren(new Option('any language', ''), ...named.map(({ code, name }) => new Option(name, code)));
  restore();
}

/** English name of a language, from the server's in small letters. */
export const languageName = (name: string): string => name.replace(/(^|[\s-])\p{L}/gu, (letter) => letter.toUpperCase());

function restore(): void {
  const kept = JSON.parse(localStorage.getItem(storageName) ?? '{}') as Partial<Settings>;
  for (const [select, value] of [[task, kept.task], [language, kept.language], [model, kept.model]] as const) {
    if (value !== undefined && [...select.options].some((option) => option.value === value)) select.value = value;
  }
}

element('settings').addEventListener('change', () => localStorage.setItem(storageName, JSON.stringify(settings())));
element('settings').addEventListener('submit', (event) => event.preventDefault());
